"""The card shows every fact of a request, claims no more than is confirmed, and offers what is possible."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.doctor.examples import LINK, RULE, in_state, with_status
from bot.domain.calendar import Freeze, TimedFreeze
from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.naming import Naming
from bot.domain.policy import Rule
from bot.domain.readiness import ReadinessReading, readiness
from bot.domain.request import RequestId, State, Vote
from bot.domain.windows import Window
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications import ids, phrases
from bot.notifications.blocks import Message
from bot.notifications.card import card, struck
from bot.notifications.console import Console
from bot.notifications.standing import standing
from bot.workflow.inbox import Press
from bot.workflow.repositories import Source
from tests.builders import (
    KIM,
    NEW,
    NOON,
    OLD,
    ROOS,
    SEM,
    WEB,
    a_cluster,
    a_rule,
    a_scheduled_upgrade,
    a_window,
    an_upgrade_request,
)
from tests.notifications.checks import as_sent, complaints, labels, seen

START = NOON + timedelta(days=2, hours=9)


def title_of(drawn: Message) -> str:
    """Return the card's headline."""
    return str(as_sent(drawn)["blocks"][0]["text"]["text"])


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (State.PENDING_APPROVAL, ["Approve", "Reject", "Withdraw", "Reschedule", "Readiness"]),
        (State.APPROVED, ["Reject", "Withdraw", "Reschedule", "Readiness"]),
        (State.SUBMITTING, ["Readiness"]),
        (State.SUBMISSION_FAILED, ["Try again", "Reject", "Withdraw", "Reschedule", "Readiness"]),
        (State.SUBMISSION_UNCLEAR, ["Submit again", "It is there", "Withdraw", "Reschedule", "Readiness"]),
        (State.SUBMITTED, ["Reschedule", "Readiness"]),
        (State.REJECTED, ["Ask again"]),
        (State.WITHDRAWN, ["Ask again"]),
        (State.EXPIRED, ["Ask again"]),
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

    assert "No longer reported by Avisi Cloud" in drawn.text
    assert "Avisi Cloud does not list this upgrade any more, so its outcome is not known here" in drawn.text
    assert "no way to cancel" in drawn.text


def test_every_fact_of_a_request_is_on_the_card_and_in_its_text() -> None:
    """Screen readers get the same facts, with times in the policy's zone."""
    request = in_state(
        State.PENDING_APPROVAL,
        start=START,
        ignore_windows=True,
        reason="CVE-2026-1",
        deadline=START,
        override=True,
        change="CHG0000042",
    )

    drawn = card(request, None, rule=RULE)

    for fact in (
        f"{OLD} → {NEW}",
        "Ignores maintenance windows.",
        "<@U0ROOS>",
        "1 of 2",
        "<@U0SEM>",
        "CVE-2026-1",
        "CHG0000042",
        "Overrides the freeze of 1–9 Dec (Sinterklaas peak).",
    ):
        assert fact in seen(drawn), fact
        assert fact in drawn.text, fact
    assert as_sent(drawn)["blocks"][0]["text"]["text"] == f"🟡 production/web: upgrade to {NEW}"
    assert drawn.text.startswith(f"production/web: upgrade to {NEW}. Waiting for approval: 1 of 2.")
    assert "When: at Wed 2 Dec, 22:00 CET, outside maintenance windows." in drawn.text
    assert "can approve until Wed 2 Dec, 22:00 CET." in drawn.text
    assert "<!date^" in seen(drawn)
    assert "<!date^" not in drawn.text


def test_a_card_has_six_facts_at_most_and_names_the_cluster_once() -> None:
    """Whoever decides reads it at a glance."""
    request = in_state(State.PENDING_APPROVAL, change="CHG0000042")
    found = readiness(kubernetes_facts(), a_cluster(), target=NEW, on_offer=(NEW,), pools=(), alerts=(), at=NOON)
    judged = ReadinessReading(number=1, at=NOON, readiness=found)

    drawn = card(request, None, rule=RULE, readiness=judged)

    facts = [len(block["fields"]) for block in as_sent(drawn)["blocks"] if "fields" in block]
    shown = [text for block in as_sent(drawn)["blocks"] if block["type"] != "actions" for text in [str(block)]]
    assert facts == [6]
    assert sum(text.count("production/web") for text in shown) == 1


def test_what_is_unusual_stands_above_the_facts_in_bold() -> None:
    """Nobody overlooks it."""
    request = in_state(State.PENDING_APPROVAL, ignore_windows=True, start=START, override=True)

    blocks = as_sent(card(request, None, rule=RULE))["blocks"]

    texts = [block["text"]["text"] for block in blocks if block["type"] == "section" and "text" in block]
    at = next(number for number, block in enumerate(blocks) if "fields" in block)
    assert texts[1:3] == ["*Overrides the freeze of 1–9 Dec (Sinterklaas peak).*", "*Ignores maintenance windows.*"]
    assert at == 4


def test_a_freeze_that_the_policy_no_longer_has_is_still_said_to_be_overridden() -> None:
    """The override was asked for and voted on, whatever the policy says now."""
    assert "Overrides a freeze." in card(in_state(State.PENDING_APPROVAL, override=True), None).text


@pytest.mark.parametrize(
    ("first", "last", "reason", "words"),
    [
        (date(2026, 12, 1), date(2026, 12, 9), "Sinterklaas peak", "1–9 Dec (Sinterklaas peak)"),
        (date(2026, 12, 20), date(2027, 1, 3), "", "20 Dec – 3 Jan"),
        (date(2026, 12, 24), date(2026, 12, 24), "", "24 Dec"),
        (date(2026, 1, 1), date(2027, 6, 30), "", "1 Jan 2026 – 30 Jun 2027"),
    ],
)
def test_a_freeze_is_said_by_its_days(first: date, last: date, reason: str, words: str) -> None:
    """With years where the days alone could mean less."""
    assert phrases.freeze_named(Freeze(first=first, last=last, reason=reason)) == f"the freeze of {words}"


def test_a_freeze_that_people_set_is_said_by_its_end_and_its_reason() -> None:
    """It counts from when it was set, so its end is what matters."""
    freeze = TimedFreeze(since=NOON, until=START, reason="Incident 4711")
    rule = replace(RULE, freeze=(), timed_freezes=(freeze,))

    text = card(in_state(State.PENDING_APPROVAL, override=True), None, rule=rule).text

    assert "Overrides the freeze until Wed 2 Dec, 22:00 CET (Incident 4711)." in text


def test_without_a_start_it_is_the_next_maintenance_window_with_an_estimate() -> None:
    """An estimate is called one."""
    drawn = card(an_upgrade_request(estimate=a_window()), None)

    assert "When: next maintenance window, expected Tue 1 Dec, 12:00–15:00 UTC." in drawn.text


def test_a_start_with_windows_respected_is_not_before() -> None:
    """The cloud waits for the first window after it."""
    text = card(an_upgrade_request(start=START, estimate=a_window(START)), None).text

    assert "next maintenance window, not before Wed 2 Dec, 21:00 UTC, expected Wed 2 Dec, 21:00 – Thu 3 Dec" in text


@pytest.mark.parametrize("state", [State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.REPLACED])
def test_what_has_ended_expects_nothing(state: State) -> None:
    """A card that stays says nothing that ages."""
    assert "expected" not in card(in_state(state, estimate=a_window()), None).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"estimate": None}, "<!subteam^S0PLATFORM> or <@U0KIM> can approve until Wed 2 Dec, 13:00 CET."),
        (
            {"estimate": a_window(NOON + timedelta(days=4))},
            "can approve until Wed 2 Dec, 13:00 CET, to make the window of Fri 4 Dec.",
        ),
        (
            {"estimate": a_window(NOON + timedelta(hours=9))},
            (
                "Approve before Mon 30 Nov, 22:00 CET to make the next window; "
                "<!subteam^S0PLATFORM> or <@U0KIM> can approve until Wed 2 Dec, 13:00 CET."
            ),
        ),
        (
            {"estimate": a_window(NOON)},
            "Approve before Mon 30 Nov, 16:00 CET to make the next window; ",
        ),
    ],
)
def test_a_card_says_who_can_approve_and_until_when(changes: dict[str, Any], words: str) -> None:
    """Also which window is missed if nobody hurries; one that was open from the beginning counts until its end."""
    assert words in card(in_state(State.PENDING_APPROVAL, **changes), None, rule=RULE).text


@pytest.mark.parametrize(
    ("rule", "who"),
    [
        (a_rule(approvers=("*",)), "Any full member but the requester can approve"),
        (a_rule(approvers=("*",), self_approval=True), "Any full member can approve"),
        (a_rule(approvers=(ROOS, SEM, KIM)), "<@U0KIM> can approve"),
        (a_rule(approvers=(ROOS, KIM), self_approval=True), "<@U0ROOS> or <@U0KIM> can approve"),
        (a_rule(approvers=(SEM,)), "An approver can approve"),
        (a_rule(approvers=("S1", "S2", "S3", "S4", "S5")), "^S3> or another approver can approve"),
    ],
)
def test_whoever_has_approved_or_may_not_is_not_said_to_be_waited_for(rule: Rule, who: str) -> None:
    """The requester, and those whose votes are there."""
    assert who in card(in_state(State.PENDING_APPROVAL, estimate=None), None, rule=rule).text


def test_where_no_approval_is_needed_the_card_says_that_nobody_approved() -> None:
    """An auditor does not look for a name."""
    text = card(in_state(State.SUBMITTED, required=0, votes=()), None).text

    assert "Approved by: nobody: no approval is needed." in text


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        (State.PENDING_APPROVAL, "🟡"),
        (State.APPROVED, "🔵"),
        (State.SUBMITTING, "🔵"),
        (State.SUBMITTED, "🔵"),
        (State.SUBMISSION_FAILED, "🔴"),
        (State.SUBMISSION_UNCLEAR, "🟠"),
        (State.REJECTED, "🔴"),
        (State.WITHDRAWN, "⚪"),
        (State.EXPIRED, "⚪"),
        (State.REPLACED, "⚪"),
    ],
)
def test_each_state_has_its_mark(state: State, mark: str) -> None:
    """Beside the words, which say the same."""
    assert title_of(card(in_state(state), None)).startswith(f"{mark} production/web: ")


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        ("REQUESTED", "🔵"),
        ("SCHEDULED", "🔵"),
        ("SCHEDULED_NOTIFIED", "🔵"),
        ("IN_PROGRESS", "🟣"),
        ("SUCCEEDED", "🟢"),
        ("APPEARS_UPGRADED", "🟢"),
        ("FAILED", "🔴"),
        ("MISSED", "🔴"),
        ("NOT_UPGRADED", "🔴"),
        ("SUPERSEDED", "⚪"),
        ("NOT_FOLLOWED", "🟠"),
        ("NOT_REPORTED", "🟠"),
        ("FROBNICATED", "🟠"),
    ],
)
def test_each_status_has_its_mark(status: str, mark: str) -> None:
    """What overruns needs a look, too."""
    overrunning = with_status(status, overrun_told=True)

    assert title_of(card(in_state(State.SUBMITTED), with_status(status))).startswith(mark)
    assert title_of(card(in_state(State.SUBMITTED), overrunning)).startswith("🟠")


def test_a_card_leads_to_the_cluster_in_the_console_when_its_address_is_known() -> None:
    """In the small print; whatever the names are, the address is one."""
    console = Console(pattern="https://console.example.com/{organisation}/{environment}/{cluster}?id={identity}")
    request = an_upgrade_request(cluster="a b/../<@U0VICTIM>|")

    drawn = card(request, None, console=console)

    address = f"https://console.example.com/acme/production/a%20b%2F..%2F%3C%40U0VICTIM%3E%7C?id={WEB}"
    assert f"<{address}|Open the cluster in the Console>" in seen(drawn)
    assert address in drawn.text
    assert "Console" not in card(request, None).text


@pytest.mark.parametrize(
    ("state", "label"), [(State.PENDING_APPROVAL, "Approve"), (State.SUBMISSION_UNCLEAR, "Submit again")]
)
def test_what_cannot_be_taken_back_is_asked_once_more(state: State, label: str) -> None:
    """Slack's dialog says cluster, versions, when, and that there is no way back; the other buttons ask nothing."""
    request = in_state(state, start=START, ignore_windows=True)

    buttons = [block for block in as_sent(card(request, None, rule=RULE))["blocks"] if block["type"] == "actions"]

    asking = {one["text"]["text"]: one["confirm"] for one in buttons[0]["elements"] if "confirm" in one}
    assert list(asking) == [label]
    dialog = asking[label]
    assert dialog["title"]["text"] == f"{label}?"
    assert dialog["text"]["text"] == (
        f"production/web: {OLD} to {NEW}, at Wed 2 Dec, 22:00 CET, outside maintenance windows. "
        f"Avisi Cloud offers no way to cancel."
    )
    assert (dialog["confirm"]["text"], dialog["deny"]["text"]) == (label, "Cancel")


def test_a_dialog_about_long_names_still_says_that_nothing_can_be_cancelled() -> None:
    """Names are cut in their middle, so that the end fits."""
    request = in_state(
        State.PENDING_APPROVAL, cluster="c" * 200, environment="e" * 200, from_version="f" * 90, to_version="t" * 90
    )
    late = replace(request, start=START, estimate=Window(start=START, end=START + timedelta(days=3)))

    dialog = next(block for block in as_sent(card(late, None))["blocks"] if block["type"] == "actions")["elements"][0]

    assert dialog["confirm"]["text"]["text"].endswith("Avisi Cloud offers no way to cancel.")


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

    assert "Approved, submitting to Avisi Cloud. Not through yet: Service unavailable. The bot keeps trying." in text


def test_after_submission_the_window_and_the_status_are_the_clouds() -> None:
    """Told by its meaning, with the cloud's own word in the small print, and that nothing can be cancelled."""
    drawn = card(in_state(State.SUBMITTED), with_status("SCHEDULED_NOTIFIED"))

    assert "Scheduled; contacts have been notified." in drawn.text
    assert "Avisi Cloud's status: `SCHEDULED_NOTIFIED`, since Mon 30 Nov, 12:00 UTC." in drawn.text
    assert "SCHEDULED_NOTIFIED" in str(as_sent(drawn)["blocks"][-1])
    assert "When: Tue 1 Dec, 12:00–15:00 UTC." in drawn.text
    assert "no way to cancel" in drawn.text


def test_a_failed_upgrade_says_the_clouds_reason() -> None:
    """In the API's own words."""
    text = card(in_state(State.SUBMITTED), with_status("FAILED")).text

    assert "The upgrade failed. Avisi Cloud: The control plane did not come back." in text


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
        (
            State.SUBMISSION_FAILED,
            (
                "Not scheduled: An upgrade of this cluster is running already. "
                "<@U0ROOS> or an approver can try again until Wed 2 Dec, 12:00 UTC."
            ),
        ),
        (
            State.SUBMISSION_UNCLEAR,
            (
                "We could not confirm that the upgrade was scheduled: Avisi Cloud gave no clear answer. "
                "Please look in Avisi Cloud; then an approver can press It is there, or else Submit again."
            ),
        ),
        (State.REJECTED, "Rejected by <@U0SEM>: Not in the week of the fair."),
        (State.WITHDRAWN, "Withdrawn by <@U0ROOS>."),
        (State.EXPIRED, "Expired: it was not approved by Wed 2 Dec, 12:00 UTC."),
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
    changed = an_upgrade_request(changes=("production/web now runs v1.30.9; it ran v1.30.6 when this was requested.",))

    assert "Changed since the vote: production/web now runs v1.30.9" in card(changed, None).text


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

    assert title_of(drawn) == f"🟡 acme/production/web: upgrade to {NEW}"
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


@pytest.mark.parametrize(
    ("url", "shown", "said"),
    [
        (
            "https://itsm.example.com/{change}?a=1&b=2",
            "<https://itsm.example.com/A%3C1%7C?a=1&amp;b=2|A&lt;1|>",
            "A&lt;1|: https://itsm.example.com/A%3C1%7C?a=1&amp;b=2",
        ),
        ("", "A&lt;1|", "A&lt;1|"),
    ],
)
def test_the_change_number_is_a_fact_with_where_it_leads(url: str, shown: str, said: str) -> None:
    rule = a_rule(change=ChangeRule(ChangePattern.parse("[^x]{1,9}"), url))

    drawn = card(an_upgrade_request(change="A<1|"), None, rule=rule)

    assert f"'*Change*\\n{shown}'" in seen(drawn)
    assert f"Change: {said}." in drawn.text
