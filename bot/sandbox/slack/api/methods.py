"""What a method of the Web API is, and the refusals that all methods share."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from bot.sandbox.slack.api.arguments import Arguments
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.state import State
from bot.sandbox.slack.workspace import Channel


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the workspace and the arguments."""

    state: State
    given: Arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How a method works, and what it asks of its caller."""

    work: Callable[[Call], Json]
    scopes: tuple[str, ...] = ()
    """Any one of these is enough; none is needed when empty."""
    tier: int = 0
    json: bool = True
    """Whether it reads a JSON body; methods that only read take a form or a query."""
    token: bool = True
    """Whether it needs a token at all."""
    app_token: bool = False


class RateLimitedError(Exception):
    """A method found out by itself that the caller has to wait."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"wait {wait} s")
        self.wait = wait


def too_many(wait: int) -> web.Response:
    """429, with the seconds to wait."""
    return web.json_response(
        {"ok": False, "error": "ratelimited"},
        status=HTTPStatus.TOO_MANY_REQUESTS,
        headers={"Retry-After": str(wait)},
    )


def missing_scope(needed: tuple[str, ...], provided: tuple[str, ...]) -> SlackError:
    """Give the refusal that names what is needed and what there is."""
    return SlackError("missing_scope", needed=",".join(needed), provided=",".join(provided))


def visible_channel(call: Call, name: str) -> Channel:
    """Give a conversation that the bot may know of; private ones only as a member."""
    channel = call.state.channel(name)
    if channel is None or (channel.private and call.state.app.bot_user_id not in channel.members):
        raise SlackError("channel_not_found")
    return channel
