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
        """Register the listeners with Bolt."""


def bolt(*, client: AsyncWebClient, identity: Identity, listeners: Iterable[Listening]) -> AsyncApp:
    """Build the application. Our own guard verifies requests, or they come over Socket Mode."""

    async def authorize() -> AuthorizeResult | None:
        return await identity.authorize()

    app = AsyncApp(
        name="schedule-upgrade-bot",
        logger=_silenced(),
        client=AsyncWebClient(base_url=client.base_url, session=client.session, retry_handlers=[]),
        signing_secret="",
        authorize=authorize,  # type: ignore[arg-type]  # None: not authorised
        # Our listeners end with their ack, so waiting for them costs nothing, and Bolt does not have to check every
        # 10 ms whether the ack has come.
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    _forget_environment(app)
    for listener in listeners:
        listener.register(app)
    # Everything else is acknowledged: link buttons send their presses too, and Slack repeats a refused event.
    app.action(_ANYTHING)(_ignore)
    app.event(_ANYTHING)(_ignore)
    app.options(_ANYTHING)(_offer_nothing)
    return app


def _silenced() -> logging.Logger:
    """Return the logger whose level all of Bolt's loggers take, silenced.

    Below ERROR they write bodies and warn about our own settings. At ERROR they write a traceback for every body of an
    unknown shape, which the transport logs in one line anyway.
    """
    logger = logging.getLogger("slack_bolt")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


def _forget_environment(app: AsyncApp) -> None:
    """Remove the OAuth flow, which stores files, that Bolt builds from SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."""
    app._async_oauth_flow = None  # noqa: SLF001 - there is no argument that says "no OAuth"
    app._async_installation_store = None  # noqa: SLF001
    app._async_tokens_revocation_listeners = None  # noqa: SLF001


async def _ignore(ack: AsyncAck, body: Payload) -> None:  # noqa: ARG001 - Bolt's signature of a listener
    await ack()


async def _offer_nothing(ack: AsyncAck, body: Payload) -> None:  # noqa: ARG001 - Bolt's signature of a listener
    await ack(options=[])
