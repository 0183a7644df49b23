from datetime import date, timedelta

import pytest

from bot.domain.calendar import Freeze
from bot.domain.events import (
    RequestApproved,
    RequestExpired,
    SubmissionFailed,
    UpgradeSubmitted,
    WindowBrokeRule,
)
from bot.domain.request import State
from bot.workflow.errors import (
    AvisiError,
    Declined,
    LeaseLost,
    NotConnected,
    Overloaded,
    Unauthorised,
)
from bot.workflow.inbox import Press
from bot.workflow.outbox import Kind
from bot.workflow.ports import Submission
from tests.builders import (
    DATA,
    NEW,
    NOON,
    ROOS,
    WEB,
    a_form,
    a_policy,
    a_reading,
    a_rule,
    a_scheduled_upgrade,
    a_window,
    an_outbox_message,
)
from tests.workflow.harness import a_house


async def test_an_errand_that_names_no_request_is_struck_off() -> None:
    """Left as it is it would be due for ever, and its queue never come to an end."""
    house = await a_house()
    async with house.storage.begin() as work:
        await work.outbox.put(an_outbox_message("1", kind=Kind.SUBMIT, queue="submit:nothing"))
        await work.commit()
    async with house.storage.read() as work:
        (due,) = await work.outbox.due("submit:nothing", limit=1)

    await house.submitting.submit(due, await house.lease())

    assert house.storage.waiting == []
    assert house.cloud.submissions == []


async def test_a_confirmed_submission_is_stored_with_the_window_that_the_cloud_returned() -> None:
    """State, upgrade, audit and messages go together; the errand is struck off."""
    house = await a_house()
    house.cloud.answers = [a_reading(status="REQUESTED")]
    request = await house.approved()

    await house.submit(request)

    now = house.now_of(request)
    assert (now.state, now.window, now.upgrade) == (State.SUBMITTED, a_window(), a_reading().identity)
    assert house.cloud.submissions == [Submission(cluster_identity=WEB, version=NEW, start=None, ignore_windows=False)]
    stored = house.upgrades[str(now.upgrade)]
    assert (stored.request_id, stored.status, stored.moves) == (request.id, "REQUESTED", 1)
    assert house.told(UpgradeSubmitted)[0].window == a_window()
    assert len(house.told(UpgradeSubmitted, Kind.DIRECT)) == 1
    assert house.facts(request) == ["upgrade requested", "vote cast", "submission sent", "upgrade submitted"]
    assert not await house.submit(request)


async def test_it_is_stored_as_being_submitted_before_it_is_sent() -> None:
    """Whoever dies in between leaves a trace to look for."""
    house = await a_house()
    request = await house.approved()
    states: list[State] = []
    accept = house.cloud.submit

    async def watched(*args: object) -> object:
        states.append(house.now_of(request).state)
        return await accept(*args)  # type: ignore[arg-type]

    house.cloud.submit = watched  # type: ignore[method-assign, assignment]
    await house.submit(request)

    assert states == [State.SUBMITTING]


async def test_a_clear_no_ends_the_attempt_and_mentions_the_requester() -> None:
    """The API's own words are shown; nothing is sent again by itself."""
    house = await a_house()
    house.cloud.answers = [Declined("Version not allowed", details=("cluster is busy",), status=400)]
    request = await house.approved()

    await house.submit(request)

    failed = house.now_of(request)
    assert (failed.state, failed.outcome) == (State.SUBMISSION_FAILED, "Version not allowed. cluster is busy")
    assert house.told(SubmissionFailed)[0].mention == (ROOS,)
    assert not await house.submit(request)


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (Unauthorised("The token is refused"), 2.0),
        (NotConnected("No connection"), 2.0),
        (Overloaded("Too many requests"), 2.0),
        (Overloaded("Too many requests", retry_after=30.0), 30.0),
    ],
)
async def test_what_was_not_done_is_sent_again_later(error: AvisiError, pause: float) -> None:
    """Nothing was carried out, so it waits as long as asked and goes on; the card says why it waits."""
    house = await a_house()
    house.cloud.answers = [error]
    request = await house.approved()
    await house.submit(request)
    waiting = house.now_of(request)

    house.storage.pass_time(pause - 0.5)
    too_early = await house.submit(request)
    house.storage.pass_time(0.6)
    await house.submit(request)

    assert (waiting.state, waiting.outcome, too_early) == (State.APPROVED, error.words(), False)
    assert house.now_of(request).state is State.SUBMITTED
    assert len(house.cloud.submissions) == 2


async def test_pauses_grow_while_the_cloud_refuses() -> None:
    """Two seconds, then twice as long each time, never longer than a minute."""
    house = await a_house()
    house.cloud.answers = [NotConnected("No connection")] * 9
    request = await house.approved()
    pauses = []
    for _ in range(9):
        await house.submit(request)
        pauses.append(round(max(row.due_at for row in house.storage.tables.outbox.values()) - house.storage.seconds()))
        house.storage.pass_time(pauses[-1] + 1)

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60]


async def test_a_cloud_that_cannot_be_asked_holds_the_submission() -> None:
    """Right before submission the cluster is read afresh; without that nothing is sent."""
    house = await a_house()
    request = await house.approved()
    house.cloud.refusal = NotConnected("No connection")
    await house.submit(request)
    held = house.now_of(request)

    house.cloud.refusal = None
    house.storage.pass_time(3)
    await house.submit(request)

    assert (held.state, held.outcome) == (State.APPROVED, "No connection")
    assert (house.now_of(request).state, house.now_of(request).outcome) == (State.SUBMITTED, "")


async def test_a_held_submission_expires_at_its_deadline() -> None:
    """Approved in time, but the cloud stayed away."""
    house = await a_house()
    request = await house.approved()
    house.cloud.refusal = NotConnected("No connection")
    house.clock.advance(timedelta(hours=48))

    await house.submit(request)

    assert house.now_of(request).state is State.EXPIRED
    assert house.cloud.submissions == []


async def test_a_deadline_that_passed_ends_it_before_submission() -> None:
    """The start with windows ignored is over, so nothing may begin any more."""
    house = await a_house()
    request = await house.approved(a_form(start=NOON + timedelta(hours=1), ignore_windows=True))
    house.clock.advance(timedelta(hours=1))

    await house.submit(request)

    assert house.now_of(request).state is State.EXPIRED
    assert len(house.told(RequestExpired, Kind.DIRECT)) == 1
    assert house.cloud.submissions == []


async def test_a_not_before_that_passed_is_left_out() -> None:
    """People took their time; the card says that the date was left out."""
    house = await a_house()
    request = await house.approved(a_form(start=NOON + timedelta(hours=1)))
    house.clock.advance(timedelta(hours=1))

    await house.submit(request)

    assert house.cloud.submissions[0].start is None
    assert house.now_of(request).start_left_out
    assert house.told(UpgradeSubmitted)[0].start_left_out


async def test_a_start_ahead_is_sent_as_it_was_asked() -> None:
    """With the windows flag as it stood on the card."""
    start = NOON + timedelta(hours=1)
    house = await a_house()
    request = await house.approved(a_form(start=start, ignore_windows=True))

    await house.submit(request)

    assert house.cloud.submissions == [Submission(cluster_identity=WEB, version=NEW, start=start, ignore_windows=True)]


async def test_what_was_withdrawn_after_its_approval_is_not_sent() -> None:
    """The errand is struck off."""
    house = await a_house()
    request = await house.approved()
    await house.press(request, Press.WITHDRAW, by=ROOS)

    assert await house.submit(request)
    assert house.cloud.submissions == []
    assert not await house.submit(request)


async def test_whoever_lost_the_lease_sends_nothing() -> None:
    """Another process works on it, and only one may send."""
    house = await a_house()
    request = await house.approved()
    async with house.storage.read() as work:
        (due,) = await work.outbox.due(f"submit:{request.id}", limit=1)
    lease = await house.lease()
    house.storage.pass_time(60)
    await house.storage.claims.claim(lease.queue)

    with pytest.raises(LeaseLost):
        await house.submitting.submit(due, lease)

    assert house.now_of(request).state is State.APPROVED
    assert house.cloud.submissions == []


async def test_another_attempt_after_a_clear_no_is_sent_once_more() -> None:
    """`Try again` by the requester."""
    house = await a_house()
    house.cloud.answers = [Declined("Busy")]
    request = await house.submitted()

    answer = await house.press(request, Press.TRY_AGAIN, by=ROOS)
    await house.submit(request)

    assert answer.endswith("It is being submitted again.")
    assert house.told(RequestApproved)[-1].by == ROOS
    assert house.now_of(request).state is State.SUBMITTED
    assert len(house.cloud.submissions) == 2


async def test_a_window_that_breaks_a_rule_is_alerted_at_once() -> None:
    """The cloud chose a window inside a freeze; it cannot be cancelled, so people are told."""
    rule = a_rule(freeze=(Freeze(first=date(2026, 12, 1), last=date(2026, 12, 1), reason="Audit"),))
    house = await a_house(policy=a_policy(rule))
    house.cloud.answers = [a_reading(window=a_window(NOON + timedelta(days=1)))]

    await house.submitted(a_form(start=NOON + timedelta(days=4)))

    (alert,) = [event for event in house.channel() if isinstance(event, WindowBrokeRule)]
    assert (alert.window, alert.mention) == (a_window(NOON + timedelta(days=1)), (ROOS,))
    assert "frozen Dec 1 (Audit)" in alert.rule


async def test_a_window_too_soon_after_staging_is_alerted_at_once() -> None:
    """At the start that was asked for it would have run there long enough; the cloud chose an earlier one."""
    done = a_scheduled_upgrade(
        identity="s1", cluster_identity=DATA, environment="staging", status="SUCCEEDED", status_since=NOON
    )
    house = await a_house(done, policy=a_policy(a_rule(after=(("staging", timedelta(days=3)),))))
    house.cloud.answers = [a_reading(window=a_window(NOON + timedelta(days=1)))]

    await house.submitted(a_form(start=NOON + timedelta(days=4)))

    (alert,) = [event for event in house.channel() if isinstance(event, WindowBrokeRule)]
    assert "has to run in staging for 3 days" in alert.rule
