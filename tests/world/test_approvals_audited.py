"""`upgrade-bot audit` and `audit verify`, run as processes on what a real bot wrote."""

import asyncio
import csv
import io
import json
from pathlib import Path

import aiosqlite

from benchmarks.reliability.counting import file_of
from bot.sandbox.slack.people.looking import PATIENCE
from tests.world.approving import TWO, answered, events, reject, under
from tests.world.harness import Harness, start_process

WHOLE = "The audit trail is whole: nothing was changed, reordered or removed.\n"


async def audit(opened: Harness, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command of the audit; returns exit code, output and errors."""
    process = await start_process(
        "audit", *arguments, environment={"BOT_DATABASE_URL": opened.url, "COLUMNS": "250"}, folder=folder
    )
    out, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode or 0, out.decode(), errors.decode()


async def story(opened: Harness) -> None:
    """Refused, rejected; then approved by two and submitted."""
    first = await opened.request("staging/payments", reason="=cmd|' /C calc'!A0")
    await answered(opened.slack.person("U0GIJS"), first, "Approve")
    await answered(opened.sem, first, "Approve")
    await reject(opened.kim, first, "not today, please")
    await opened.card(first, "Rejected")
    second = await opened.request("production/orders")
    await answered(opened.sem, second, "Approve")
    await answered(opened.kim, second, "Approve")
    await opened.card(second, "Submitted to Avisi Cloud")


async def tamper(opened: Harness, statement: str) -> None:
    """Change the database behind the bot's back; the bot, in this loop, may hold its lock just now."""
    async with aiosqlite.connect(file_of(opened.url), timeout=60, isolation_level=None) as database:
        assert (await database.execute(statement)).rowcount > 0


async def cut_tail(opened: Harness, request: str) -> None:
    """Remove the last of four events, and the trace of it at the end of the chain."""
    there = f"WHERE request_id = '{request}'"
    third = f"(SELECT hash FROM audit_events {there} AND number = 3)"  # noqa: S608 - an id of ours
    await tamper(opened, f"DELETE FROM audit_events {there} AND number = 4")  # noqa: S608
    await tamper(opened, f"UPDATE audit_chains SET number = 3, hash = {third} {there}")  # noqa: S608


async def test_the_trail_of_a_run_is_listed_exported_verified_and_guarded(tmp_path: Path) -> None:
    """Who asked, voted and was refused, what was sent and answered; what is tampered with is found and named."""
    async with under(TWO, tmp_path) as home:
        await story(home)
        in_bot = await events(home)
        (_, table, _), (_, jsonl, _), (_, sheet, _) = await asyncio.gather(
            audit(home, tmp_path, "--cluster", "staging/payments"),
            audit(home, tmp_path, "--format", "jsonl"),
            audit(home, tmp_path, "--format", "csv", "--since", "2026-11-23T00:00:00Z"),
        )
        (tmp_path / "export.jsonl").write_text(jsonl, encoding="utf-8")
        lines = [json.loads(line) for line in jsonl.splitlines()]
        first, second = dict.fromkeys(event["request_id"] for event in lines)
        whole = await audit(home, tmp_path, "verify", "--expect", "export.jsonl")
        await cut_tail(home, first)
        cut_only = await audit(home, tmp_path, "verify")
        await tamper(home, f"UPDATE audit_events SET actor = 'U0ROOS' WHERE request_id = '{second}' AND number = 2")  # noqa: S608
        both = await audit(home, tmp_path, "verify", "--expect", "export.jsonl")

    assert lines[: len(in_bot)] == in_bot
    assert [(event["kind"], event["actor"]) for event in lines if event["request_id"] == first] == [
        ("upgrade requested", "U0ROOS"),
        ("press refused", "U0GIJS"),
        ("vote cast", "U0SEM"),
        ("request rejected", "U0KIM"),
    ]
    assert [event["kind"] for event in lines if event["request_id"] == second][:5] == [
        "upgrade requested",
        "vote cast",
        "vote cast",
        "submission sent",
        "upgrade submitted",
    ]
    judged = [event for event in lines if event["actor"]]
    assert all(event["facts"]["policy"]["required_approvals"] == 2 for event in judged)
    assert "not today, please" in table
    assert "Guests cannot use this bot." in table
    assert "production/orders" not in table
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert {row["hash"] for row in rows} >= {event["hash"] for event in in_bot}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert whole == (0, WHOLE, "")
    assert cut_only == (0, WHOLE, "")
    found = [
        f"Request {first}, event 4: is missing, but the earlier export has it.\n",
        f"Request {second}, event 2: was changed after it was written.\n",
    ]
    assert both == (1, "".join(sorted(found)), "")
