from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import vobject
from prometheus_client import CollectorRegistry

from bot.domain.calendar import Freeze
from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.freeze import FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.naming import PLAIN
from bot.domain.request import RequestId
from bot.domain.scheduled import ScheduledUpgrade, UpgradeIdentity
from bot.domain.windows import Window
from bot.feeds.calendar import CalendarEvent, CalendarFeed, render
from bot.feeds.serving import CalendarRequests
from bot.feeds.upgrades import UpgradeCalendar
from bot.server import Server
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.inbox import MessageRef
from tests.builders import ACME, NOON, SEM, a_catalog, a_policy, a_rule, a_scheduled_upgrade, an_upgrade_request
from tests.fakes import FakeClock, FakeStorage

TOKEN = "c1f3b0d2a4e5968778695a4b"
HOUR = timedelta(hours=1)


def a_calendar(
    storage: FakeStorage, *, freezes: tuple[Freeze, ...] = (), change: ChangeRule | None = None
) -> UpgradeCalendar:
    return UpgradeCalendar(
        read=storage.read,
        catalog_cache=CatalogCache(storage.read, [ACME]),
        policy=a_policy(a_rule(freeze=freezes, change=change)),
        organisations=(ACME,),
        naming=PLAIN,
        now=FakeClock(NOON),
        workspace=lambda: "https://acme.slack.com/",
    )


async def events(calendar: UpgradeCalendar, environment: str | None = None) -> list[vobject.base.Component]:
    """Read the feed with another library than the one that wrote it."""
    feed = await calendar.feed(environment)
    return list(vobject.readOne(feed.body.decode()).contents.get("vevent", []))


def upgrade(number: int = 1, **changes: object) -> ScheduledUpgrade:
    return a_scheduled_upgrade(identity=UpgradeIdentity(f"u{number}"), **changes)


async def test_an_upgrade_with_a_window_is_an_event() -> None:
    request = an_upgrade_request(change="CHG0000001")
    storage = FakeStorage(request, upgrade(request_id=request.id, moves=3))
    async with storage.begin() as work:
        await work.messages.put_card(request.id, MessageRef(channel="C0UPGRADES", ts="1700000000.000100"))
        await work.commit()

    (event,) = await events(a_calendar(storage))

    assert event.summary.value == f"production/web: upgrade to {request.to_version}"
    assert event.sequence.value == "3"
    assert event.status.value == "CONFIRMED"
    assert event.url.value == "https://acme.slack.com/archives/C0UPGRADES/p1700000000000100"
    assert "Change: CHG0000001" in event.description.value


async def test_an_upgrade_of_a_rollout_links_to_the_rollouts_card() -> None:
    request = an_upgrade_request(rollout="rollout-1")
    storage = FakeStorage(request, upgrade(request_id=request.id))
    async with storage.begin() as work:
        await work.messages.put_card(RequestId("rollout-1"), MessageRef(channel="C0UPGRADES", ts="1700000000.000100"))
        await work.commit()

    (event,) = await events(a_calendar(storage))

    assert event.url.value == "https://acme.slack.com/archives/C0UPGRADES/p1700000000000100"


async def test_an_upgrade_that_the_cloud_names_late_stays_the_same_event() -> None:
    """The record that stood for it until then is no upgrade of its own."""
    request = an_upgrade_request()
    nameless = replace(upgrade(request_id=request.id), identity=UpgradeIdentity(f"request:{request.id}"))
    (before,) = await events(a_calendar(FakeStorage(request, nameless)))

    stood_in = replace(nameless, status="SUPERSEDED", request_id=None)
    named = upgrade(request_id=request.id, moves=1)
    (after,) = await events(a_calendar(FakeStorage(request, stood_in, named)))

    assert after.uid.value == before.uid.value
    assert (after.sequence.value, after.status.value) == ("1", "CONFIRMED")


async def test_a_change_number_comes_with_where_it_leads() -> None:
    request = an_upgrade_request(change="A/1")
    rule = ChangeRule(ChangePattern.parse("A/[0-9]"), "https://itsm.example.com/{change}")

    (event,) = await events(a_calendar(FakeStorage(request, upgrade(request_id=request.id)), change=rule))

    assert "Change: A/1 https://itsm.example.com/A%2F1" in event.description.value


async def test_one_that_was_scheduled_outside_slack_says_so() -> None:
    (event,) = await events(a_calendar(FakeStorage(upgrade())))

    assert "Scheduled outside Slack, without approval here" in event.description.value
    assert "url" not in event.contents


async def test_an_upgrade_without_a_window_has_no_event() -> None:
    assert await events(a_calendar(FakeStorage(upgrade(window=None)))) == []


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York"])
@pytest.mark.parametrize("day", [date(2027, 3, 14), date(2027, 3, 28), date(2027, 10, 31), date(2027, 11, 7)])
async def test_a_window_over_a_clock_change_is_where_it_is(zone: str, day: date) -> None:
    """The feed is in UTC; whatever the reader's zone does that night, the moments are the cloud's."""
    local = datetime(day.year, day.month, day.day, 1, 30, tzinfo=ZoneInfo(zone))
    window = Window(start=local.astimezone(UTC), end=local.astimezone(UTC) + 3 * HOUR)

    (event,) = await events(a_calendar(FakeStorage(upgrade(window=window))))

    assert event.dtstart.value == window.start
    assert event.dtend.value - event.dtstart.value == 3 * HOUR
    assert event.dtstart.value.astimezone(ZoneInfo(zone)).time() == time(1, 30)


async def test_a_moved_window_raises_the_sequence_of_the_same_event() -> None:
    before = upgrade(moves=1)
    window = before.window
    assert window is not None
    later = Window(start=window.start + 24 * HOUR, end=window.end + 24 * HOUR)
    after = replace(before, window=later, moves=2)

    (first,), (second,) = await events(a_calendar(FakeStorage(before))), await events(a_calendar(FakeStorage(after)))

    assert first.uid.value == second.uid.value
    assert int(second.sequence.value) > int(first.sequence.value)
    assert second.dtstart.value == later.start


@pytest.mark.parametrize(("days", "shown"), [(6, ["CANCELLED"]), (8, [])])
async def test_what_was_superseded_is_cancelled_for_a_week(days: int, shown: list[str]) -> None:
    gone = upgrade(status="SUPERSEDED", status_since=NOON - timedelta(days=days))

    assert [event.status.value for event in await events(a_calendar(FakeStorage(gone)))] == shown


async def test_an_environment_filters() -> None:
    storage = FakeStorage(upgrade(1), upgrade(2, environment="staging"))

    assert len(await events(a_calendar(storage))) == 2
    assert [one.summary.value[:7] for one in await events(a_calendar(storage), "staging")] == ["staging"]
    assert len(await events(a_calendar(storage), "acme/staging")) == 1
    assert await events(a_calendar(storage), "nowhere") == []


async def test_a_freeze_is_an_event_of_whole_days() -> None:
    freeze = Freeze(first=date(2026, 12, 20), last=date(2027, 1, 3), reason="Holiday freeze")
    storage = FakeStorage(a_catalog())
    calendar = a_calendar(storage, freezes=(freeze,))
    await calendar.catalog_cache.renew()

    (event,) = await events(calendar)

    assert event.summary.value.startswith("Freeze: ")
    assert event.summary.value.endswith("(Holiday freeze)")
    assert (event.dtstart.value, event.dtend.value) == (date(2026, 12, 20), date(2027, 1, 4))


async def test_a_freeze_that_somebody_set_is_an_event_until_it_ends_or_is_lifted() -> None:
    """It keeps its UID; lifted, it ends then, and says so by its SEQUENCE."""
    places = tuple(FrozenPlace(organisation=ACME, environment=name) for name in ("production", "staging"))
    until = NOON + timedelta(days=2)
    freeze = UpgradeFreeze(id=FreezeId("f1"), places=places, by=SEM, since=NOON, until=until, reason="Incident")
    storage = FakeStorage(a_catalog())
    async with storage.begin() as work:
        stored = await work.freezes.add(freeze)
        await work.commit()

    (event,) = await events(a_calendar(storage))
    (filtered,) = await events(a_calendar(storage), "staging")
    async with storage.begin() as work:
        await work.freezes.save(stored.lift(by=SEM, at=NOON + timedelta(hours=1)))
        await work.commit()
    (lifted,) = await events(a_calendar(storage))

    assert event.summary.value == "Freeze: production, staging (Incident)"
    assert filtered.summary.value == "Freeze: staging (Incident)"
    assert (event.dtstart.value, event.dtend.value, event.sequence.value) == (NOON, until, "0")
    assert lifted.uid.value == event.uid.value
    assert (lifted.dtend.value, lifted.sequence.value) == (NOON + timedelta(hours=1), "1")
    assert await events(a_calendar(storage), "nowhere") == []


async def test_what_people_and_the_cloud_wrote_breaks_no_line() -> None:
    nasty = upgrade(cluster='web\r\nATTENDEE:mailto:x@y;",\\', to_version="v1\nEND:VEVENT")

    (event,) = await events(a_calendar(FakeStorage(nasty)))

    assert "attendee" not in event.contents


def test_two_thousand_events_take_less_than_three_tenths_of_a_second() -> None:
    """The first time, in the best of three; what did not change is not written again."""
    first = [timed(many_events(start=NOON + one * HOUR)) for one in range(3)]
    again = timed(many_events(start=NOON))

    assert again[0] == first[0][0]
    assert min(seconds for _, seconds in first) < 0.3
    assert again[1] < 0.1


def timed(events: tuple[CalendarEvent, ...]) -> tuple[CalendarFeed, float]:
    """Render events, and return the seconds of this process that it took."""
    began = process_time()
    return render(events, name="x"), process_time() - began


def many_events(*, start: datetime) -> tuple[CalendarEvent, ...]:
    return tuple(
        CalendarEvent(
            uid=f"{number}@x",
            summary="production/payments: upgrade to v1.34.1-u-ame.3",
            start=start + number * HOUR,
            end=start + (number + 3) * HOUR,
            status="CONFIRMED",
            sequence=1,
            changed_at=NOON,
        )
        for number in range(2000)
    )


async def serve(calendar: UpgradeCalendar, query: str, **headers: str) -> tuple[int, bytes, str]:
    requests = CalendarRequests(calendar=calendar, token=TOKEN)
    server = Server(host="127.0.0.1", port=0, checks={}, registry=CollectorRegistry(), calendar=requests.answer)
    port = await server.start()
    try:
        address = f"http://127.0.0.1:{port}/calendar.ics{query}"
        async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers.get("ETag", "")
    finally:
        await server.stop()


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", f"?token={TOKEN[:-1]}", f"?Token={TOKEN}"])
async def test_without_the_token_there_is_no_calendar(query: str) -> None:
    status, body, _ = await serve(a_calendar(FakeStorage(upgrade())), query)

    assert status == 404
    assert b"VEVENT" not in body


async def test_who_has_it_already_gets_nothing_again() -> None:
    calendar = a_calendar(FakeStorage(upgrade()))

    status, body, etag = await serve(calendar, f"?token={TOKEN}&environment=production")
    again, nothing, _ = await serve(calendar, f"?token={TOKEN}&environment=production", **{"If-None-Match": etag})

    assert (status, again, nothing) == (200, 304, b"")
    assert b"VEVENT" in body
    assert TOKEN.encode() not in body
