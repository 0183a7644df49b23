"""App Home reads well with nothing, one, twenty and two hundred of everything, and says how fresh it is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.doctor.examples import in_state
from bot.domain.cluster import Organisation
from bot.domain.request import RequestId, State
from bot.domain.scheduled import UpgradeIdentity
from bot.notifications.blocks import View
from bot.notifications.console import Console
from bot.notifications.home import home
from bot.notifications.ids import ActionId
from bot.notifications.links import Links
from bot.workflow.inbox import MessageRef
from bot.workflow.repositories import Feed, Source
from bot.workflow.viewing import HomeView
from tests.builders import ACME, NOON, SEM, a_policy, a_scheduled_upgrade, a_window, an_upgrade_request
from tests.notifications.checks import view_complaints


def seen(many: int = 0, **changes: Any) -> HomeView:  # noqa: ANN401 - a builder
    """Build what a person's Home shows, with so many of everything."""
    values: dict[str, Any] = {
        "member": SEM,
        "upgrades": tuple(
            a_scheduled_upgrade(
                identity=UpgradeIdentity(f"u{number}"),
                cluster=f"up{number}",
                window=a_window(NOON + timedelta(hours=number)),
            )
            for number in range(many)
        ),
        "waiting": tuple(an_upgrade_request(id=RequestId(f"w{n}"), cluster=f"wait{n}") for n in range(many)),
        "own": tuple(an_upgrade_request(id=RequestId(f"o{n}"), cluster=f"own{n}") for n in range(many)),
        "feeds": (Feed(organisation=ACME, source=Source.ORGANISATION, read_at=NOON),),
        "now": NOON,
    }
    return HomeView(**({"policy": a_policy()} | values | changes))


def words(view: View) -> str:
    """Return all that a reader sees."""
    return str(view.payload())


def pressable(view: View) -> list[tuple[str, str]]:
    """Return the label and action of each button."""
    blocks: Any = view.payload()["blocks"]
    return [
        (element["text"]["text"], element["action_id"])
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


@pytest.mark.parametrize("many", [0, 1, 20, 200])
def test_every_size_keeps_slacks_limits_on_every_page(many: int) -> None:
    """A Home has at most 100 blocks."""
    for page in range(25):
        assert view_complaints(home(replace(seen(many), page=page))) == []


def test_an_empty_home_says_so_and_offers_to_schedule() -> None:
    """A newcomer sees what there is to do."""
    drawn = home(seen())

    assert words(drawn).count("Nothing at the moment.") == 4
    assert pressable(drawn) == [("Schedule upgrade", ActionId.SCHEDULE)]


def test_two_hundred_of_everything_are_all_on_some_page() -> None:
    """Nothing is out of reach, and nothing is shown twice."""
    pages = [words(home(replace(seen(200), page=page))) for page in range(20)]

    for kind in ("up", "wait", "own"):
        for number in (0, 19, 20, 101, 199):
            assert sum(f"production/{kind}{number}*" in page for page in pages) == 1, (kind, number)


def test_a_home_that_does_not_hold_all_says_so() -> None:
    """Two hundred are shown; that there are more is no secret."""
    assert "(1 to 20 of 200)" in words(home(seen(200)))
    assert "(1 to 20 of more than 200)" in words(home(replace(seen(200), more=True)))


def test_pages_are_turned_by_buttons() -> None:
    """The first has no previous one, and the last no next."""
    turns = [
        [label for label, _ in pressable(home(replace(seen(25), page=page))) if label in {"Next", "Previous"}]
        for page in (0, 1, 2)
    ]

    assert turns == [["Next"], ["Previous", "Next"], ["Previous"]]


def test_a_page_that_does_not_exist_is_the_last_one() -> None:
    """Between two presses the list may have become shorter."""
    assert home(replace(seen(25), page=99)) == home(replace(seen(25), page=2))


def test_what_waits_for_a_decision_can_be_decided_here() -> None:
    """With everything that the decision is about."""
    drawn = home(seen(waiting=(in_state(State.PENDING_APPROVAL, override=True, reason="CVE-1"),)))

    assert ("Approve", "approve") in pressable(drawn)
    assert ("Reject", "reject") in pressable(drawn)
    for part in ("production/web", "1 of 2", "Overrides a freeze", "CVE-1", "Requested by <@U0ROOS>", "Approve by"):
        assert part in words(drawn), part


def test_own_requests_can_be_withdrawn_and_rescheduled_here() -> None:
    """And only what is possible is offered."""
    waiting = pressable(home(seen(own=(in_state(State.PENDING_APPROVAL),))))
    ended = pressable(home(seen(own=(in_state(State.WITHDRAWN),))))

    assert [label for label, _ in waiting] == ["Schedule upgrade", "Withdraw", "Reschedule"]
    assert [label for label, _ in ended] == ["Schedule upgrade"]


def test_an_own_upgrade_under_way_shows_the_clouds_status_and_window() -> None:
    """The same words as on its card."""
    upgrade = a_scheduled_upgrade(status="SCHEDULED_NOTIFIED")
    own = in_state(State.SUBMITTED, upgrade=upgrade.identity)

    drawn = home(seen(own=(own,), upgrades=(upgrade,)))

    assert "Scheduled; contacts have been notified." in words(drawn)
    assert ("Reschedule", "reschedule") in pressable(drawn)


def test_upgrades_say_when_and_how_they_stand() -> None:
    """Those from elsewhere say so."""
    upgrade = a_scheduled_upgrade(status="IN_PROGRESS")

    elsewhere, ours = (words(home(seen(upgrades=(one,)))) for one in (upgrade, replace(upgrade, request_id="r1")))

    assert "running · scheduled outside Slack" in elsewhere
    assert "outside" not in ours
    assert "Tue 1 Dec, 12:00 UTC" in ours


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        (Feed(organisation=ACME, source=Source.ORGANISATION, read_at=NOON), "acme: statuses read <!date^"),
        (Feed(organisation=ACME), "acme: no status has been read yet."),
        (Feed(organisation=ACME, source=Source.CLUSTERS), "acme: Avisi Cloud gives no status here"),
        (Feed(organisation=ACME, blind_since=NOON), "acme: no status could be read since <!date^"),
    ],
)
def test_home_says_how_fresh_it_is(feed: Feed, said: str) -> None:
    """Late is visible."""
    assert said in words(home(seen(feeds=(feed,))))


def test_with_several_organisations_every_line_names_the_one_that_it_is_about() -> None:
    """What waits, what is under way and what was asked for."""
    feeds = tuple(Feed(organisation=one, read_at=NOON) for one in (ACME, Organisation("globex")))

    shown = words(home(seen(1, feeds=feeds)))

    for name in ("wait0", "up0", "own0"):
        assert f"*acme/production/{name}*" in shown
        assert f"*production/{name}*" in words(home(seen(1)))


def test_every_row_leads_to_its_card_and_to_the_console() -> None:
    """Where both are known; the row is the same without."""
    request = in_state(State.PENDING_APPROVAL)
    place = MessageRef(channel="C0UPGRADES", ts="1796038800.000100")
    links = Links(
        workspace=lambda: "https://harbour.slack.com/", console=Console(pattern="https://console.test/{cluster}")
    )
    shown = seen(waiting=(request,), own=(request,), upgrades=(a_scheduled_upgrade(request_id=request.id),))

    drawn = words(home(replace(shown, cards={request.id: place}), links=links))

    card = "*<https://harbour.slack.com/archives/C0UPGRADES/p1796038800000100|production/web>*"
    assert drawn.count(card) == 3
    assert drawn.count("<https://console.test/web|Console>") == 3
    assert words(home(shown)).count("*production/web*") == 3


def test_home_says_when_it_was_updated() -> None:
    assert f"Updated <!date^{int(NOON.timestamp())}^{{date_short_pretty}} at {{time}}|" in words(home(seen()))
