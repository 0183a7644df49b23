"""The card shows every fact of a request, claims no more than is confirmed, and offers what is possible."""

from datetime import timedelta

import pytest

from bot.doctor.examples import LINK, in_state, with_status
from bot.domain.naming import Naming
from bot.domain.request import RequestId, State, Vote
from bot.notifications import ids
from bot.notifications.card import card, struck
from bot.notifications.standing import standing
from bot.workflow.inbox import Press
from bot.workflow.repositories import Source
from tests.builders import KIM, NEW, NOON, OLD, ROOS, SEM, a_scheduled_upgrade, a_window, an_upgrade_request
from tests.notifications.checks import as_sent, complaints, labels, seen

START = NOON + timedelta(days=2, hours=9)


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (State.PENDING_APPROVAL, ["Approve", "Reject", "Withdraw", "Reschedule", "Readiness"]),
        (State.APPROVED, ["Withdraw", "Reschedule", "Readiness"]),
        (State.SUBMITTING, ["Readiness"]),
        (State.SUBMISSION_FAILED, ["Try again", "Withdraw", "Reschedule", "Readiness"]),
        (State.SUBMISSION_UNCLEAR, ["Submit again", "Withdraw", "Reschedule", "Readiness"]),
        (State.SUBMITTED, ["Reschedule", "Readiness"]),
        (State.REJECTED, []),
        (State.WITHDRAWN, []),
        (State.EXPIRED, []),
        (State.REPLACED, []),
    ],
)
def test_each_state_has_its_buttons(state: State, buttons: list[str]) -> None:
    """The table of the contract; what has ended has none."""
    assert labels(card(in_state(state), None)) == buttons


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        ("REQUESTED", ["Reschedule", "Readiness"]),
        ("SCHEDULED", ["Reschedule", "Readiness"]),
        ("SCHEDULED_NOTIFIED", ["Reschedule", "Readiness"]),
        ("IN_PROGRESS", []),
        ("SUCCEEDED", []),
        ("FAILED", ["Reschedule"]),
        ("MISSED", ["Reschedule"]),
        ("SUPERSEDED", ["Reschedule"]),
        ("NOT_UPGRADED", ["Reschedule"]),
        ("NOT_FOLLOWED", ["Reschedule"]),
        ("NOT_REPORTED", ["Reschedule"]),
        ("APPEARS_UPGRADED", []),
        ("FROBNICATED", []),
    ],
)
def test_a_submitted_upgrade_can_be_rescheduled_unless_it_runs_or_is_done(status: str, buttons: list[str]) -> None:
    """Before it is in progress, and after it failed, was missed or superseded."""
    assert labels(card(in_state(State.SUBMITTED), with_status(status))) == buttons


def test_an_upgrade_that_the_cloud_forgot_is_no_longer_reported() -> None:
    """The card claims no outcome, and says where to look."""
    drawn = card(in_state(State.SUBMITTED), with_status("NOT_REPORTED"))

    assert "No longer reported." in drawn.text
    assert "Avisi Cloud does not list this upgrade any more, so its outcome is not known here" in drawn.text
    assert "no way to cancel" in drawn.text


def test_every_fact_of_a_request_is_on_the_card_and_in_its_text() -> None:
    """Screen readers get the same facts, with times in UTC."""
    request = in_state(
        State.PENDING_APPROVAL, start=START, ignore_windows=True, reason="CVE-2026-1", deadline=START, override=True
    )

    drawn = card(request, None)

    for fact in (
        "production",
        f"{OLD} to {NEW}",
        "ignored",
        "<@U0ROOS>",
        "1 of 2, by <@U0SEM>",
        "CVE-2026-1",
        "FREEZE",
    ):
        assert fact in seen(drawn), fact
        assert fact in drawn.text, fact
    assert as_sent(drawn)["blocks"][0]["text"]["text"] == f"Upgrade web to {NEW}"
    assert drawn.text.startswith(f"Upgrade web to {NEW}. Waiting for approval, 1 of 2.")
    assert "Start: 2026-12-02 21:00 UTC." in drawn.text
    assert "Deadline: 2026-12-02 21:00 UTC." in drawn.text
    assert "<!date^" in seen(drawn)
    assert "<!date^" not in drawn.text


def test_without_a_start_it_is_the_next_maintenance_window_with_an_estimate() -> None:
    """An estimate is called one."""
    drawn = card(an_upgrade_request(estimate=a_window()), None)

    assert "Start: next maintenance window." in drawn.text
    assert "Maintenance windows: respected." in drawn.text
    assert "Estimated window: 2026-12-01 12:00 UTC to 2026-12-01 15:00 UTC." in drawn.text


def test_a_start_with_windows_respected_is_not_before() -> None:
    """The cloud waits for the first window after it."""
    assert (
        "next maintenance window, not before 2026-12-02 21:00 UTC" in card(an_upgrade_request(start=START), None).text
    )


def test_a_start_that_was_left_out_is_said() -> None:
    """It passed while people decided."""
    request = in_state(State.SUBMITTED, start=START, start_left_out=True)

    assert "left out" in card(request, with_status("SCHEDULED")).text


@pytest.mark.parametrize("state", [State.APPROVED, State.SUBMITTING])
def test_until_the_cloud_has_answered_it_is_approved_and_submitting(state: State) -> None:
    """The card never claims more than is confirmed."""
    text = card(in_state(state), None).text

    assert "Approved, submitting" in text
    assert "scheduled" not in text.lower()


def test_when_the_cloud_cannot_be_reached_the_card_says_what_it_answered() -> None:
    """It is tried again by itself."""
    text = card(in_state(State.APPROVED, outcome="Service unavailable"), None).text

    assert "Approved, submitting to Avisi Cloud. Not through yet: Service unavailable. It is tried again." in text


def test_after_submission_the_window_and_the_status_are_the_clouds() -> None:
    """The status is named by its own word, and the card says that nothing can be cancelled."""
    drawn = card(in_state(State.SUBMITTED), with_status("SCHEDULED_NOTIFIED"))

    assert "Scheduled notified." in drawn.text
    assert "2026-12-01 12:00 UTC to 2026-12-01 15:00 UTC" in drawn.text
    assert "no way to cancel" in drawn.text


def test_a_failed_upgrade_says_the_clouds_reason() -> None:
    """In the API's own words."""
    assert "Failed. Avisi Cloud says: The control plane" in card(in_state(State.SUBMITTED), with_status("FAILED")).text


def test_an_unknown_status_is_shown_as_it_is() -> None:
    """Nothing breaks when the vendor adds one."""
    assert "FROBNICATED" in card(in_state(State.SUBMITTED), with_status("FROBNICATED")).text


def test_where_the_cloud_gives_no_status_the_card_says_so() -> None:
    """And that nothing can be followed when it gave no window either."""
    followed = card(in_state(State.SUBMITTED), with_status("SCHEDULED"), source=Source.CLUSTERS)
    lost = card(in_state(State.SUBMITTED, window=None), None, source=Source.CLUSTERS)

    assert "gives no status here" in followed.text
    assert "nothing can be followed" not in followed.text
    assert "gives no status here" in lost.text
    assert "nothing can be followed" in lost.text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.SUBMISSION_FAILED, "Submission failed: An upgrade of this cluster is running already."),
        (State.SUBMISSION_UNCLEAR, "Submission unclear: Avisi Cloud gave no clear answer."),
        (State.REJECTED, "Rejected by <@U0SEM>: Not in the week of the fair."),
        (State.WITHDRAWN, "Withdrawn by <@U0ROOS>."),
        (State.EXPIRED, "Expired: its deadline, 2026-12-02 12:00 UTC, passed."),
        (State.REPLACED, "Replaced by a newer request."),
    ],
)
def test_an_end_says_who_and_why(state: State, words: str) -> None:
    """Whoever looks later sees how it ended."""
    assert words in card(in_state(state), None).text


def test_it_says_what_forbids_it_just_now() -> None:
    """In the blocks and in the text that screen readers read."""
    drawn = card(an_upgrade_request(blocked="production is frozen Dec 20 to Jan 3. Choose another time."), None)

    assert "Cannot go ahead now: production is frozen Dec 20 to Jan 3." in drawn.text
    assert "*Cannot go ahead now:* production is frozen Dec 20 to Jan 3." in str(drawn.blocks)


def test_what_changed_since_the_vote_is_on_the_card() -> None:
    """Approvers see why they are asked again."""
    changed = an_upgrade_request(changes=("production/web runs v1.30.9 now; it ran v1.30.6 when this was asked.",))

    assert "Changed since the vote: production/web runs v1.30.9 now" in card(changed, None).text


def test_only_those_who_lost_their_vote_are_mentioned_among_the_changes() -> None:
    """By who they are, whatever words the sentence has; a cluster that is named like a mention mentions nobody."""
    changes = (f"<@{SEM}> is no approver any more.", f"<@{KIM}> runs v1.30.9 now.")

    text = str(as_sent(card(an_upgrade_request(changes=changes, lost=(SEM,)), None)))

    assert f"<@{SEM}> is no approver any more." in text
    assert f"<@{KIM}>" not in text


def test_of_a_failed_submission_only_the_requester_is_mentioned_in_the_reason() -> None:
    """A rejection is in the words of whoever rejected it, so it mentions nobody."""
    reason = f"<@{ROOS}> may no longer request upgrades in production."
    status = {
        state: standing(an_upgrade_request(state=state, outcome=reason, decided_by=SEM), None)
        for state in (State.SUBMISSION_FAILED, State.REJECTED)
    }

    assert f": {reason}" in status[State.SUBMISSION_FAILED]
    assert f"<@{ROOS}>" not in status[State.REJECTED]


def test_a_button_carries_the_request_and_the_seal_of_what_is_shown() -> None:
    """A press belongs to exactly what its card showed."""
    request = in_state(State.PENDING_APPROVAL)
    approve = next(block for block in as_sent(card(request, None))["blocks"] if block["type"] == "actions")["elements"][
        0
    ]

    assert approve["action_id"] == Press.APPROVE
    assert approve["style"] == "primary"
    assert ids.read(approve["value"]) == ids.Carried(request_id=request.id, seal=request.seal)


@pytest.mark.parametrize("value", ["", "no seal", ":seal"])
def test_a_value_that_we_never_wrote_is_refused(value: str) -> None:
    """Buttons of others, or of long ago, carry nothing."""
    with pytest.raises(ids.NotOurs):
        ids.read(value)


def test_the_card_is_drawn_from_stored_state_alone() -> None:
    """The same state draws the same card, whoever asks and whenever."""
    request = an_upgrade_request(id=RequestId("r1"), votes=(Vote(member=SEM, at=NOON), Vote(member=KIM, at=NOON)))

    assert card(request, None) == card(request, None)


def test_a_struck_out_card_has_no_buttons_and_leads_to_the_card() -> None:
    """An orphan is not pressed again."""
    drawn = struck(in_state(State.PENDING_APPROVAL), LINK)

    assert labels(drawn) == []
    assert "posted twice" in drawn.text
    assert "https://team.slack.com/archives/C0UPGRADES/p1700000000000100" in drawn.text
    assert complaints(drawn) == []


def test_with_several_organisations_the_card_names_the_one_that_it_is_about() -> None:
    """Where the environment stands, as the policy file writes it; and in what a screen reader says of a button."""
    drawn = card(in_state(State.PENDING_APPROVAL), None, naming=Naming(several=True))

    assert "Environment: acme/production." in drawn.text
    assert "Approve upgrade of acme/production/web" in str(drawn.blocks)


BESIDE = "This cluster already has an upgrade to v1.31.9-u-ame.9 (status scheduled, window"


@pytest.mark.parametrize("state", list(State))
def test_another_scheduled_upgrade_of_the_cluster_is_said_until_it_is_submitted(state: State) -> None:
    """In the text as in the blocks, with what becomes of it."""
    drawn = card(in_state(state), None, beside=a_scheduled_upgrade(to_version="v1.31.9-u-ame.9"))

    waits = state in {State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED}
    assert (BESIDE in drawn.text) is waits
    assert ("This request supersedes it when it is approved." in seen(drawn)) is waits
    assert ("outside Slack" in seen(drawn)) is waits


def test_an_upgrade_that_runs_already_is_not_said_to_be_superseded() -> None:
    drawn = card(an_upgrade_request(), None, beside=a_scheduled_upgrade(status="IN_PROGRESS"))

    assert "Avisi Cloud is upgrading this cluster to" in drawn.text
    assert "supersedes" not in drawn.text
