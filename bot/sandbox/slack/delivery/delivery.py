"""Delivers to the bot by the transport of the app, with time limits and a record; failed events are sent again."""

import asyncio
import dataclasses
import time

import aiohttp

from bot.sandbox.slack.delivery.answers import Answer, Delivery
from bot.sandbox.slack.delivery.http import HttpDelivery
from bot.sandbox.slack.delivery.socket import SocketDelivery
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.stamps import new_id
from bot.sandbox.slack.state import State
from bot.sandbox.slack.wire import Exchange

RETRIES = (0.0, 60.0, 300.0)


class Deliveries:
    """Everything sent to the bot, newest last; tests may send any of it once more."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.socket = SocketDelivery(state.app)
        self._http: HttpDelivery | None = None
        self._session: aiohttp.ClientSession | None = None
        self._retrying: set[asyncio.Task[None]] = set()
        self.sent: list[Delivery] = []
        self.retries = RETRIES
        """Seconds before each retry of an event that was not acknowledged."""
        self.patience: float = 3.0
        """Seconds the bot has to acknowledge."""

    async def send(self, delivery: Delivery) -> Answer:
        """One attempt; the answer says how it went and how long it took."""
        if delivery not in self.sent:
            self.sent.append(delivery)
            del self.sent[:-1000]
        transport = self.socket if self._state.app.socket_mode else self._over_http()
        transport.patience = self.patience
        started = time.monotonic()
        answer = await transport.send(delivery)
        answer = dataclasses.replace(answer, ms=(time.monotonic() - started) * 1000)
        delivery.answers.append(answer)
        self._state.wire.record(
            Exchange(
                direction="to_bot",
                kind=delivery.kind,
                name=delivery.name,
                who=delivery.who,
                transport=transport.name,
                request=delivery.payload,
                response=answer.body,
                ms=answer.ms,
                status=answer.status,
                error=answer.error,
            )
        )
        return answer

    async def again(self, delivery: Delivery) -> Answer:
        """Deliver the very same payload once more, as a network may."""
        return await self.send(delivery)

    async def event(self, event: Json, *, who: str = "") -> Answer | None:
        """Send an event that the app is subscribed to; failed ones are retried in the background."""
        state = self._state
        if event["type"] not in state.app.events:
            return None
        stamp = state.stamps.next()
        delivery = Delivery(
            kind="event",
            name=event["type"],
            who=who,
            payload={
                "token": state.app.verification_token,
                "team_id": state.workspace.team_id,
                "context_team_id": state.workspace.team_id,
                "context_enterprise_id": state.workspace.enterprise_id or None,
                "api_app_id": state.app.id,
                "event": event | {"event_ts": stamp},
                "type": "event_callback",
                "event_id": new_id("Ev"),
                "event_time": int(float(stamp)),
                "authorizations": [
                    {
                        "enterprise_id": state.workspace.enterprise_id or None,
                        "team_id": None if state.app.org_wide else state.workspace.team_id,
                        "user_id": state.app.bot_user_id,
                        "is_bot": True,
                        "is_enterprise_install": state.app.org_wide,
                    }
                ],
                "is_ext_shared_channel": False,
            },
        )
        answer = await self.send(delivery)
        if not answer.ok and not answer.no_retry:
            task = asyncio.create_task(self._retry(delivery, answer))
            self._retrying.add(task)
            task.add_done_callback(self._retrying.discard)
        return answer

    async def verify_url(self) -> bool:
        """Send ``url_verification``; true when the challenge came back."""
        challenge = new_id("challenge")
        payload: Json = {
            "type": "url_verification",
            "token": self._state.app.verification_token,
            "challenge": challenge,
        }
        answer = await self._over_http().send(Delivery(kind="event", name="url_verification", who="", payload=payload))
        body = answer.body
        return answer.ok and challenge == (body.get("challenge") if isinstance(body, dict) else body)

    async def close(self) -> None:
        """End retries and connections."""
        for task in list(self._retrying):
            task.cancel()
        await asyncio.gather(*self._retrying, return_exceptions=True)
        await self.socket.cut()
        if self._session is not None:
            await self._session.close()
            self._session = self._http = None

    async def _retry(self, delivery: Delivery, answer: Answer) -> None:
        for number, pause in enumerate(self.retries, start=1):
            await asyncio.sleep(pause)
            delivery.retry, delivery.retry_reason = number, answer.reason
            answer = await self.send(delivery)
            if answer.ok or answer.no_retry:
                return

    def _over_http(self) -> HttpDelivery:
        if self._http is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
            self._http = HttpDelivery(self._state.app, self._session)
        return self._http
