"""What doctor says about the database, each thing broken on its own."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text, update

from bot.app import real_time
from bot.doctor.database import database
from bot.doctor.finding import State
from bot.domain.cluster import ClusterIdentity
from bot.domain.rollout import Plan, PlannedCluster, Rollout, RolloutId
from bot.policy.file import load_policy
from bot.store import migrating
from bot.store.storage import Storage
from bot.store.tables import RequestRow
from bot.store.transaction import transaction
from bot.workflow.inbox import NewEntry
from bot.workflow.outbox import Kind, OutboxMessage
from bot.workflow.policy_in_force import PolicyInForce
from tests import postgresql
from tests.builders import ACME, KIM, NEW, a_press, an_upgrade_request
from tests.doctor.conftest import Clinic

EVERY = migrating.known()


async def taken(clinic: Clinic) -> Storage:
    storage = Storage.open(clinic.settings().bot_database_url.get_secret_value())
    await storage.take()
    return storage


async def test_a_database_that_is_not_there_yet_is_right_and_stays_away(clinic: Clinic) -> None:
    (finding,) = await clinic.examine(database)

    assert finding.state is State.OK
    assert "not there yet" in finding.text
    assert not (clinic.folder / "bot.db").exists()


async def test_a_missing_folder_is_wrong(clinic: Clinic) -> None:
    clinic.changes["bot_database_url"] = SecretStr(f"sqlite+aiosqlite:///{clinic.folder}/none/bot.db")

    finding = await clinic.only(State.WRONG, database)

    assert finding.about == "BOT_DATABASE_URL"
    assert f"mkdir -p {clinic.folder}/none" in finding.fix


@pytest.mark.parametrize("kept", [False, True], ids=["no-file-yet", "a-file"])
async def test_what_may_not_be_written_is_wrong(clinic: Clinic, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    """Root may write everything, so the question alone is answered differently here."""
    path = clinic.folder / "bot.db" if kept else clinic.folder
    if kept:
        path.touch()
    monkeypatch.setattr("os.access", lambda *_: False)

    finding = await clinic.only(State.WRONG, database)

    assert finding.text == f"this user may not write {path}"
    assert "chown" in finding.fix


async def test_it_looks_beside_a_running_bot(clinic: Clinic) -> None:
    storage = await taken(clinic)

    found = await clinic.examine(database)

    await storage.close()
    assert {finding.state for finding in found} == {State.OK}
    assert f"its tables are at version {EVERY[-1]}, no migration is pending" in found[0].text


async def test_looking_changes_nothing(clinic: Clinic) -> None:
    """Not even a file beside the database."""
    await (await taken(clinic)).close()
    before = {path.name: path.read_bytes() for path in clinic.folder.iterdir()}

    await clinic.examine(database)

    assert {path.name: path.read_bytes() for path in clinic.folder.iterdir()} == before


async def test_pending_migrations_are_counted(clinic: Clinic) -> None:
    sqlite3.connect(clinic.folder / "bot.db").close()

    (finding,) = await clinic.examine(database)

    assert finding.state is State.OK
    assert f"{len(EVERY)} migrations pending ({', '.join(EVERY)}): `upgrade-bot run` applies" in finding.text


async def test_something_that_is_no_database_is_wrong(clinic: Clinic) -> None:
    (clinic.folder / "bot.db").write_bytes(b"this is no database at all, but long enough to be taken for one" * 20)

    finding = await clinic.only(State.WRONG, database)

    assert finding.about == "BOT_DATABASE_URL"


async def test_a_postgresql_that_is_not_there_is_wrong_and_its_password_stays_hidden(clinic: Clinic) -> None:
    clinic.changes["bot_database_url"] = SecretStr("postgresql+asyncpg://bot:hunter2@127.0.0.1:9/bot")

    finding = await clinic.only(State.WRONG, database)

    assert "hunter2" not in str(finding)


async def test_a_user_who_may_make_no_tables_is_wrong(clinic: Clinic, empty_postgresql_url: str, stranger: str) -> None:
    """What `run` would do first is tried, and undone."""
    clinic.changes["bot_database_url"] = SecretStr(empty_postgresql_url.replace("postgres@", f"{stranger}@"))

    finding = await clinic.only(State.WRONG, database)

    assert "permission denied for schema public" in finding.text
    assert "GRANT CREATE" in finding.fix


async def test_a_user_who_may_not_touch_the_tables_is_wrong(clinic: Clinic, postgresql_url: str, stranger: str) -> None:
    """They are counted, not listed."""
    owner = Storage.open(postgresql_url)
    async with owner.engines.write.begin() as granting:
        await granting.execute(text(f"GRANT SELECT ON alembic_version TO {stranger}"))
    await owner.close()
    clinic.changes["bot_database_url"] = SecretStr(postgresql_url.replace("postgres@", f"{stranger}@"))

    finding = await clinic.only(State.WRONG, database)

    assert "this user lacks the right to DELETE on alert_checks, " in finding.text
    assert " more" in finding.text
    assert "grant" in finding.fix


async def test_an_empty_postgresql_is_right_and_stays_empty(clinic: Clinic, empty_postgresql_url: str) -> None:
    clinic.changes["bot_database_url"] = SecretStr(empty_postgresql_url)

    found = await clinic.examine(database)
    again = await clinic.examine(database)

    assert [finding.state for finding in found] == [State.OK]
    assert "it has no tables yet" in found[0].text
    assert found == again


async def test_a_pooler_that_shares_sessions_is_wrong(
    clinic: Clinic, empty_postgresql_url: str, pooler_folder: Path
) -> None:
    with postgresql.pooled(empty_postgresql_url, mode="transaction", folder=pooler_folder) as url:
        clinic.changes["bot_database_url"] = SecretStr(url)

        finding = await clinic.only(State.WRONG, database)

    assert "pool_mode=transaction" in finding.text
    assert "pool_mode=session" in finding.fix


async def test_a_pooler_that_keeps_sessions_is_right(clinic: Clinic, postgresql_url: str, pooler_folder: Path) -> None:
    with postgresql.pooled(postgresql_url, mode="session", folder=pooler_folder) as url:
        clinic.changes["bot_database_url"] = SecretStr(url)

        found = await clinic.examine(database)

    assert {finding.state for finding in found} == {State.OK}


async def test_dead_letters_are_a_warning(clinic: Clinic) -> None:
    storage = await taken(clinic)
    async with storage.begin() as work:
        await work.outbox.put(OutboxMessage(queue="q", key="k", kind=Kind.CHANNEL, target="C0GONE"))
        (due,) = await work.outbox.due("q", limit=1)
        await work.outbox.dead_letter(due.number, error="channel_not_found")
        await work.commit()

    finding = await clinic.only(State.WARNING, database)

    await storage.close()
    assert "1 message given up" in finding.text
    assert "C0GONE" in finding.text


async def test_a_press_that_was_given_up_is_a_warning_too(clinic: Clinic) -> None:
    storage = await taken(clinic)
    async with storage.begin() as work:
        await work.inbox.put(NewEntry(entry=a_press(member=KIM), key="k", queue="q"))
        await work.inbox.dead_letter(1, error="Slack could not be asked (fatal_error).")
        await work.commit()

    finding = await clinic.only(State.WARNING, database)

    await storage.close()
    assert finding.text == (
        "1 press or form given up; the newest: ButtonPressed of U0KIM (Slack could not be asked (fatal_error).)"
    )


async def test_a_request_that_cannot_be_read_is_a_warning(clinic: Clinic) -> None:
    storage = await taken(clinic)
    async with storage.begin() as work:
        await work.requests.add(request := an_upgrade_request())
        await work.commit()
    async with transaction(storage.engines.write) as newer:
        await newer.run(update(RequestRow).values(body={"id": request.id}))
        await newer.commit()

    finding = await clinic.only(State.WARNING, database)

    await storage.close()
    assert finding.text.startswith(f"request {request.id} cannot be read by this version")


async def test_a_channel_that_refuses_messages_is_a_warning(clinic: Clinic) -> None:
    storage = await taken(clinic)
    async with storage.begin() as work:
        await work.destinations.note_broken("C0UPGRADES", error="not_in_channel", at=real_time())
        await work.commit()

    finding = await clinic.only(State.WARNING, database)

    await storage.close()
    assert "C0UPGRADES refuses messages since" in finding.text


async def test_a_policy_that_differs_from_the_one_in_force_is_a_warning(clinic: Clinic) -> None:
    """Doctor reads another file than the running bot did when it started."""
    storage = await taken(clinic)
    none_yet = await clinic.examine(database)
    settings = clinic.settings()
    policy = load_policy(None, settings)
    in_force = PolicyInForce(policy, begin=storage.begin, read=storage.read, real_time=real_time)
    await in_force.declare()
    same = await clinic.examine(database)
    clinic.changes["bot_required_approvals"] = 2

    finding = await clinic.only(State.WARNING, database)

    await storage.close()
    assert none_yet[-1].text == "no bot that uses this database has put a policy in force yet"
    assert same[-1].text.startswith("these rules are the ones in force (generation 1, since ")
    assert finding.about == "BOT_APPROVERS"
    assert "the rules here differ from the ones in force (generation 1" in finding.text


async def test_a_rollout_that_waits_for_more_than_a_day_is_named_with_those_it_waits_for(clinic: Clinic) -> None:
    storage = await taken(clinic)
    one = PlannedCluster(identity=ClusterIdentity("id-a"), environment="production", cluster="a")
    began = real_time() - timedelta(days=2)
    rollout = Rollout.of(
        Plan(organisation=ACME, name="Winter", version=NEW, waves=((one,),)),
        id=RolloutId("r1"),
        requester=KIM,
        channel="C0UPGRADES",
        time_to_vote=timedelta(days=4),
        at=began,
    )
    async with storage.begin() as work:
        await work.rollouts.add(rollout)
        await work.commit()

    found = await clinic.examine(database)

    await storage.close()
    (said,) = [one for one in found if "Winter" in one.text]
    assert said.state is State.WARNING
    assert "is asking since" in said.text
