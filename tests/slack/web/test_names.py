"""Names beside IDs in exports: asked for once each, and a Slack that does not answer is said to."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from bot.audit_output import COLUMNS
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.slack.web.names import slack_names
from bot.store.storage import Storage
from tests.builders import a_fact

ROOT = Path(__file__).parents[3]


async def test_people_groups_and_channels_have_names() -> None:
    async with (
        SimulatedSlack() as slack,
        slack_names(token=slack.app.bot_token, base_url=slack.api_url) as names,
    ):
        for _ in range(2):
            assert await names.of("U0ROOS") == "Roos de Vries"
            assert await names.of("S0PLATFORM") == "@platform"
            assert await names.of("C0UPGRADES") == "#cluster-upgrades"
            assert [await names.of(one) for one in ("U0NOBODY", "S0NOTHING", "C0NOWHERE")] == [None] * 3
        assert slack.faults.calls["users.info"] == 2
        assert slack.faults.calls["usergroups.list"] == 1
        assert slack.faults.calls["conversations.info"] == 2


@pytest.mark.parametrize("fault", [Fault(error="missing_scope"), Fault(drop=True), Fault(status=500)])
async def test_a_slack_that_does_not_tell_is_no_missing_name(fault: Fault) -> None:
    async with (
        SimulatedSlack() as slack,
        slack_names(token=slack.app.bot_token, base_url=slack.api_url) as names,
    ):
        slack.faults.add("users.info", fault, times=None)

        with pytest.raises(ConnectionError, match="Names cannot be looked up"):
            await names.of("U0ROOS")


async def exported(slack: SimulatedSlack, url: str, folder: Path, *words: str) -> tuple[int, str, str]:
    """Run `audit` as an operator does."""
    environment = {
        "PATH": os.defpath, "PYTHONPATH": str(ROOT), "BOT_DATABASE_URL": url, "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.app.bot_token, "SLACK_APP_TOKEN": slack.app.app_token, "ACLOUD_ORGANISATION": "acme",
        "ACLOUD_PERSONAL_ACCESS_TOKEN": "x",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "audit", *words,
        env=environment, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


async def test_an_export_with_names_still_holds_what_was_hashed(sqlite_url: str, tmp_path: Path) -> None:
    """JSON Lines get the names beside; tables and CSV have them before the IDs."""
    storage = Storage.open(sqlite_url)
    await storage.take()
    async with storage.begin() as work:
        facts = {"approvers": ["S0PLATFORM", "U0GONE"], "said": "SUCCEEDED"}
        await work.audit.append(a_fact(actor="U0SEM", facts=facts))
        await work.commit()
    await storage.close()
    async with SimulatedSlack() as slack:
        name = "Sem Bakker"
        lines = [await exported(slack, sqlite_url, tmp_path, "--format", "jsonl", *more) for more in ([], ["--names"])]
        plain, named = (json.loads(out) for _, out, _ in lines)
        _, table, _ = await exported(slack, sqlite_url, tmp_path, "--names")
        _, written, _ = await exported(slack, sqlite_url, tmp_path, "--names", "--format", "csv")
        slack.faults.down = True
        failed = await exported(slack, sqlite_url, tmp_path, "--names")

    assert named.pop("names") == {"U0SEM": name, "S0PLATFORM": "@platform"}
    assert named == plain
    assert f"{name} (U0SEM)" in table
    assert "@platform (S0PLATFORM)" in table
    assert written.splitlines()[0] == ",".join(COLUMNS)
    assert f"{name} (U0SEM)" in written
    assert (failed[0], failed[1]) == (1, "")
    assert failed[2].startswith("Names cannot be looked up. ")
