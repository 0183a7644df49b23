"""Sending to Slack: each call once, nothing unfurled or parsed, and every failure sorted by what to do next."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from bot.notifications import blocks
from bot.notifications.blocks import Message
from bot.notifications.delivery.errors import (
    BadPayload,
    DestinationGone,
    MessageGone,
    MessengerError,
    OutcomeUnknown,
    Revoked,
    Throttled,
    TooLate,
    Transient,
)
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.slack.web.client import open_session, web_client
from bot.slack.web.messenger import SlackMessenger, is_slacks
from bot.workflow.inbox import MessageRef
from tests.builders import ROOS

CHANNEL = "C0UPGRADES"
HELLO = blocks.message("Hello @here <https://example.com>", blocks.section("Hello @here"))


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    """Start a workspace."""
    async with SimulatedSlack() as running:
        yield running


@pytest.fixture
async def messenger(slack: SimulatedSlack) -> AsyncIterator[SlackMessenger]:
    """Build the messenger as production does, with a shorter time-out."""
    async with open_session(whole_call=0.5) as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        yield SlackMessenger(client=client, session=session)


async def test_a_message_is_posted_changed_and_linked(slack: SimulatedSlack, messenger: SlackMessenger) -> None:
    """A card is one message, edited in place; its thread and its address lead to it."""
    place = await messenger.post(CHANNEL, HELLO)
    await messenger.update(place, Message("Changed", (blocks.section("Changed"),)))
    reply = await messenger.post(CHANNEL, HELLO, thread_ts=place.ts)
    address = await messenger.permalink(place)

    roos = slack.person(ROOS)
    (card,) = [one for one in roos.messages(CHANNEL) if "Changed" in one]
    assert reply.channel == CHANNEL
    assert len(roos.thread(CHANNEL, place.ts)) == 2
    assert place.ts.replace(".", "") in address
    assert roos.mentioned_in(CHANNEL) == []
    assert card


async def test_an_update_without_blocks_takes_them_away(slack: SimulatedSlack, messenger: SlackMessenger) -> None:
    """Buttons of a finished request do not stay behind."""
    place = await messenger.post(CHANNEL, HELLO)
    await messenger.update(place, Message("Plain"))

    message = slack.state.messages.find(place.channel, place.ts)
    assert message is not None
    assert message.blocks == []


async def test_a_direct_message_reaches_its_person(slack: SimulatedSlack, messenger: SlackMessenger) -> None:
    """The place that comes back is the conversation, which later changes need."""
    place = await messenger.direct(ROOS, HELLO)

    assert place.channel.startswith("D")
    assert await slack.person(ROOS).direct("Hello")


FAULTS: list[tuple[Fault, type[MessengerError]]] = [
    (Fault(error="channel_not_found"), DestinationGone),
    (Fault(error="is_archived"), DestinationGone),
    (Fault(error="restricted_action_read_only_channel"), DestinationGone),
    (Fault(error="message_not_found"), MessageGone),
    (Fault(error="edit_window_closed"), MessageGone),
    (Fault(error="invalid_blocks"), BadPayload),
    (Fault(error="msg_too_long"), BadPayload),
    (Fault(error="something_new"), BadPayload),
    (Fault(error="token_revoked"), Revoked),
    (Fault(error="missing_scope"), Revoked),
    (Fault(retry_after=7), Throttled),
    (Fault(error="rate_limited"), Throttled),
    (Fault(error="internal_error"), OutcomeUnknown),
    (Fault(error="fatal_error"), OutcomeUnknown),
    (Fault(error="service_unavailable"), Transient),
    (Fault(status=500), OutcomeUnknown),
    (Fault(status=502, garbage=True), OutcomeUnknown),
    (Fault(garbage=True), OutcomeUnknown),
    (Fault(drop=True), OutcomeUnknown),
    (Fault(drop=True, after=True), OutcomeUnknown),
    (Fault(delay=1.0), OutcomeUnknown),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=str)
async def test_every_failure_says_what_to_do_next(
    slack: SimulatedSlack, messenger: SlackMessenger, fault: Fault, kind: type[MessengerError]
) -> None:
    """Slack's codes become our errors, and a failed post is never sent again by the client itself."""
    await messenger.post(CHANNEL, HELLO)
    slack.faults.calls.clear()
    slack.faults.add("chat.postMessage", fault, times=None)

    with pytest.raises(MessengerError) as failed:
        await messenger.post(CHANNEL, HELLO)

    assert type(failed.value) is kind
    assert slack.faults.calls["chat.postMessage"] == 1
    if isinstance(failed.value, Throttled):
        assert failed.value.retry_after in {7.0, 30.0}


async def test_a_connection_that_was_never_made_is_known_to_have_done_nothing() -> None:
    """Then the same message may go out again without a doubt."""
    async with open_session() as session:
        client = web_client(token="xoxb", base_url="http://127.0.0.1:9/api/", session=session)
        messenger = SlackMessenger(client=client, session=session)
        with pytest.raises(Transient):
            await messenger.post(CHANNEL, HELLO)
        with pytest.raises(Transient):
            await messenger.respond("http://127.0.0.1:9/response/x", HELLO)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(retry_after=3), Throttled),
        (Fault(status=500), OutcomeUnknown),
        (Fault(drop=True), OutcomeUnknown),
        (Fault(status=404, error="expired_url"), TooLate),
    ],
    ids=str,
)
async def test_a_private_answer_that_fails_is_sorted_too(
    slack: SimulatedSlack, messenger: SlackMessenger, fault: Fault, kind: type[MessengerError]
) -> None:
    """A used-up address leads to a direct message; everything else is tried again."""
    url = _url(slack)
    slack.faults.add("response_url", fault)

    with pytest.raises(kind):
        await messenger.respond(url, HELLO)


async def test_a_private_answer_is_seen_by_one_person_until_its_address_is_used_up(
    slack: SimulatedSlack, messenger: SlackMessenger
) -> None:
    """Five answers, each beside the message that was pressed; the sixth is too late."""
    url = _url(slack)
    for _ in range(5):
        await messenger.respond(url, HELLO)
    with pytest.raises(TooLate):
        await messenger.respond(url, HELLO)

    assert await slack.person(ROOS).private(CHANNEL, "Hello")
    assert not [one for one in slack.person("U0SEM").messages(CHANNEL) if "Hello" in one]


async def test_a_private_answer_goes_nowhere_but_to_slack(slack: SimulatedSlack, messenger: SlackMessenger) -> None:
    """Whoever forges an address gets no request of ours, on loopback least of all; the person gets a direct message."""
    forged = _url(slack).replace("127.0.0.1", "localhost")

    with pytest.raises(TooLate, match="foreign_url"):
        await messenger.respond(forged, HELLO)

    assert not [one for one in slack.person(ROOS).messages(CHANNEL) if "Hello" in one]


@pytest.mark.parametrize(
    ("response_url", "api_url", "leads_to_slack"),
    [
        ("https://hooks.slack.com/actions/T1/1/x", "https://slack.com/api/", True),
        ("https://hooks.slack-gov.com/actions/T1/1/x", "https://slack-gov.com/api/", True),
        ("https://hooks.slack.com/actions/T1/1/x", "http://127.0.0.1:9/api/", True),
        ("http://127.0.0.1:8/response/x", "http://127.0.0.1:9/api/", True),
        ("https://gateway.example.com/response", "https://gateway.example.com/api/", True),
        ("http://hooks.slack.com/actions/T1/1/x", "https://slack.com/api/", False),
        ("http://gateway.example.com/response", "https://gateway.example.com/api/", False),
        ("https://hooks.slack.com.example.com/x", "https://slack.com/api/", False),
        ("https://notslack.com/x", "https://slack.com/api/", False),
        ("https://hooks.slack.com@example.com/x", "https://slack.com/api/", False),
        ("https://example.com\\.slack.com/x", "https://slack.com/api/", False),
        ("https://example.com\n.slack.com/x", "https://slack.com/api/", False),
        ("http://169.254.169.254/latest/meta-data", "https://slack.com/api/", False),
        ("https://[", "https://slack.com/api/", False),
        ("file:///etc/passwd", "https://slack.com/api/", False),
    ],
)
def test_what_counts_as_slack_s_own_address(response_url: str, api_url: str, leads_to_slack: bool) -> None:  # noqa: FBT001 - the expected answer
    """Slack's hosts over https, or the host that the Web API is asked at."""
    assert is_slacks(response_url, api_url) is leads_to_slack


async def test_what_is_gone_is_told_apart(messenger: SlackMessenger) -> None:
    """A deleted card is posted again; an archived channel is reported."""
    gone = MessageRef(channel=CHANNEL, ts="1.000000")
    calls: list[tuple[Callable[[], Awaitable[object]], type[MessengerError]]] = [
        (lambda: messenger.update(gone, HELLO), MessageGone),
        (lambda: messenger.permalink(gone), MessageGone),
        (lambda: messenger.post("C0OLDNEWS", HELLO), DestinationGone),
        (lambda: messenger.post("C0NOWHERE", HELLO), DestinationGone),
    ]
    for call, kind in calls:
        with pytest.raises(kind):
            await call()


async def test_one_connection_carries_many_calls(slack: SimulatedSlack) -> None:
    """Every call over a connection of its own would cost a handshake each."""
    opened: list[object] = []
    trace = aiohttp.TraceConfig()

    async def count(*_: object) -> None:
        opened.append(1)

    trace.on_connection_create_end.append(count)
    async with open_session() as session:
        session.trace_configs.append(trace)
        trace.freeze()
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        messenger = SlackMessenger(client=client, session=session)
        for _ in range(5):
            await messenger.post(CHANNEL, HELLO)
    assert len(opened) == 1


def _url(slack: SimulatedSlack) -> str:
    name = slack.state.urls.issue(CHANNEL, ROOS)
    return f"{slack.url}/response/{slack.workspace.team_id}/{name}"
