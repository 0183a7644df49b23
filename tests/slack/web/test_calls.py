"""Every call to Slack goes through one function, which sorts failures and counts calls."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

import bot
from bot.observe.metrics import REGISTRY
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.slack.web.calls import CallFailed, Failure, call
from bot.slack.web.client import open_session, web_client

PACKAGE = Path(bot.__file__).parent


def _counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("upgrade_bot_slack_calls_total", {"method": "auth.test", "outcome": outcome}) or 0


@pytest.mark.parametrize(
    ("fault", "code", "status", "outcome"),
    [
        (Fault(error="token_revoked"), "token_revoked", 200, "revoked"),
        (Fault(status=500), "http_500", 500, "outcomeunknown"),
        (Fault(retry_after=9), "ratelimited", 429, "throttled"),
        (Fault(garbage=True), "not_json", 0, "outcomeunknown"),
    ],
)
async def test_a_failed_call_is_read_and_counted(fault: Fault, code: str, status: int, outcome: str) -> None:
    """Whichever of its shapes a failure has, the caller gets one kind of exception that says the same."""
    before = _counted(outcome)
    async with SimulatedSlack() as slack, open_session() as session:
        slack.faults.add("auth.test", fault)
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)

        with pytest.raises(CallFailed) as raised:
            await call("auth.test", client.auth_test())

    assert (raised.value.failure.code, raised.value.failure.status) == (code, status)
    assert _counted(outcome) == before + 1


async def test_a_call_that_succeeds_is_counted() -> None:
    before = _counted("ok")
    async with SimulatedSlack() as slack, open_session() as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)

        await call("auth.test", client.auth_test())

    assert _counted("ok") == before + 1


async def test_the_caller_chooses_the_error() -> None:
    """A sender, a look-up and a modal each do something else next, so each has errors of its own."""

    async def breaks() -> None:
        await asyncio.sleep(0)
        raise aiohttp.ServerDisconnectedError

    def chosen(failure: Failure) -> LookupError:
        return LookupError(failure.code)

    with pytest.raises(LookupError, match="ServerDisconnectedError"):
        await call("auth.test", breaks(), error=chosen)


def test_no_other_file_reads_the_failures_of_slacks_client() -> None:
    """What Slack's client raises is known in one file."""
    knowing = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if "SlackApiError" in path.read_text()]

    assert knowing == [Path("slack/web/calls.py")]
