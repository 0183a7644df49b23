"""A whole quarter: what polls saw as newest is announced once, in the right place, and nothing else is."""

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.manifest import manifest
from bot.policy.file import load_policy
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.clock import SimulatedClock
from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.people.seen import Seen
from bot.sandbox.slack.seed import BOT_USER
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.settings import Settings
from tests.world.quarter import Quarter
from tests.world.quarter_oracle import CHANNELS, Oracle, Told

BEGIN = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)
DAYS = 91
POLICY = """
[defaults]
channel = "C0UPGRADES"
required_approvals = 0
on_call = ["S0ONCALL"]
[environments.production]
channel = "C0PROD"
freeze = [{ from = "2026-12-20", to = "2027-01-03", reason = "Holiday freeze" }]
[environments."globex/production"]
channel = "C0GENERAL"
freeze = []
[environments."globex/staging"]
channel = "C0GENERAL"
[environments."globex/development"]
channel = "C0GENERAL"
[environments."globex/test"]
channel = "C0GENERAL"
"""
HEADLINES = (
    (r"Upcoming: (?P<name>\S+) will be upgraded to ", "near"),
    (r"All clear: (?P<name>\S+) now runs ", "SUCCEEDED"),
    (r"(?P<name>\S+): the window of its upgrade has begun", "near"),
    (r"(?P<name>\S+): the window of its upgrade breaks a rule", "broke"),
    (r"(?P<name>\S+): upgrade to \S+ is waiting for its window", "REQUESTED"),
    (r"(?P<name>\S+): upgrade to \S+ is scheduled", "SCHEDULED"),
    (r"(?P<name>\S+): upgrade to \S+ has started", "IN_PROGRESS"),
    (r"(?P<name>\S+): upgrade to \S+ is done", "SUCCEEDED"),
    (r"(?P<name>\S+): upgrade to \S+ was superseded", "SUPERSEDED"),
    (r"(?P<name>\S+): upgrade to \S+ failed", "FAILED"),
    (r"(?P<name>\S+): upgrade to \S+ missed its window", "MISSED"),
    (r"(?P<name>\S+): upgrade to \S+ has the status PAUSED", "PAUSED"),
    (r"(?P<name>\S+): upgrade to \S+ (moved to|has lost its window)", "window moved"),
    (r"(?P<name>\S+): upgrade to \S+ is still running after its window", "overrunning"),
    (r"Statuses of (?P<name>\S+) cannot be read", "blind"),
    (r"Statuses of (?P<name>\S+) can be read again", "sees"),
)
COUNTED = {
    "submitted, waiting for its window": "REQUESTED",
    "scheduled": "SCHEDULED",
    "scheduled, contacts notified": "SCHEDULED_NOTIFIED",
    "running": "IN_PROGRESS",
    "done": "SUCCEEDED",
    "superseded": "SUPERSEDED",
    "paused": "PAUSED",
    "upcoming": "near",
    "window has begun": "near",
    "window moved": "window moved",
    "still running after its window": "overrunning",
}
TITLE = re.compile(r"^\*[🔵🟣🟢🔴🟠⚪] (?P<headline>[^*]+)\*", re.MULTILINE)
REMINDER = "Reminder: contacts have been notified."
FROZEN = re.compile(
    r"(?:Upgrades frozen|Freeze lifted|Freeze ended): .*^> (?P<reason>Freeze \d+)$", re.MULTILINE | re.DOTALL
)
LINE = re.compile(r"^\*(?P<kind>[^*:]+): (?P<count>\d+)\*\n(?P<names>.*)$", re.MULTILINE)


@pytest.mark.timeout(600)
async def test_over_a_quarter_everything_is_announced_once_where_it_belongs(tmp_path: Path) -> None:
    """60 clusters, two organisations, people, auto-upgrades, freezes, outages of both sides and restarts."""
    clock = SimulatedClock(BEGIN, 1)
    clock.pause()
    clock.jump(BEGIN)
    chance = random.Random(20261207)  # noqa: S311 - the same quarter each time
    app = InstalledApp.from_manifest(manifest(url="http://127.0.0.1"))
    async with SimulatedSlack(app=app, clock=clock) as slack, SimulatedCloud(clock, organisations=2) as cloud:
        slack.workspace.join("C0GENERAL", BOT_USER)
        _populate(cloud, chance)
        quarter = _quarter(slack, cloud, clock, chance, tmp_path)
        told = await _live(quarter)

    assert len([one for owner in cloud.world.organisations.values() for one in owner.clusters.values()]) == 61
    assert sum(sum(one.values()) for one in told.values()) > 150
    assert quarter.asked > 30
    assert quarter.oracle.seen.keys() >= {"SCHEDULED_NOTIFIED", "SUCCEEDED", "FAILED", "MISSED", "SUPERSEDED", "PAUSED"}


def _populate(cloud: SimulatedCloud, chance: random.Random) -> None:
    fleets = [*cloud.many_clusters(25, "acme"), *cloud.many_clusters(25, "globex")]
    for cluster in fleets:
        cluster.auto_upgrade = chance.random() < 0.5
    for cluster in chance.sample(fleets, 4):
        cloud.schedule_elsewhere(cluster.identity, "v1.31.6-u-ame.10") if cluster.version < "v1.31.6" else None


def _quarter(
    slack: SimulatedSlack, cloud: SimulatedCloud, clock: SimulatedClock, chance: random.Random, folder: Path
) -> Quarter:
    (folder / "policy.toml").write_text(POLICY)
    settings = Settings(
        slack_bot_token=SecretStr(slack.app.bot_token),
        slack_signing_secret=(SecretStr(slack.app.signing_secret),),
        slack_api_url=slack.api_url,
        acloud_personal_access_token=SecretStr(cloud.token),
        acloud_api_endpoint=cloud.url,
        acloud_organisation=("acme", "globex"),
        bot_policy_file=folder / "policy.toml",
        bot_database_url=SecretStr(f"sqlite+aiosqlite:///{folder / 'bot.db'}"),
    )
    policy = load_policy(settings.bot_policy_file, settings)
    return Quarter(
        slack=slack,
        cloud=cloud,
        clock=clock,
        settings=settings,
        policy=policy,
        oracle=Oracle(clock=clock),
        chance=chance,
    )


async def _live(quarter: Quarter) -> dict[str, Counter[Told]]:
    """Live through the quarter; what was told is compared with what was to be told after each step."""
    chance, everything = quarter.chance, {channel: Counter[Told]() for channel in CHANNELS}
    read = dict.fromkeys(CHANNELS, 0)
    await quarter.start()
    step, cloud_down, slack_down = 0, 0, 0
    while quarter.clock() < BEGIN + timedelta(days=DAYS):
        step += 1
        cloud_down, slack_down = cloud_down - 1, slack_down - 1
        if step % 97 == 0:
            await quarter.cloud.go_down(chance.choice(["refused", "reset"]))
            cloud_down = chance.randint(1, 4)
        elif cloud_down == 0:
            await quarter.cloud.come_back()
        if step % 71 == 0:
            quarter.slack.faults.down = True
            slack_down = chance.randint(1, 5)
        if step % 113 == 0 and slack_down < 0:
            await quarter.stop()
            quarter.clock.jump(quarter.clock() + timedelta(hours=chance.randint(5, 60)))
            await quarter.start()
        if step == 250:
            quarter.cloud.quirks.reschedule = "supersede"
        await _something_happens(quarter, step)
        await quarter.step(timedelta(minutes=chance.choice([50, 200, 400, 600])))
        if slack_down == 0:
            quarter.slack.faults.down = False
            await quarter.waits_are_over()
        if slack_down <= 0:
            _compare(quarter, read, everything)
    quarter.slack.faults.down = False
    await quarter.waits_are_over()
    _compare(quarter, read, everything)
    _freezes_ended_once(quarter)
    await quarter.stop()
    return everything


async def _something_happens(quarter: Quarter, step: int) -> None:
    chance = quarter.chance
    quarter.cloud.outcome(chance.choice(["succeed", "succeed", "fail", "miss", "supersede", "overrun"]))
    if step % 5 == 0 and not quarter.slack.faults.down and quarter.cloud.faults.down is None:
        await quarter.ask()
    if step % 31 == 0:
        await quarter.freeze()
    if step % 67 == 0:
        await quarter.lift()
    if step % 7 == 0:
        quarter.console()
    if step % 41 == 0:
        quarter.channel_moves()
    waiting = [one for one in quarter.cloud.upgrades if one.status in {"SCHEDULED", "SCHEDULED_NOTIFIED"}]
    if step % 13 == 0 and waiting:
        one = chance.choice(waiting)
        window = (quarter.clock() + timedelta(hours=30), quarter.clock() + timedelta(hours=33))
        quarter.cloud.move(one.identity, chance.choice([one.status, "PAUSED"]), window=window)
    if step % 29 == 0:
        for one in quarter.cloud.upgrades:
            quarter.cloud.move(one.identity, "SCHEDULED") if one.status == "PAUSED" else None


def _compare(quarter: Quarter, read: dict[str, int], everything: dict[str, Counter[Told]]) -> None:
    """Compare what each channel was told since the last time with what it was to be told."""
    for channel in CHANNELS:
        posted = quarter.slack.person("U0SEM").messages(channel) if channel != "C0GENERAL" else None
        messages = posted or quarter.slack.person("U0ROOS").messages(channel)
        told, hidden = Counter[Told](), Counter[str]()
        for message in messages[read[channel] :]:
            some, more = _read(message)
            told, hidden = told + some, hidden + more
        read[channel] = len(messages)
        expected, quarter.oracle.expected[channel] = quarter.oracle.expected[channel], Counter()
        everything[channel] += expected
        left = expected - told
        assert not told - expected, (quarter.clock(), channel, "nothing of this was to be told", told - expected)
        kinds = Counter(kind for (kind, _), count in left.items() for _ in range(count))
        assert kinds == hidden, (quarter.clock(), channel, "not told", left, hidden)


def _freezes_ended_once(quarter: Quarter) -> None:
    """Each freeze that is over says so once, in the thread of each of its messages."""
    said = Counter[tuple[str, bool]]()
    for channel in CHANNELS:
        reader = quarter.slack.person("U0ROOS" if channel == "C0GENERAL" else "U0SEM")
        for message in reader.messages(channel):
            if not (frozen := FROZEN.search(message.shown)):
                continue
            freeze = quarter.oracle.freezes[frozen["reason"]]
            over = freeze.until <= quarter.clock()
            words = "lifted by" if freeze.lifted else "ended by itself"
            told = [reply.shown for reply in reader.thread(channel, message.ts) if reply.ts != message.ts]
            assert [words in one for one in told] == [True] * over, (frozen["reason"], channel, freeze, told)
            said["over", over] += 1
            said["lifted", freeze.lifted] += 1
    assert said["over", True] > 5, said
    assert said["lifted", True] > 1, said


def _read(message: Seen) -> tuple[Counter[Told], Counter[str]]:
    """Return what a message tells, and of which kinds a digest counts more than it names."""
    if frozen := FROZEN.search(message.shown):
        return Counter([("frozen", frozen["reason"])]), Counter()
    told, hidden = Counter[Told](), Counter[str]()
    for title in TITLE.finditer(message.shown):
        kind, name = next(
            (kind, found["name"]) for words, kind in HEADLINES if (found := re.match(words, title["headline"]))
        )
        told["SCHEDULED_NOTIFIED" if kind == "near" and REMINDER in message.shown else kind, name] += 1
    for found in LINE.finditer(message.shown):
        kind = COUNTED[found["kind"].lower()]
        names = re.findall(r"(\S+/\S+) to ", found["names"]) or found["names"].split(", ")
        told.update((kind, name) for name in names)
        hidden[kind] += int(found["count"]) - len(names)
    return told, +hidden
