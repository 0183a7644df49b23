"""The policy file at work, end to end: freezes, allowed times, what comes first, and a cloud of its own mind."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.notifications.text import plain_time
from bot.sandbox.slack.people.person import PersonInSlack
from tests.world.approving import BASE, answered, events, under
from tests.world.harness import CHANNEL, DAY

FREEZE = '[{ from = "2026-11-28", to = "2026-11-30", reason = "Black Friday" }]'
FROZEN = "production is frozen Nov 28 to Nov 30 (Black Friday)."
SATURDAY = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
NEW = "v1.31.6-u-ame.10"


async def errors(person: PersonInSlack) -> Mapping[str, str]:
    """Submit the modal that is open and return what it says at its fields."""
    return (await person.submit()).errors


async def test_a_freeze_is_shown_while_choosing_and_overridden_with_a_reason_and_one_approval_more(
    tmp_path: Path,
) -> None:
    """Two approvals become three; card, thread and audit trail say loudly that a freeze is overridden."""
    rule = f"{BASE}override = true\n[environments.production]\nrequired_approvals = 2\nfreeze = {FREEZE}\n"
    async with under(rule.replace('"S0PLATFORM"', '"S0PLATFORM", "U0NOOR"'), tmp_path) as home:
        roos = home.roos
        await roos.command(CHANNEL, f"/schedule-upgrade production/payments {NEW}")
        shown = await roos.modal("Schedule upgrade", containing=FROZEN)
        refused = await errors(roos)
        await roos.check("Override freeze")
        await roos.modal("Schedule upgrade", containing="It requires a reason and 3 approvals, one more than usual.")
        unexplained = await errors(roos)
        await roos.fill("Reason", "the leak of today")
        assert await errors(roos) == {}
        card = await home.sem.message(CHANNEL, "payments: upgrade to")
        tallies = [await answered(one, card, "Approve") for one in (home.sem, home.kim, home.slack.person("U0NOOR"))]
        done = await home.card(card, "Submitted to Avisi Cloud")

        assert "Override freeze" in shown.labels
        instead = "The next time that fits is Sat 5 Dec, 02:00 UTC. Tick Override freeze if it cannot wait."
        assert refused == {"Start date and time": f"{FROZEN} {instead}"}
        assert set(unexplained) == {"Reason"}
        assert tallies == [
            "Approved (1 of 3). 2 more needed.",
            "Approved (2 of 3). 1 more needed.",
            "Approved (3 of 3). Submitting now.",
        ]
        assert "Overrides the freeze of" in done
        assert "Overrides the freeze of" in card.text
        (asked,) = await events(home, "upgrade requested")
        assert asked["facts"]["overrides"] == "the freeze Nov 28 to Nov 30 (Black Friday)"
        assert asked["facts"]["reason"] == "the leak of today"
        assert not await events(home, "press refused")


def assert_refused(errors: Mapping[str, str], rule: str) -> None:
    """Check that the start alone is wrong, and that the next time that fits is named."""
    assert list(errors) == ["Start date and time"]
    assert errors["Start date and time"].startswith((f"{rule} The next time that fits is ", f"{rule} Choose another"))


async def test_nothing_is_asked_for_outside_the_allowed_times_or_without_leave_to_override(tmp_path: Path) -> None:
    """In the policy's zone; a start of one's own is judged as a moment."""
    rule = (
        f"timezone = 'Europe/Amsterdam'\n{BASE}[environments.production]\nfreeze = {FREEZE}\n"
        "[environments.staging]\nallowed = ['tue-thu 20:00-23:00']\n"
    )
    async with under(rule, tmp_path) as home:
        roos = home.roos
        await roos.command(CHANNEL, f"/schedule-upgrade production/payments {NEW}")
        frozen = await roos.modal("Schedule upgrade", containing=FROZEN)
        assert "Override freeze" not in frozen.labels
        assert_refused(await errors(roos), FROZEN)
        await roos.choose("Start date and time", SATURDAY + 3 * DAY)
        assert await errors(roos) == {}
        await home.sem.message(CHANNEL, "payments: upgrade to")

        await roos.command(CHANNEL, f"/schedule-upgrade staging/payments {NEW}")
        sentence = "Upgrades in staging may only run tue-thu 20:00-23:00 (Europe/Amsterdam)."
        await roos.modal("Schedule upgrade", containing="may only run")
        assert_refused(await errors(roos), sentence)
        await roos.check("Ignore maintenance windows")
        await roos.choose("Start date and time", datetime(2026, 11, 24, 18, 59, tzinfo=UTC))
        next_fit = "The next time that fits is Tue 24 Nov, 20:00 CET."
        assert await errors(roos) == {"Start date and time": f"{sentence} {next_fit}"}
        await roos.choose("Start date and time", datetime(2026, 11, 24, 19, 0, tzinfo=UTC))
        assert await errors(roos) == {}


async def test_a_window_of_the_cloud_that_breaks_a_freeze_raises_an_alert_at_once(tmp_path: Path) -> None:
    """Also when it moves there later: the channel is told, the requester mentioned, Reschedule is at hand."""
    async with under(f"{BASE}required_approvals = 0\n[environments.production]\nfreeze = {FREEZE}\n", tmp_path) as home:
        await home.request("production/webshop")
        card = await home.sem.message(CHANNEL, "webshop: upgrade to")
        await home.card(card, "Submitted to Avisi Cloud")
        upgrade = home.cloud.upgrades[-1]
        home.cloud.move(upgrade.identity, "SCHEDULED", window=(SATURDAY, SATURDAY + timedelta(hours=3)))
        alert = await home.sem.message(CHANNEL, "production/webshop: the window of its upgrade breaks a rule")

        assert "production is frozen Nov 28 to Nov 30 (Black Friday)." in alert
        assert "Avisi Cloud offers no way to cancel a scheduled upgrade; it can only be rescheduled." in alert
        assert alert.buttons == ("Reschedule",)
        assert "U0ROOS" in alert.mentions.users
        await home.roos.press(CHANNEL, alert.ts, "Reschedule")
        form = await home.roos.modal("Schedule upgrade", containing="A new request reschedules it.")
        start = datetime.fromtimestamp(int(form.field("Start date and time").shown), UTC)
        assert f"The next time that fits is {plain_time(start)}." in alert


async def test_a_version_goes_to_staging_first(tmp_path: Path) -> None:
    """It succeeded there, but will not have long enough ago in the next window; for a later one it may be asked for."""
    rule = f"{BASE}required_approvals = 0\n[environments.production]\nafter = {{ staging = '10d' }}\n"
    async with under(rule, tmp_path) as home:
        roos = home.roos
        waits = f"{NEW} has to run in staging for 10 days before production can get it"
        await roos.command(CHANNEL, f"/schedule-upgrade production/payments {NEW}")
        await roos.modal("Schedule upgrade", containing=f"{waits}, and no upgrade to it has succeeded there")
        untried = await errors(roos)
        await roos.close()
        card = await home.request("staging/payments", version=NEW)
        await home.card(card, "Submitted to Avisi Cloud")
        for _ in range(4):
            home.cloud.step()
        await home.card(card, "Done: the cluster now runs")

        await roos.command(CHANNEL, f"/schedule-upgrade production/payments {NEW}")
        await roos.modal("Schedule upgrade", containing=f"{waits}. It has run there since Mon 23 Nov")
        early = await errors(roos)
        home.clock.advance(7 * DAY)
        late = await errors(roos)
        await home.sem.message(CHANNEL, "payments: upgrade to", "production")

        assert untried == {"Version": f"{waits}, and no upgrade to it has succeeded there yet."}
        assert early["Version"].startswith(f"{waits}. It has run there since Mon 23 Nov")
        assert late == {}
