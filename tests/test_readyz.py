"""The checks behind /readyz: each names what is wrong; only database, Slack and policy make the bot unready."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.readyz import ReadyChecks
from bot.runner.outage import Outage
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.server import findings
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity, TokenRefused
from bot.slack.web.members import People
from bot.store.errors import DatabaseUnavailable
from bot.store.storage import Storage
from bot.workflow.errors import LookUpRefused
from bot.workflow.policy_in_force import PolicyInForce
from bot.workflow.repositories import Feed
from tests import postgresql
from tests.builders import ACME, NOON, a_policy, a_rule, an_outbox_message
from tests.fakes import FakeClock, FakeCloud

UNREADY = {"database", "slack", "policy"}


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    async with SimulatedSlack() as one:
        yield one


@pytest.fixture
async def ready_checks(sqlite_url: str, slack: SimulatedSlack) -> AsyncIterator[ReadyChecks]:
    storage = Storage.open(sqlite_url)
    async with open_session() as session:
        client = web_client(token=slack.app.bot_token, base_url=slack.api_url, session=session)
        identity = Identity(client=client)
        await identity.learn()
        people = People(client=client, identity=identity, seconds=0)
        yield ReadyChecks(
            storage=storage,
            identity=identity,
            people=people,
            socket=None,
            cloud=FakeCloud(),
            outage=Outage(),
            in_force=PolicyInForce(a_policy(), begin=storage.begin, read=storage.read, real_time=FakeClock(NOON)),
            organisations=(ACME,),
            now=FakeClock(NOON),
        )
    await storage.close()


async def looked(ready_checks: ReadyChecks, name: str) -> tuple[bool, str]:
    """Return whether a check is well, and what it says."""
    finding = await ready_checks.checks()[name]()
    assert finding.vital is (name in UNREADY)
    return finding.well, finding.text


async def test_a_token_revoked_since_start_is_named_and_people_are_still_answered(
    ready_checks: ReadyChecks, slack: SimulatedSlack
) -> None:
    assert await looked(ready_checks, "slack_token") == (True, "auth.test succeeded")
    slack.app.revoked = True
    with pytest.raises(TokenRefused):
        await ready_checks.identity.learn()

    assert (await looked(ready_checks, "slack_token"))[0] is False
    assert await looked(ready_checks, "slack") == (True, "auth.test succeeded since start")


async def test_look_ups_that_slack_refuses_for_good_are_named(ready_checks: ReadyChecks, slack: SimulatedSlack) -> None:
    assert await looked(ready_checks, "people") == (True, "Slack refuses no look-up")
    scopes, slack.app.scopes = slack.app.scopes, ("chat:write", "commands", "users:read")
    with pytest.raises(LookUpRefused):
        await ready_checks.people.group("S0PLATFORM")

    well, said = await looked(ready_checks, "people")
    slack.app.scopes = scopes
    await ready_checks.people.group("S0PLATFORM")

    assert not well
    assert "usergroups.users.list: missing_scope" in said
    assert await looked(ready_checks, "people") == (True, "Slack refuses no look-up")


@pytest.mark.parametrize(
    ("ahead", "well", "said"),
    [(0, True, "0 s ahead of"), (3600, False, "3600 s behind"), (-7200, False, "7200 s ahead of")],
    ids=["as ours", "we are an hour behind", "we are two hours ahead"],
)
async def test_a_clock_that_jumped_is_held_against_the_cloud_s(
    ready_checks: ReadyChecks, ahead: int, *, well: bool, said: str
) -> None:
    cloud = ready_checks.cloud
    assert isinstance(cloud, FakeCloud)
    assert await looked(ready_checks, "clock") == (True, "the cloud has not told its time yet")
    cloud.time = NOON + timedelta(seconds=ahead)

    assert await looked(ready_checks, "clock") == (well, f"{said} the cloud's")


async def test_a_newer_policy_makes_it_unready_and_is_named(ready_checks: ReadyChecks) -> None:
    """It decides nothing, so nobody should count on it; with the same policy again it is well."""
    storage, ours = ready_checks.storage, ready_checks.in_force
    theirs = PolicyInForce(
        a_policy(a_rule(required_approvals=2)), begin=storage.begin, read=storage.read, real_time=FakeClock(NOON)
    )
    assert await looked(ready_checks, "policy") == (True, "no policy has been put in force yet")
    await ours.declare()
    before = await looked(ready_checks, "policy")
    await theirs.declare()
    await ours.read()

    assert before == (True, f"judges by the policy in force, generation 1 ({ours.digest[:12]})")
    well, said = await looked(ready_checks, "policy")
    assert not well
    assert said.startswith(
        f"judges nothing: its policy ({ours.digest[:12]}) is older than the one in force, generation 2"
    )


async def test_it_says_how_long_the_oldest_has_waited(ready_checks: ReadyChecks) -> None:
    assert await looked(ready_checks, "waiting") == (True, "nothing waits")
    async with ready_checks.storage.begin() as work:
        await work.outbox.put(an_outbox_message("one"), an_outbox_message("two"))
        await work.commit()

    well, said = await looked(ready_checks, "waiting")
    assert well
    assert re.fullmatch(r"2 waiting, the oldest for \d s", said)


async def test_it_says_when_something_was_last_written(ready_checks: ReadyChecks) -> None:
    assert await looked(ready_checks, "writes") == (True, "nothing was written yet")
    await ready_checks.storage.claims.claim("poll:acme")

    well, said = await looked(ready_checks, "writes")
    assert well
    assert re.fullmatch(r"last written \d s ago", said)


async def test_failed_writes_make_it_unready_after_ten_seconds(postgresql_url: str, ready_checks: ReadyChecks) -> None:
    """And ready again as soon as something can be stored, also when there is nothing to store."""
    now = 100.0
    outage, storage = Outage(clock=lambda: now), Storage.open(postgresql_url)
    checks = replace(ready_checks, storage=storage, outage=outage).checks()
    await postgresql.read_only(postgresql_url)
    with pytest.raises(DatabaseUnavailable) as failed:
        await storage.claims.claim("poll:acme")
    outage.failed("job.failed", failed.value, job="poll:acme")

    now += 9.9
    early = await checks["writes"]()
    now += 0.1
    late = await checks["writes"]()
    await postgresql.read_only(postgresql_url, off=True)
    again = await checks["writes"]()
    await storage.close()

    assert early.well
    assert (late.well, late.vital) == (False, True)
    assert "nothing could be stored for 10 s" in late.text
    assert "read-only" in late.private
    assert again.well
    assert outage.seconds == 0.0


async def test_it_names_what_slack_wants_to_be_left_alone_with(ready_checks: ReadyChecks) -> None:
    lease = await ready_checks.storage.claims.claim("card:1")
    assert lease is not None
    await ready_checks.storage.claims.next_slot("post:C0UPGRADES", lease, every=1.0, within=1.0)
    assert await looked(ready_checks, "rate_limits") == (True, "Slack asks for no pause")
    await ready_checks.storage.claims.hold("chat.update", seconds=30)

    well, said = await looked(ready_checks, "rate_limits")

    assert not well
    assert said.startswith("waits: chat.update for ")


async def test_whoever_reaches_the_port_learns_no_names(ready_checks: ReadyChecks) -> None:
    """Organisations, channels and what a driver said are for the log; that something is wrong is for everybody."""
    lease = await ready_checks.storage.claims.claim("card:1")
    assert lease is not None
    await ready_checks.storage.claims.next_slot("post:C0UPGRADES", lease, every=1.0, within=1.0)
    await ready_checks.storage.claims.hold("post:C0UPGRADES", seconds=30)
    async with ready_checks.storage.begin() as work:
        await work.feeds.save(Feed(organisation=ACME, error="acme: the token is refused"))
        await work.commit()

    found = await findings(ready_checks.checks())

    ill = {name: finding for name, finding in found.items() if not finding.well}
    assert {"rate_limits", "cloud", "catalog"} == set(ill)
    for name, word in {"rate_limits": "C0UPGRADES", "cloud": "acme: the token", "catalog": "acme"}.items():
        assert word in ill[name].private
        assert word not in str(found[name].as_json())
    assert "waits: post for " in found["rate_limits"].text


async def test_what_a_driver_said_is_for_the_log_only(ready_checks: ReadyChecks, tmp_path: Path) -> None:
    storage = Storage.open(f"sqlite+aiosqlite:///{tmp_path}/not/here/bot.db")
    found = (await findings(replace(ready_checks, storage=storage).checks()))["database"]
    await storage.close()

    assert found.as_json()["detail"] == "the database does not answer"
    assert found.private


async def test_a_database_that_takes_connections_and_says_nothing_is_named_in_time(ready_checks: ReadyChecks) -> None:
    """An orchestrator waits for no answer of a minute; what cannot be known is said to be unknown."""

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    silence = asyncio.Event()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        storage = Storage.open(f"postgresql+asyncpg://somebody@127.0.0.1:{port}/silent")
        found = await asyncio.wait_for(findings(replace(ready_checks, storage=storage).checks()), 30)
        silence.set()
        await storage.close()

    assert "does not answer" in found["database"].text
    assert {name for name, finding in found.items() if "unknown" in finding.text} == {
        "writes",
        "waiting",
        "rate_limits",
        "cloud",
        "catalog",
        "dead_letters",
    }
