"""Builds the Bolt application: everything passed explicitly, nothing from the environment, no bodies in the log."""

import logging
import re
from collections.abc import Iterable
from typing import Protocol

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.payload import Payload
from bot.slack.web.identity import Identity

_ANYTHING = re.compile(r"(?s).*")


class Listening(Protocol):
    """A group of listeners."""

    def register(self, app: AsyncApp) -> None:
        """Tell Bolt what they listen to."""


def bolt(*, client: AsyncWebClient, identity: Identity, listeners: Iterable[Listening]) -> AsyncApp:
    """Build the application. Requests are verified by our own guard, or come over Socket Mode."""

    async def authorize() -> AuthorizeResult | None:
        return await identity.authorize()

    app = AsyncApp(
        name="schedule-upgrade-bot",
        logger=_hushed(),
        client=AsyncWebClient(base_url=client.base_url, session=client.session, retry_handlers=[]),
        signing_secret="",
        authorize=authorize,  # type: ignore[arg-type]  # None: not authorised
        # Our listeners end with their ack, so waiting for them costs nothing, and Bolt need not look every 10 ms
        # whether the ack has come. Nothing of ours runs in a listener after it.
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    _forget_environment(app)
    for listener in listeners:
        listener.register(app)
    # What nobody asked for is acknowledged: a link button sends its press as well, and a refused event is repeated.
    app.action(_ANYTHING)(_ignore)
    app.event(_ANYTHING)(_ignore)
    app.options(_ANYTHING)(_offer_nothing)
    return app


def _hushed() -> logging.Logger:
    """Return the logger whose level all of Bolt's take: silence.

    Below an error they write bodies, or warn of what is ours; at an error they write a traceback for every body of an
    unknown shape, which whoever hands the body over logs in a line.
    """
    logger = logging.getLogger("slack_bolt")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


def _forget_environment(app: AsyncApp) -> None:
    """Undo what Bolt takes from SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: an OAuth flow that keeps files."""
    app._async_oauth_flow = None  # noqa: SLF001 - there is no argument that says "no OAuth"
    app._async_installation_store = None  # noqa: SLF001
    app._async_tokens_revocation_listeners = None  # noqa: SLF001


async def _ignore(ack: AsyncAck, body: Payload) -> None:  # noqa: ARG001 - Bolt's shape of a listener
    await ack()


async def _offer_nothing(ack: AsyncAck, body: Payload) -> None:  # noqa: ARG001 - Bolt's shape of a listener
    await ack(options=[])
