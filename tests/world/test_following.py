"""Following upgrades with the whole bot: each status where it belongs, in words that claim no more than is known."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.reliability.counting import polled, settled
from bot.sandbox.slack.people.looking import PATIENCE
from bot.sandbox.slack.seed import BOT_USER
from tests.world.harness import CHANNEL, Harness, harness

OUTSIDE = "staging/orders"


async def baselined(home: Harness) -> None:
    """Wait until the first reading is done: what comes after is news."""
    await polled(home.url)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("MISSED", ("passed and it did not start", "Too busy", "rescheduled for the next window")),
        ("FAILED", ("failed", "Too busy", "may be partly upgraded")),
    ],
)
async def test_an_alert_says_what_happened_why_and_what_can_be_done(
    home: Harness, status: str, words: tuple[str, ...]
) -> None:
    """The alert is a new message with the API's reason; Reschedule opens the form filled in."""
    await home.approved("staging/payments")
    upgrade = home.cloud.upgrades[-1]

    home.cloud.move(upgrade.identity, status, reason="Too busy")
    alert = await home.sem.message(CHANNEL, *words)
    await home.roos.press(CHANNEL, alert.ts, "Reschedule")
    modal = await home.roos.modal("Schedule upgrade", containing="Version")

    assert "U0ROOS" in alert.mentions.users
    assert modal.field("Version").value
    assert modal.field("Start date and time").value


async def test_a_superseded_upgrade_says_no_more_than_is_known(home: Harness) -> None:
    """It may be another upgrade, a moved channel or a changed cluster: only the cloud's own reason tells."""
    card = await home.approved("staging/payments")
    upgrade = home.cloud.upgrades[-1]

    home.cloud.move(upgrade.identity, "SUPERSEDED", reason="The version of the update channel moved on")
    line = await home.sem.reply(CHANNEL, card.ts, "Superseded")

    assert "The version of the update channel moved on" in line
    assert "Another upgrade" not in line
    await home.roos.direct("superseded")


async def test_an_unknown_status_is_shown_as_it_is_and_breaks_nothing(home: Harness) -> None:
    """In thread and card, and what follows is followed."""
    card = await home.approved("staging/payments")
    upgrade = home.cloud.upgrades[-1]

    home.cloud.move(upgrade.identity, "PAUSED_<!channel>")
    line = await home.sem.reply(CHANNEL, card.ts, "a status that the bot does not know: PAUSED")
    home.cloud.move(upgrade.identity, "SUCCEEDED")
    await home.card(card, "Done: the cluster now runs")

    assert "<!channel>" not in str(line.raw)


async def test_what_happened_while_the_bot_was_down_is_told_once_as_it_is_now(sqlite_file: str) -> None:
    """Four moves while it was down: one alert, no late reminder."""
    async with harness(sqlite_file) as home:
        await home.open_bot()
        card = await home.approved("staging/payments")
        upgrade = home.cloud.upgrades[-1]
        await home.close_bot()

        for status in ("SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS", "FAILED"):
            home.cloud.move(upgrade.identity, status)
        await home.open_bot()
        await home.sem.message(CHANNEL, "staging/payments: upgrade to", "failed", without="*Version*")
        await home.card(card, "The upgrade failed")
        await home.sem.no_message(CHANNEL, "Upcoming")

        assert len([one for one in home.sem.messages(CHANNEL) if "No further attempt" in one]) == 1


async def test_what_stood_there_before_the_bot_is_its_baseline(sqlite_file: str) -> None:
    """The first reading posts nothing; the next move of the same upgrade is told as scheduled outside Slack."""
    async with harness(sqlite_file) as home:
        upgrade = home.cloud.schedule_elsewhere(OUTSIDE, "v1.32.3-u-ame.1")
        home.cloud.move(upgrade.identity, "SCHEDULED_NOTIFIED")
        await home.open_bot()
        await baselined(home)

        await home.sem.no_message(CHANNEL, OUTSIDE, within=1.0)
        home.cloud.move(upgrade.identity, "MISSED")
        alert = await home.sem.message(CHANNEL, "missed", OUTSIDE)

    assert "Scheduled outside Slack" in alert
    assert alert.buttons == ()


@pytest.mark.parametrize("watch", ["all", "requested"])
async def test_upgrades_scheduled_elsewhere_are_told_as_bot_watch_says(sqlite_file: str, watch: str) -> None:
    """All of them, or only those asked for here."""
    async with harness(sqlite_file, bot_watch=watch) as home:
        await home.open_bot()
        await baselined(home)

        upgrade = home.cloud.schedule_elsewhere(OUTSIDE, "v1.32.3-u-ame.1")
        home.cloud.move(upgrade.identity, "SCHEDULED_NOTIFIED")

        if watch == "all":
            await home.sem.message(CHANNEL, "Upcoming", OUTSIDE, "Scheduled outside Slack, without approval here")
        else:
            await home.sem.no_message(CHANNEL, OUTSIDE, within=2.5)


async def test_a_countdown_comes_once_and_moves_with_the_window(home: Harness) -> None:
    """One an hour before the window; when the window moves, one an hour before the new one."""
    await home.approved("staging/payments")
    upgrade = home.cloud.upgrades[-1]
    now = home.clock() + timedelta(hours=2)
    home.clock.jump(now)
    home.cloud.move(upgrade.identity, "SCHEDULED", window=(now + timedelta(minutes=55), now + timedelta(hours=3)))
    await home.sem.message(CHANNEL, "Upcoming: staging/payments will be upgraded")
    await home.sem.no_message(CHANNEL, "contacts have been notified.", "Upcoming", within=2)

    home.cloud.move(upgrade.identity, "SCHEDULED", window=(now + timedelta(hours=10), now + timedelta(hours=12)))
    await polled(home.url, times=2)
    await settled(home.url)
    once = begins(home)
    home.cloud.move(upgrade.identity, "SCHEDULED", window=(now + timedelta(minutes=58), now + timedelta(hours=12)))
    async with asyncio.timeout(PATIENCE):
        while begins(home) == once:  # noqa: ASYNC110 - looks at another server's state
            await asyncio.sleep(0.05)
    await polled(home.url, times=2)
    await settled(home.url)

    assert (once, begins(home)) == (1, 2)


def begins(home: Harness) -> int:
    """Count the countdowns in the channel."""
    return sum("Upcoming" in one for one in home.sem.messages(CHANNEL))


async def test_an_upgrade_that_runs_past_its_window_is_reported_once(home: Harness) -> None:
    """Still in progress when the window has ended."""
    await home.approved("staging/payments")
    upgrade = home.cloud.upgrades[-1]
    now = home.clock()

    window = (now - timedelta(hours=2), now - timedelta(minutes=1))
    home.cloud.outcome("overrun", identity=upgrade.identity)
    home.cloud.move(upgrade.identity, "IN_PROGRESS", window=window)
    alarm = await home.sem.message(CHANNEL, "staging/payments: upgrade to", "is still running after its window")
    await home.slack.quiet(seconds=1.5)

    assert len([one for one in home.sem.messages(CHANNEL) if "is still running after its window" in one]) == 1

    home.cloud.move(upgrade.identity, "SUCCEEDED")
    clear = await home.sem.message(CHANNEL, "All clear: staging/payments now runs")
    assert clear.raw["thread_ts"] == alarm.ts


async def test_an_upgrade_that_the_cloud_forgot_is_no_longer_reported_until_it_is_there_again(home: Harness) -> None:
    """Card, thread and requester are told; the list shows its status as soon as it has it again."""
    card = await home.approved("staging/payments")
    upgrade = home.cloud.forget(home.cloud.upgrades[-1].identity)
    await polled(home.url, times=2)

    home.clock.jump(home.clock() + timedelta(minutes=31))
    await home.card(card, "No longer reported", "Reschedule")
    await home.roos.direct("no longer reported")
    home.cloud.organisation().add(upgrade)
    home.cloud.move(upgrade.identity, "IN_PROGRESS")

    await home.card(card, "The upgrade is running", without="No longer reported")


async def test_a_channel_that_takes_no_messages_is_reported_and_holds_up_no_other(
    sqlite_file: str, tmp_path: Path
) -> None:
    """Whoever asked is told how to mend it; other channels hear theirs meanwhile."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[environments.production]\nchannel = "C0PROD"\n')
    async with harness(sqlite_file) as home:
        home.policy_file = policy
        await home.open_bot()
        await baselined(home)
        await home.approved("staging/payments")
        ours = home.cloud.upgrades[-1]
        home.slack.workspace.leave(CHANNEL, BOT_USER)

        home.cloud.move(ours.identity, "FAILED")
        other = home.cloud.schedule_elsewhere("production/orders", "v1.32.3-u-ame.1")
        home.cloud.move(other.identity, "SCHEDULED_NOTIFIED")

        await home.sem.message("C0PROD", "Upcoming", "production/orders")
        told = await home.roos.direct("cannot post in", "/invite")
        assert CHANNEL in told


async def test_without_a_list_outcomes_are_inferred_and_said_to_be(sqlite_file: str) -> None:
    """Countdown, then: the cluster runs the target, so it appears upgraded; the card says where that comes from."""
    async with harness(sqlite_file) as home:
        home.cloud.quirks.list_status = 404
        home.cloud.lifecycle.automatic = False
        await home.open_bot()
        card = await home.request("staging/payments")
        await home.sem.press(CHANNEL, card.ts, "Approve")
        await home.card(card, "gives no status")
        upgrade = home.cloud.upgrades[-1]
        assert upgrade.window_start
        assert upgrade.window_end

        home.clock.jump(upgrade.window_start - timedelta(minutes=55))
        await home.sem.message(CHANNEL, "Upcoming")
        home.cloud.cluster("staging/payments").version = upgrade.to_version
        home.clock.jump(upgrade.window_end + timedelta(minutes=31))

        await home.card(card, "ppears upgraded")


async def test_without_a_list_what_did_not_arrive_is_alerted(sqlite_file: str) -> None:
    """Not upgraded by the end of its window: told like a failure, worded as a conclusion."""
    async with harness(sqlite_file) as home:
        home.cloud.quirks.list_status = 404
        home.cloud.lifecycle.automatic = False
        await home.open_bot()
        card = await home.request("staging/payments")
        await home.sem.press(CHANNEL, card.ts, "Approve")
        await home.card(card, "gives no status")
        end = home.cloud.upgrades[-1].window_end
        assert end

        home.clock.jump(end + timedelta(minutes=31))
        words = ("was not done by the end of its window", "concluded from the version")
        alert = await home.sem.message(CHANNEL, *words)

    assert "concluded from the version" in alert
    assert "U0ROOS" in alert.mentions.users
    assert alert.buttons == ("Reschedule",)


async def test_an_upgrade_that_is_not_scheduled_for_a_day_is_said_once_and_that_it_goes_on(sqlite_file: str) -> None:
    """Over a restart: one message that mentions who asked, with Reschedule; then its all-clear in the channel."""
    async with harness(sqlite_file) as home:
        home.cloud.lifecycle.automatic = False
        await home.open_bot()
        await home.approved("staging/payments")
        upgrade = home.cloud.upgrades[-1]
        home.clock.jump(home.clock() + timedelta(hours=25))
        said = await home.sem.message(CHANNEL, "staging/payments", "still waits for Avisi Cloud to schedule it")
        await home.close_bot()
        home.clock.jump(home.clock() + timedelta(hours=25))
        await home.open_bot()
        await polled(home.url)
        home.cloud.move(upgrade.identity, "SCHEDULED")
        clear = await home.sem.message(CHANNEL, "staging/payments", "is scheduled")

        assert said.mentions.users == {"U0ROOS"}
        assert "Reschedule" in said.buttons
        assert "contacts" not in clear
        assert len([one for one in home.sem.messages(CHANNEL) if "still waits for Avisi Cloud" in one]) == 1
