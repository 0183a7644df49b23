"""`SimulatedSlack`: the whole simulated workspace behind one address."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from time import time
from typing import Self

from aiohttp import web

from bot.sandbox.slack import snapshots
from bot.sandbox.slack.api.faults import Faults
from bot.sandbox.slack.api.methods import Call, Method
from bot.sandbox.slack.api.ratelimits import RateLimits
from bot.sandbox.slack.api.webapi import WebApi
from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.delivery.delivery import Deliveries
from bot.sandbox.slack.delivery.replies import ResponseUrlEndpoint
from bot.sandbox.slack.delivery.socket import SocketDelivery
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.people.interactions import Interactions
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.people.people import PeopleApi
from bot.sandbox.slack.people.person import PersonInSlack
from bot.sandbox.slack.seed import seeded_workspace
from bot.sandbox.slack.stamps import Clock
from bot.sandbox.slack.state import State
from bot.sandbox.slack.streams import wire_routes
from bot.sandbox.slack.wire import Wire
from bot.sandbox.slack.workspace import Workspace


def _real_time() -> datetime:
    return datetime.fromtimestamp(time(), UTC)


class SimulatedSlack:
    """A workspace with one app installed. Start it, point the bot at `api_url`, and act as its people.

    `clock` gives the time of messages and events; deadlines, lifetimes and rate limits are real time.
    """

    def __init__(
        self, *, workspace: Workspace | None = None, app: InstalledApp | None = None, clock: Clock = _real_time
    ) -> None:
        self.state = State(workspace=workspace or seeded_workspace(), app=app or InstalledApp(), clock=clock)
        self.deliveries = Deliveries(self.state)
        self.socket = self.deliveries.socket
        self.socket.changed = self.state.broadcaster.wake
        self.interactions = Interactions(self.state, self.deliveries)
        self.web = web.Application(client_max_size=4 * 1024 * 1024)
        people = PeopleApi(self.state, self.interactions)
        api = WebApi(self.state, socket_mode(self.socket))
        urls = ResponseUrlEndpoint(self.state)
        own = (*api.routes(), *urls.routes(), *self.socket.routes(), *people.routes(), *wire_routes(self.wire))
        self.web.add_routes(own)
        self._runner: web.AppRunner | None = None

    @property
    def workspace(self) -> Workspace:
        """People, groups and channels; change them at will."""
        return self.state.workspace

    @property
    def app(self) -> InstalledApp:
        """The installed app with its tokens."""
        return self.state.app

    @property
    def faults(self) -> Faults:
        """Faults on demand, and the count of every call."""
        return self.state.faults

    @property
    def limits(self) -> RateLimits:
        """Rate limits, off until switched on."""
        return self.state.limits

    @property
    def wire(self) -> Wire:
        """What was said between Slack and the bot."""
        return self.state.wire

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:8080``."""
        return self.state.address

    @property
    def api_url(self) -> str:
        """What the bot needs as ``SLACK_API_URL``."""
        return f"{self.state.address}/api/"

    def person(self, person: str) -> PersonInSlack:
        """Act as somebody."""
        return PersonInSlack(self.state, self.interactions, person)

    def deliver_over_http(self, url: str) -> None:
        """Send everything to this address, signed."""
        self.app.socket_mode = False
        self.app.request_url = url

    def deliver_over_socket(self) -> None:
        """Send everything through Socket Mode."""
        self.app.socket_mode = True

    def be_patient(self, seconds: float) -> None:
        """Give the bot longer than Slack's three seconds to acknowledge and to open a view."""
        self.deliveries.patience = self.state.triggers.life = seconds

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, routes: Iterable[web.AbstractRouteDef] = ()
    ) -> Self:
        """Listen; port 0 takes a free one. `routes` are served beside Slack's own, such as the page."""
        self.web.add_routes(routes)
        self._runner = web.AppRunner(self.web, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self.state.address = f"http://{host}:{bound[1]}"
        return self

    async def close(self) -> None:
        """Stop listening and end every stream."""
        self.state.broadcaster.close()
        self.wire.close()
        await self.deliveries.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def quiet(self, *, seconds: float = 0.2) -> None:
        """Wait until the bot has not called for so many seconds."""
        before = -1
        while before != self.faults.calls.total():
            before = self.faults.calls.total()
            await asyncio.sleep(seconds)

    async def connected(self, connections: int = 1, *, within: float = PATIENCE) -> None:
        """Wait until the bot holds so many Socket Mode connections."""

        def enough() -> bool | None:
            return True if len(self.socket.alive) >= connections else None

        if await self.state.broadcaster.until(enough, within=within) is None:
            raise TimeoutError(f"The bot has {len(self.socket.alive)} connections, not {connections}")

    async def verify_request_url(self) -> bool:
        """Ask the request URL for the challenge, as Slack does when the URL is saved."""
        return await self.deliveries.verify_url()

    async def change_group(self, group: str, users: Iterable[str]) -> None:
        """Change who is in a user group, and tell the app when it subscribed to that."""
        known, members = self.workspace.groups[group], list(users)
        added = [user for user in members if user not in known.users]
        removed = [user for user in known.users if user not in members]
        known.users = members
        self.state.show_workspace()
        await self.deliveries.event(
            {
                "type": "subteam_members_changed",
                "subteam_id": group,
                "team_id": self.workspace.team_id,
                "date_previous_update": self.state.stamps.seconds(),
                "date_update": self.state.stamps.seconds(),
                "added_users": added,
                "added_users_count": len(added),
                "removed_users": removed,
                "removed_users_count": len(removed),
            }
        )

    def snapshot(self) -> Json:
        """Messages, Homes and what was read, as plain JSON data; open modals are not kept."""
        return snapshots.taken(self.state)

    def restore(self, snapshot: Json) -> None:
        """Bring back what `snapshot` gave."""
        snapshots.restored(self.state, snapshot)


def socket_mode(socket: SocketDelivery) -> dict[str, Method]:
    """Give the one method that wants the app-level token."""

    def open_connection(call: Call) -> Json:
        return {"url": socket.ticket(call.state.address)}

    return {
        "apps.connections.open": Method(work=open_connection, tier=3, scopes=("connections:write",), app_token=True)
    }
