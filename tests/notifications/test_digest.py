"""A digest is readable: what went wrong first and in full, the rest counted, nothing left out, in Slack's limits."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.doctor.examples import LINK, ON_CALL
from bot.domain.events import About, AnyEvent, EmergencyRequested, StatusMoved, WentBlind, WindowBrokeRule, WindowNear
from bot.domain.request import State
from bot.notifications.context import MessageContext
from bot.notifications.digest import Page, Waiting, digest
from tests.builders import NEW, NOON, ROOS, SEM, a_scheduled_upgrade, a_window, about, an_upgrade_request
from tests.notifications.checks import complaints, labels


def waiting(number: int, status: str, cluster: str = "") -> Waiting:
    """Build a waiting channel message about a cluster of its own."""
    request = an_upgrade_request(state=State.SUBMITTED, cluster=cluster or f"c{number}")
    mention = (ROOS, ON_CALL) if status in {"FAILED", "MISSED"} else ()
    event = StatusMoved(
        about=about(request), mention=mention, status=status, from_status=None, window=a_window(), reason="Out of disk"
    )
    upgrade = a_scheduled_upgrade(status=status, cluster=request.cluster)
    return Waiting(
        number=number, event=event, current=MessageContext(now=NOON, request=request, upgrade=upgrade, link=LINK)
    )


def told(pages: tuple[Page, ...]) -> list[int]:
    """Return the numbers of all that the pages tell."""
    return sorted(number for page in pages for number in page.numbers)


def test_what_went_wrong_comes_first_and_in_full() -> None:
    """Each with its mention, its link and its button."""
    ones = [waiting(number, "SUCCEEDED") for number in range(5)]
    ones += [waiting(5, "FAILED"), waiting(6, "MISSED"), waiting(7, "IN_PROGRESS")]

    (page,) = digest(ones, total=8)

    text = page.message.text
    failed, missed = (f"production/{one}: upgrade to {NEW} " for one in ("c5", "c6"))
    assert text.index(f"{failed}failed") < text.index(f"{missed}missed its window")
    assert text.index("production/c6") < text.index("Done: 5")
    assert "Running: 1 (production/c7" in text
    assert text.count("<!subteam^S0ONCALL>") == 2
    assert text.count("Open the card: https://team.slack.com/") == 2
    assert labels(page.message) == ["Reschedule", "Reschedule"]
    assert complaints(page.message) == []


def test_failures_come_before_windows_that_break_a_rule_and_before_blindness() -> None:
    """Whatever came first; and since when the bot was blind is not lost in a count."""
    request = an_upgrade_request(state=State.SUBMITTED)
    broke = WindowBrokeRule(about=about(request), mention=(ROOS,), window=a_window(), rule="Frozen")
    nobody = About(organisation="acme", environment="", cluster="", from_version="", to_version="")
    events: tuple[AnyEvent, ...] = (WentBlind(about=nobody, since=NOON), broke)
    ones = [Waiting(number=10 + n, event=event, current=MessageContext(now=NOON)) for n, event in enumerate(events)]
    ones += [waiting(number, "SUCCEEDED") for number in range(4)] + [waiting(5, "MISSED"), waiting(6, "FAILED")]

    (page,) = digest(ones, total=8)

    text = page.message.text
    order = ["missed its window", f"{NEW} failed", "breaks a rule", "Statuses of acme cannot be read", "Done: 4"]
    assert sorted(order, key=text.index) == order
    assert "Since Mon 30 Nov, 12:00 UTC" in text
    assert complaints(page.message) == []


def test_an_emergency_is_told_in_full_with_everybody_who_is_to_see_it() -> None:
    request = an_upgrade_request(state=State.APPROVED, emergency=True)
    event = EmergencyRequested(about=about(request), mention=(SEM, ON_CALL), reason="Secrets leak")
    ones = [Waiting(number=9, event=event, current=MessageContext(now=NOON, request=request, link=LINK))]

    (page,) = digest([*(waiting(number, "SUCCEEDED") for number in range(7)), *ones], total=8)

    text = page.message.text
    assert text.index("EMERGENCY: production/web") < text.index("Done: 7")
    assert f"<@{SEM}> <!subteam^{ON_CALL}>: It is submitted without approval. Reason: Secrets leak." in text


def test_a_countdown_that_comes_too_late_is_not_counted_as_coming() -> None:
    """Slack was away until the window had begun."""
    request = an_upgrade_request(state=State.SUBMITTED)
    near = WindowNear(about=about(request), window=a_window(NOON - timedelta(minutes=1)), hours=1)

    (page,) = digest([Waiting(number=n, event=near, current=MessageContext(now=NOON)) for n in range(6)], total=6)

    assert "Window has begun: 6" in page.message.text


def test_the_others_are_counted_by_status_with_some_of_their_names() -> None:
    """Two hundred fit into a line."""
    (page,) = digest([waiting(number, "SCHEDULED_NOTIFIED") for number in range(200)], total=200)

    assert "Scheduled, contacts notified: 200 (production/c0 to" in page.message.text
    assert "and 192 more" in page.message.text
    assert complaints(page.message) == []


def test_sixty_words_that_nobody_knows_are_all_told() -> None:
    """Each is a line of its own; none falls off the end of a message."""
    pages = digest([waiting(number, f"ODD {number}", "c") for number in range(60)], total=60)

    assert told(pages) == list(range(60))
    assert all(f"ODD {number}: 1" in str([page.message.blocks for page in pages]) for number in range(60))
    assert all(complaints(page.message) == [] for page in pages)


def test_two_hundred_failures_are_several_messages_that_leave_nothing_out() -> None:
    """Each within the limits; later ones say that they go on."""
    names = [f"c{number}-{'x' * (number * 37 % 120)}" for number in range(200)]
    pages = digest([waiting(number, "FAILED", name) for number, name in enumerate(names)], total=200)

    assert told(pages) == list(range(200))
    assert all(complaints(page.message) == [] for page in pages)
    assert all("(continued)" in page.message.text for page in pages[1:])
    assert sum(page.message.text.count("Open the card: https://team.slack.com/") for page in pages) == 200
    assert not [page for page in pages if "…" in page.message.text]


def test_what_is_left_of_a_digest_says_that_it_goes_on() -> None:
    """After a crash between two of its messages the rest is told, under the same count."""
    (page,) = digest([waiting(number, "SUCCEEDED") for number in range(3)], total=9)

    assert page.message.text.startswith("9 notifications about upgrades (continued).")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["FAILED", "MISSED", "SUCCEEDED", "SCHEDULED_NOTIFIED", "<!channel>"]),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
        ),
        min_size=6,
        max_size=60,
    )
)
def test_every_digest_keeps_slacks_limits_and_tells_each_once(ones: list[tuple[str, str]]) -> None:
    """Whatever the names are."""
    pages = digest([waiting(number, *one) for number, one in enumerate(ones)], total=len(ones))

    assert told(pages) == list(range(len(ones)))
    assert [complaint for page in pages for complaint in complaints(page.message)] == []
