"""One Socket Mode connection, and the messages that Slack sends through it."""

import json
import secrets

from aiohttp import web

from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.delivery.answers import ENVELOPES, Delivery
from bot.sandbox.slack.errors import Json


class Connection:
    """One WebSocket that the bot opened. A dead one stays open, but nothing goes through it any more."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.id = secrets.token_hex(4)
        self.socket = socket
        self.dead = False
        self.leaving = False

    async def say(self, message: Json) -> bool:
        """Send a message; False when it could not be sent."""
        if self.dead:
            return True
        try:
            await self.socket.send_str(json.dumps(message))
        except (ConnectionError, RuntimeError):
            return False
        return True


def hello(app: InstalledApp, *, connections: int, life_seconds: int) -> Json:
    """Greet a connection."""
    return {
        "type": "hello",
        "num_connections": connections,
        "debug_info": {"host": "simulated-slack", "build_number": 1, "approximate_connection_time": life_seconds},
        "connection_info": {"app_id": app.id},
    }


def envelope(delivery: Delivery, envelope_id: str) -> Json:
    """Wrap a delivery; the bot acknowledges it by its id."""
    wrapped: Json = {
        "envelope_id": envelope_id,
        "type": ENVELOPES.get(delivery.kind, "interactive"),
        "accepts_response_payload": delivery.kind not in {"event", "view_closed"},
        "payload": delivery.payload,
    }
    if delivery.kind == "event":
        wrapped |= {"retry_attempt": delivery.retry, "retry_reason": delivery.retry_reason}
    return wrapped


def goodbye(reason: str) -> Json:
    """Ask a connection to go."""
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "simulated-slack"}}
