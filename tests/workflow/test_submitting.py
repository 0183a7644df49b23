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
from tests.workflow.harness import a_harness


async def test_an_errand_that_names_no_request_is_struck_off() -> None:
    """Left as it is it would be due for ever, and its queue never come to an end."""
    harness = await a_harness()
    async with harness.storage.begin() as work:
        await work.outbox.put(an_outbox_message("1", kind=Kind.SUBMIT, queue="submit:nothing"))
        await work.commit()
    async with harness.storage.read() as work:
        (due,) = await work.outbox.due("submit:nothing", limit=1)

    await harness.submitting.submit(due, await harness.lease())

    assert harness.storage.waiting == []
    assert harness.cloud.submissions == []


async def test_a_confirmed_submission_is_stored_with_the_window_that_the_cloud_returned() -> None:
    """State, upgrade, audit and messages go together; the outbox message is done."""
    harness = await a_harness()
    harness.cloud.answers = [a_reading(status="REQUESTED")]
    request = await harness.approved()

    await harness.submit(request)

    now = harness.now_of(request)
    assert (now.state, now.window, now.upgrade) == (State.SUBMITTED, a_window(), a_reading().identity)
    assert harness.cloud.submissions == [
        Submission(cluster_identity=WEB, version=NEW, start=None, ignore_windows=False)
    ]
    stored = harness.upgrades[str(now.upgrade)]
    assert (stored.request_id, stored.status, stored.moves) == (request.id, "REQUESTED", 1)
    assert harness.told(UpgradeSubmitted) == harness.told(UpgradeSubmitted, Kind.DIRECT) == []
    assert harness.facts(request) == ["upgrade requested", "vote cast", "submission sent", "upgrade submitted"]
    assert not await harness.submit(request)


async def test_it_is_stored_as_being_submitted_before_it_is_sent() -> None:
    """Whoever dies in between leaves a trace to look for."""
    harness = await a_harness()
    request = await harness.approved()
    states: list[State] = []
    accept = harness.cloud.submit

    async def watched(*args: object) -> object:
        states.append(harness.now_of(request).state)
        return await accept(*args)  # type: ignore[arg-type]

    harness.cloud.submit = watched  # type: ignore[method-assign, assignment]
    await harness.submit(request)

    assert states == [State.SUBMITTING]


async def test_a_clear_no_ends_the_attempt_and_mentions_the_requester() -> None:
    """The API's own words are shown; nothing is sent again by itself."""
    harness = await a_harness()
    harness.cloud.answers = [Declined("Version not allowed", details=("cluster is busy",), status=400)]
    request = await harness.approved()

    await harness.submit(request)

    failed = harness.now_of(request)
    assert (failed.state, failed.outcome) == (State.SUBMISSION_FAILED, "Version not allowed. cluster is busy")
    assert harness.told(SubmissionFailed)[0].mention == (ROOS,)
    assert not await harness.submit(request)


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
    harness = await a_harness()
    harness.cloud.answers = [error]
    request = await harness.approved()
    await harness.submit(request)
    waiting = harness.now_of(request)

    harness.storage.pass_time(pause - 0.5)
    too_early = await harness.submit(request)
    harness.storage.pass_time(0.6)
    await harness.submit(request)

    assert (waiting.state, waiting.outcome, too_early) == (State.APPROVED, error.words(), False)
    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 2


async def test_pauses_grow_while_the_cloud_refuses() -> None:
    """Two seconds, then twice as long each time, never longer than a minute."""
    harness = await a_harness()
    harness.cloud.answers = [NotConnected("No connection")] * 9
    request = await harness.approved()
    pauses = []
    for _ in range(9):
        await harness.submit(request)
        pauses.append(
            round(max(row.due_at for row in harness.storage.tables.outbox.values()) - harness.storage.seconds())
        )
        harness.storage.pass_time(pauses[-1] + 1)

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60]


async def test_a_cloud_that_cannot_be_asked_holds_the_submission() -> None:
    """Right before submission the cluster is read afresh; without that nothing is sent."""
    harness = await a_harness()
    request = await harness.approved()
    harness.cloud.refusal = NotConnected("No connection")
    await harness.submit(request)
    held = harness.now_of(request)

    harness.cloud.refusal = None
    harness.storage.pass_time(3)
    await harness.submit(request)

    assert (held.state, held.outcome) == (State.APPROVED, "No connection")
    assert (harness.now_of(request).state, harness.now_of(request).outcome) == (State.SUBMITTED, "")


async def test_a_held_submission_expires_at_its_deadline() -> None:
    """Approved in time, but the cloud stayed away."""
    harness = await a_harness()
    request = await harness.approved()
    harness.cloud.refusal = NotConnected("No connection")
    harness.clock.advance(timedelta(hours=48))

    await harness.submit(request)

    assert harness.now_of(request).state is State.EXPIRED
    assert harness.cloud.submissions == []


async def test_a_deadline_that_passed_ends_it_before_submission() -> None:
    """The start with windows ignored is over, so nothing may begin any more."""
    harness = await a_harness()
    request = await harness.approved(a_form(start=NOON + timedelta(hours=1), ignore_windows=True))
    harness.clock.advance(timedelta(hours=1))

    await harness.submit(request)

    assert harness.now_of(request).state is State.EXPIRED
    assert len(harness.told(RequestExpired, Kind.DIRECT)) == 1
    assert harness.cloud.submissions == []


async def test_a_not_before_that_passed_is_left_out() -> None:
    """People took their time; the card says that the date was left out."""
    harness = await a_harness()
    request = await harness.approved(a_form(start=NOON + timedelta(hours=1)))
    harness.clock.advance(timedelta(hours=1))

    await harness.submit(request)

    assert harness.cloud.submissions[0].start is None
    assert harness.now_of(request).start_left_out
    assert harness.told(UpgradeSubmitted)[0].start_left_out


async def test_a_start_ahead_is_sent_as_it_was_asked() -> None:
    """With the windows flag as it stood on the card."""
    start = NOON + timedelta(hours=1)
    harness = await a_harness()
    request = await harness.approved(a_form(start=start, ignore_windows=True))

    await harness.submit(request)

    assert harness.cloud.submissions == [
        Submission(cluster_identity=WEB, version=NEW, start=start, ignore_windows=True)
    ]


async def test_what_was_withdrawn_after_its_approval_is_not_sent() -> None:
    """The outbox message is done."""
    harness = await a_harness()
    request = await harness.approved()
    await harness.press(request, Press.WITHDRAW, by=ROOS)

    assert await harness.submit(request)
    assert harness.cloud.submissions == []
    assert not await harness.submit(request)


async def test_whoever_lost_the_lease_sends_nothing() -> None:
    """Another process works on it, and only one may send."""
    harness = await a_harness()
    request = await harness.approved()
    async with harness.storage.read() as work:
        (due,) = await work.outbox.due(f"submit:{request.id}", limit=1)
    lease = await harness.lease()
    harness.storage.pass_time(60)
    await harness.storage.claims.claim(lease.queue)

    with pytest.raises(LeaseLost):
        await harness.submitting.submit(due, lease)

    assert harness.now_of(request).state is State.APPROVED
    assert harness.cloud.submissions == []


async def test_another_attempt_after_a_clear_no_is_sent_once_more() -> None:
    """`Try again` by the requester."""
    harness = await a_harness()
    harness.cloud.answers = [Declined("Busy")]
    request = await harness.submitted()

    answer = await harness.press(request, Press.TRY_AGAIN, by=ROOS)
    await harness.submit(request)

    assert answer.endswith("Submitting it again.")
    assert harness.told(RequestApproved)[-1].by == ROOS
    assert harness.now_of(request).state is State.SUBMITTED
    assert len(harness.cloud.submissions) == 2


async def test_a_window_that_breaks_a_rule_is_alerted_at_once() -> None:
    """The cloud chose a window inside a freeze; it cannot be cancelled, so people are told."""
    rule = a_rule(freeze=(Freeze(first=date(2026, 12, 1), last=date(2026, 12, 1), reason="Audit"),))
    harness = await a_harness(policy=a_policy(rule))
    harness.cloud.answers = [a_reading(window=a_window(NOON + timedelta(days=1)))]

    await harness.submitted(a_form(start=NOON + timedelta(days=4)))

    (alert,) = [event for event in harness.channel() if isinstance(event, WindowBrokeRule)]
    assert (alert.window, alert.mention) == (a_window(NOON + timedelta(days=1)), (ROOS,))
    assert "frozen Dec 1 (Audit). The next time that fits is Sun 6 Dec, 02:00 UTC." in alert.rule


async def test_a_window_too_soon_after_staging_is_alerted_at_once() -> None:
    """At the start that was asked for it would have run there long enough; the cloud chose an earlier one."""
    done = a_scheduled_upgrade(
        identity="s1", cluster_identity=DATA, environment="staging", status="SUCCEEDED", status_since=NOON
    )
    harness = await a_harness(done, policy=a_policy(a_rule(after=(("staging", timedelta(days=3)),))))
    harness.cloud.answers = [a_reading(window=a_window(NOON + timedelta(days=1)))]

    await harness.submitted(a_form(start=NOON + timedelta(days=4)))

    (alert,) = [event for event in harness.channel() if isinstance(event, WindowBrokeRule)]
    assert "has to run in staging for 3 days" in alert.rule
    assert "The next time that fits is Sun 6 Dec, 02:00 UTC." in alert.rule
