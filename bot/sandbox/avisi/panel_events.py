"""How the cloud panel hears of changes: at once, but of the bare count of requests only now and then."""

import asyncio
import json
from typing import Any

from aiohttp import web

from bot.sandbox.avisi.cloud import SimulatedCloud

COALESCE = 0.1
REQUESTS_EVERY = 1.0
HEARTBEAT = 15.0


async def tell(cloud: SimulatedCloud, response: web.StreamResponse) -> None:
    """Write events until the reader is gone; ConnectionError then."""
    changes, now = cloud.changes, asyncio.get_running_loop().time
    shown, counted, next_count = changes.number, changes.requests, now()
    await response.write(b": here\n\n")
    while True:
        changed = changes.next()
        if changes.number != shown:
            shown = changes.number
            await _send(response, {"type": "changed"})
            await asyncio.sleep(COALESCE)
        elif changes.requests != counted and now() >= next_count:
            counted, next_count = changes.requests, now() + REQUESTS_EVERY
            await _send(response, {"type": "requests", "requests": cloud.requests.total})
        else:
            wait = HEARTBEAT if changes.requests == counted else next_count - now()
            try:
                await asyncio.wait_for(changed.wait(), wait)
            except TimeoutError:
                await response.write(b": still here\n\n")


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(event)}\n\n".encode())
