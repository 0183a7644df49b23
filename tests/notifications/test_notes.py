"""Each event is told to each of its audiences with what that reader needs, worded by what is true when it is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.doctor.examples import LINK, ON_CALL, current, events, in_state, outside, with_status
from bot.domain.events import (
    Answered,
    AnyEvent,
    ApproversReminded,
    StatusMoved,
    SubmissionFailed,
    UpgradeOverran,
    UpgradeRequested,
    VoteCast,
    VotesVoided,
    WentBlind,
    WindowBrokeRule,
    WindowMoved,
    WindowNear,
)
from bot.domain.naming import Naming
from bot.domain.request import State, UpgradeRequest
from bot.notifications import notes
from bot.notifications.digest import Waiting, digest
from tests.builders import CHANNEL, KIM, NEW, NOON, OLD, ROOS, SEM, a_window, about, an_upgrade_request
from tests.notifications.checks import labels, seen

WINDOW = "Tue 1 Dec, 12:00–15:00 UTC"
SUBMITTED = in_state(State.SUBMITTED)


def moved(status: str, request: UpgradeRequest = SUBMITTED, **changes: object) -> StatusMoved:
    """Build the event that an upgrade came to a status."""
    event = StatusMoved(about=about(request), status=status, from_status="SCHEDULED", window=a_window())
    return replace(event, **changes)  # type: ignore[arg-type] # fields by name


def test_the_reminder_names_cluster_versions_window_and_who_asked() -> None:
    """What everybody in the channel needs to know before it happens."""
    message = notes.channel(moved("SCHEDULED_NOTIFIED"), current(SUBMITTED, with_status("SCHEDULED_NOTIFIED")))

    assert message.text.startswith(f"Upcoming: production/web will be upgraded to {NEW} on {WINDOW}.")
    assert f"Version: {OLD} → {NEW}." in message.text
    assert "Requested by <@U0ROOS>." in message.text
    assert "<!date^" in seen(message)
    assert labels(message) == []


def test_with_several_organisations_every_note_names_the_one_that_it_is_about() -> None:
    """Two of them may call a cluster the same, in a thread, a channel, a direct message and a digest."""
    told = [event for event in events(SUBMITTED) if event.about.cluster and not isinstance(event, Answered)]
    now = current(SUBMITTED, with_status("SCHEDULED"), naming=Naming(several=True))

    notifications = [draw(event, now).text for event in told for draw in (notes.thread, notes.channel, notes.direct)]
    waiting = [Waiting(number=number, event=event, current=now) for number, event in enumerate(told)]
    pages = digest(waiting, total=len(waiting))

    assert [text for text in notifications if "acme/production/web" not in text] == []
    assert "acme/production/web" in pages[-1].message.text


@pytest.mark.parametrize("status", ["FAILED", "MISSED", "NOT_UPGRADED"])
def test_an_alert_mentions_those_who_act_and_offers_to_reschedule(status: str) -> None:
    """The requester, the on-call group, the cluster, the versions, the card, and a button."""
    event = moved(status, mention=(ROOS, ON_CALL), reason="Out of disk")

    message = notes.channel(event, current(SUBMITTED, with_status(status)))

    for part in ("production/web", OLD, NEW, "<@U0ROOS>", "<!subteam^S0ONCALL>", LINK.replace("&", "&amp;")):
        assert part in message.text, part
    assert labels(message) == ["Reschedule"]


def test_a_failure_says_why_what_still_holds_and_what_can_be_done() -> None:
    """In plain words, with the API's own reason."""
    text = notes.channel(moved("FAILED", reason="Out of disk"), current(SUBMITTED, with_status("FAILED"))).text

    assert "Avisi Cloud: Out of disk." in text
    assert "No further attempt is scheduled." in text
    assert "then reschedule the upgrade" in text


def test_a_missed_window_says_that_the_cluster_was_not_touched() -> None:
    """It still runs what it ran, as far as is known."""
    text = notes.channel(moved("MISSED"), current(SUBMITTED, with_status("MISSED"))).text

    assert f"Its window, {WINDOW}, passed and it did not start" in text
    assert f"The cluster probably still runs {OLD}." in text
    assert "next window" in text


def test_a_superseded_upgrade_says_no_more_than_is_known() -> None:
    """It may be another upgrade, a moved update channel or a changed cluster: without a reason all three are named."""
    text = notes.thread(moved("SUPERSEDED"), current(SUBMITTED)).text

    assert "Another upgrade, a moved update channel or a changed status of the cluster may be behind it." in text
    assert "Superseded: Avisi Cloud will not carry it out." in text


def test_what_a_newer_request_superseded_is_not_offered_again() -> None:
    """It was rescheduled already."""
    replaced = in_state(State.REPLACED)

    text = notes.thread(moved("SUPERSEDED"), current(replaced, with_status("SUPERSEDED"))).text

    assert "a newer request for this cluster took its place" in text
    assert "can be rescheduled" not in text


@pytest.mark.parametrize("status", ["APPEARS_UPGRADED", "NOT_UPGRADED"])
def test_what_was_concluded_is_worded_as_concluded(status: str) -> None:
    """The cloud did not say it."""
    text = notes.thread(moved(status, inferred=True), current(SUBMITTED, with_status(status))).text

    assert "Avisi Cloud gives no status here: this is concluded" in text


def test_what_is_no_longer_reported_is_told_with_its_last_status() -> None:
    """In the thread and to the requester."""
    told = moved("NOT_REPORTED", from_status="SCHEDULED_NOTIFIED", inferred=True)

    text = notes.thread(told, current(SUBMITTED, with_status("NOT_REPORTED"))).text

    assert "No longer reported by Avisi Cloud." in text
    assert "Last known: scheduled, contacts notified." in text
    assert "Avisi Cloud does not list this upgrade any more" in text


def test_a_countdown_from_an_old_reading_says_so() -> None:
    """Nobody takes for certain what may have moved meanwhile."""
    near = WindowNear(about=about(SUBMITTED), window=a_window(), hours=1.0, unread_since=NOON)

    text = notes.channel(near, current(SUBMITTED, with_status("SCHEDULED"))).text

    assert "Avisi Cloud could not be read since." in text
    assert "could not be read" not in notes.channel(replace(near, unread_since=None), current(SUBMITTED)).text


def test_an_upgrade_that_nobody_asked_for_here_says_so() -> None:
    """It has no card, no requester and no button."""
    message = notes.channel(outside(moved("FAILED")), current(None, with_status("FAILED")))

    assert "Scheduled outside Slack, without approval here." in message.text
    assert "Requested by" not in message.text
    assert labels(message) == []


def test_an_unknown_status_is_told_as_it_is() -> None:
    """Nothing breaks when the vendor adds one."""
    assert (
        "a status that the bot does not know: FROBNICATED."
        in notes.thread(moved("FROBNICATED"), current(SUBMITTED)).text
    )


def test_a_countdown_says_when_and_nothing_that_ages() -> None:
    """It may have waited, and it stays: `in an hour` would soon be wrong."""
    window = a_window(NOON + timedelta(hours=1))
    near = WindowNear(about=about(SUBMITTED), window=window, hours=1)

    text = notes.channel(near, current(SUBMITTED, with_status("SCHEDULED", window=window))).text

    assert text.startswith(f"Upcoming: production/web will be upgraded to {NEW} on Mon 30 Nov, 13:00–16:00 UTC.")
    assert " in " not in text.split("https://", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (moved("SUCCEEDED", ends_alarm=True), f"All clear: production/web now runs {NEW}."),
        (
            WindowMoved(
                about=about(SUBMITTED), status="SCHEDULED", window=a_window(), from_window=None, ends_alarm=True
            ),
            "It breaks no rule any more.",
        ),
    ],
)
def test_an_all_clear_says_that_it_is_one(event: AnyEvent, words: str) -> None:
    """Whoever read the alarm stops worrying."""
    message = notes.channel(event, current(SUBMITTED, with_status("SUCCEEDED")))

    assert words in message.text


def test_nobody_is_named_twice_in_an_alert() -> None:
    """The requester is called upon, so that who asked need not be said again."""
    text = notes.channel(moved("FAILED", mention=(ROOS, ON_CALL)), current(SUBMITTED, with_status("FAILED"))).text

    assert text.count(f"<@{ROOS}>") == 1


def test_a_channel_message_leads_to_the_card_and_to_the_cluster_in_the_console() -> None:
    """When their addresses are known."""
    address = "https://console.example.com/acme/production/web"
    now = replace(current(SUBMITTED, with_status("FAILED")), console=address)

    text = notes.channel(moved("FAILED"), now).text

    assert text.endswith(f"Open the card: {LINK.replace('&', '&amp;')}\nOpen the cluster in the Console: {address}")


def test_with_the_last_approval_the_line_says_that_submitting_begins() -> None:
    """Approval and hand-over are one line, with what it supersedes."""
    cast = VoteCast(about=about(SUBMITTED), by=SEM, count=1, required=2)
    last = replace(cast, count=2, supersedes="v1.31.9")

    first, second = (notes.thread(one, current(SUBMITTED)).text for one in (cast, last))

    assert first.endswith("<@U0SEM> approved (1 of 2).")
    assert second.endswith(
        "<@U0SEM> approved (2 of 2). Submitting now. It supersedes the upgrade to v1.31.9 that is already scheduled."
    )


def test_a_request_that_needs_no_approval_says_that_submitting_begins() -> None:
    """In the thread and to the requester."""
    request = an_upgrade_request(required=0)
    event = UpgradeRequested(about=about(request), required=0, deadline=request.deadline)

    thread, direct = (draw(event, current(request)).text for draw in (notes.thread, notes.direct))

    assert thread.endswith("<@U0ROOS> requested this upgrade. No approval is needed. Submitting now.")
    assert "Your request was received. No approval is needed. Submitting now." in direct


def test_a_countdown_told_after_its_window_began_says_so() -> None:
    """Slack was away: nothing is said to begin that has begun."""
    window = a_window(NOON - timedelta(minutes=5))
    near = WindowNear(about=about(SUBMITTED), window=window, hours=1)

    text = notes.channel(near, current(SUBMITTED, with_status("SCHEDULED", window=window))).text

    assert text.startswith("production/web: the window of its upgrade has begun.")
    assert "Upcoming" not in text


def test_a_countdown_follows_a_window_that_moved() -> None:
    """What the event says is outdated then."""
    near = WindowNear(about=about(SUBMITTED), window=a_window(), hours=24)
    later = a_window(NOON + timedelta(days=7))

    text = notes.channel(near, current(SUBMITTED, with_status("SCHEDULED", window=later))).text

    assert "Mon 7 Dec, 12:00–15:00 UTC" in text
    assert "2026-12-01" not in text


@pytest.mark.parametrize(
    "event",
    [
        WindowNear(about=about(SUBMITTED), window=a_window(), hours=1),
        WindowMoved(about=about(SUBMITTED), status="SCHEDULED", window=a_window(), from_window=None),
        moved("SCHEDULED_NOTIFIED"),
        UpgradeOverran(about=about(SUBMITTED), window=a_window()),
    ],
)
def test_what_has_moved_on_meanwhile_is_said(event: AnyEvent) -> None:
    """A message that waited through an outage is true when it is read."""
    assert "By now: done." in notes.channel(event, current(SUBMITTED, with_status("SUCCEEDED"))).text


def test_a_moved_window_tells_both() -> None:
    """People had planned with the old one."""
    before = a_window(NOON + timedelta(hours=2))
    event = WindowMoved(about=about(SUBMITTED), status="SCHEDULED", window=a_window(), from_window=before)

    text = notes.thread(event, current(SUBMITTED, with_status("SCHEDULED"))).text

    assert f"Its window is now {WINDOW}.\nIt was Mon 30 Nov, 14:00–17:00 UTC." in text


def test_a_window_that_breaks_a_rule_is_an_alert_with_a_way_out() -> None:
    """The API offers no cancel, and the message says so."""
    rule = "production is frozen Dec 20 to Jan 3 (Holiday freeze)."
    event = WindowBrokeRule(about=about(SUBMITTED), mention=(ROOS,), window=a_window(), rule=rule)

    message = notes.channel(event, current(SUBMITTED, with_status("SCHEDULED")))

    assert rule in message.text
    assert "no way to cancel" in message.text
    assert "<@U0ROOS>" in message.text
    assert labels(message) == ["Reschedule"]


def test_blindness_names_the_organisation_and_since_when() -> None:
    """Silence would look like calm."""
    blind = next(event for event in events(SUBMITTED) if isinstance(event, WentBlind))

    text = notes.channel(blind, current(None)).text

    assert text.startswith("Statuses of acme cannot be read.")
    assert "Since Mon 30 Nov, 12:00 UTC" in text


def test_the_first_line_of_a_thread_mentions_those_to_be_notified() -> None:
    """They see that they are asked, and until when."""
    request = an_upgrade_request()
    event = UpgradeRequested(about=about(request), mention=("S0PLATFORM",), required=2, deadline=request.deadline)

    message = notes.thread(event, current(request))

    assert "<!subteam^S0PLATFORM>" in seen(message)
    assert "Needs 2 approvals by Wed 2 Dec, 12:00 UTC." in message.text
    assert message.text.startswith(f"production/web: upgrade to {NEW}. ")


def test_the_requester_is_not_called_upon_by_their_own_request() -> None:
    """Who asks may be an approver too, and is mentioned once, as the one who asks."""
    request = an_upgrade_request(requester=ROOS)
    event = UpgradeRequested(about=about(request), mention=(ROOS, SEM), required=2, deadline=request.deadline)

    said = notes.thread(event, current(request)).text

    assert f"<@{SEM}>: <@{ROOS}> requested this upgrade." in said
    assert said.count(f"<@{ROOS}>") == 1


def test_void_votes_say_why_and_mention_those_who_are_asked_again() -> None:
    """And whose votes went."""
    event = VotesVoided(
        about=about(), mention=("S0PLATFORM",), changes=("production/web runs v1.30.9 now.",), voters=(SEM,), required=2
    )

    text = notes.thread(event, current(an_upgrade_request())).text

    assert "<!subteam^S0PLATFORM>" in text
    assert "runs v1.30.9 now." in text
    assert "What <@U0SEM> approved no longer counts." in text


def test_a_reminder_says_what_is_missing_and_until_when() -> None:
    """Enough to decide whether it can wait."""
    event = ApproversReminded(about=about(), mention=(KIM,), count=1, required=2, deadline=NOON)

    text = notes.thread(event, current(an_upgrade_request())).text

    assert "1 of 2. Needs 1 more approval by Mon 30 Nov, 12:00 UTC, or it expires." in text
    assert "<@U0KIM>" in text


def test_a_failed_submission_mentions_the_requester_once() -> None:
    """With the cloud's own words and what can be pressed."""
    event = SubmissionFailed(about=about(), mention=(ROOS,), reason="Cluster is being deleted")

    text = notes.thread(event, current(an_upgrade_request())).text

    assert text.count("<@U0ROOS>") == 1
    assert "Cluster is being deleted. " not in text
    assert "The upgrade was not scheduled: Cluster is being deleted." in text
    assert "Try again" in text


def test_every_outcome_reaches_the_requester_with_the_cluster_and_a_link() -> None:
    """A direct message is complete by itself."""
    for event in events(SUBMITTED):
        if event.about.cluster and not isinstance(event, Answered):
            text = notes.direct(event, current(SUBMITTED)).text
            assert "production/web" in text, event
            assert "Open the card: https://team.slack.com/" in text, event


def test_a_long_private_answer_is_split_into_parts_that_slack_takes() -> None:
    """The help and long lists come in whole."""
    text = "\n".join(f"*production/cluster-{number}*: scheduled <b>" for number in range(120))

    message = notes.private(Answered(about=about(), text=text))

    assert len(message.blocks) > 1
    assert "cluster-119" in seen(message)
    assert "&lt;b&gt;" in seen(message)


def test_channel_messages_name_environment_cluster_and_versions() -> None:
    """Whatever happened, the reader knows to what."""
    for event in events(SUBMITTED):
        if event.about.cluster and not isinstance(event, Answered):
            text = notes.channel(event, current(SUBMITTED)).text
            assert "production/web" in text.split(".")[0], event
            assert f"Version: {OLD} → {NEW}." in text, event
            assert CHANNEL not in text.replace(LINK.replace("&", "&amp;"), "")
