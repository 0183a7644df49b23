"""The floor: a bare Bolt AsyncApp in a process of its own. `python -m benchmarks.floor API_URL` prints its port."""

import asyncio
import json
import sys
from typing import Any

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.load import SECRET


def bare(url: str, constants: dict[str, Any]) -> AsyncApp:
    """Build an application that answers with constants only."""
    client = AsyncWebClient(token="xoxb-1", base_url=url)  # noqa: S106 - of a server on loopback
    app = AsyncApp(client=client, signing_secret=SECRET)

    async def command(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:  # noqa: ANN401 - Bolt's
        if body.get("text"):
            await ack(**constants["text"])
            return
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=constants["view"])

    async def pressed(ack: Any) -> None:  # noqa: ANN401 - Bolt's
        await ack()

    async def searched(ack: Any) -> None:  # noqa: ANN401 - Bolt's
        await ack(options=constants["options"])

    app.command("/schedule-upgrade")(command)
    app.action("approve")(pressed)
    app.options("cluster")(searched)
    return app


async def serve(url: str) -> None:
    """Serve until the process is ended."""
    constants: dict[str, Any] = {"text": {"text": "x"}, "view": "{}", "options": []}
    application = bare(url, constants).web_app()

    async def learn(request: web.Request) -> web.Response:
        constants.update(json.loads(await request.text()))
        return web.Response()

    application.router.add_post("/constants", learn)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)  # noqa: T201 - whoever started it reads the port
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
