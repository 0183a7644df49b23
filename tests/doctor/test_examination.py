"""What doctor prints, and with which exit code it ends."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app import wired
from bot.doctor.examination import CHECKS, configured, examine_and_print
from bot.doctor.finding import State
from bot.doctor.round_trip import round_trip
from bot.doctor.slack_access import slack_access
from bot.policy.file import load_policy
from bot.sandbox.avisi.faults import Fault
from tests.doctor.conftest import Clinic

ROOT = Path(__file__).parents[2]


async def examined(clinic: Clinic, form: str) -> int:
    settings = clinic.settings()
    return await examine_and_print(settings, load_policy(settings.bot_policy_file, settings), *CHECKS, form=form)


async def test_a_healthy_bot_is_said_to_work(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    code = await examined(clinic, "text")

    printed = capsys.readouterr().out
    assert code == 0
    assert "The bot would work: nothing is wrong" in printed
    assert "every environment: 1 approval from S0PLATFORM, not the requester" in printed


async def test_each_line_that_is_wrong_is_followed_by_its_mend(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.changes["bot_channel"] = "C0GENERAL"

    code = await examined(clinic, "text")

    lines = capsys.readouterr().out.splitlines()
    at = lines.index("wrong    BOT_CHANNEL C0GENERAL: the bot is not in #general")
    assert lines[at + 1].strip().startswith("-> Type in #general: /invite")
    assert code == 1
    assert "The bot would not work: 1 wrong" in lines[-1]


async def test_what_was_copied_and_never_filled_in_is_named(clinic: Clinic) -> None:
    """The values of `.env.example` have the right shape, and no word of them is anybody's. `acme` may be."""
    shown = dict(re.findall(r"^#? ?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ACLOUD_PERSONAL_ACCESS_TOKEN", "BOT_CALENDAR_TOKEN")
    clinic.changes = {name.lower(): SecretStr(shown[name]) for name in names}
    clinic.changes["slack_signing_secret"] = (SecretStr("filled-in"), SecretStr(shown["SLACK_SIGNING_SECRET"]))
    clinic.changes |= {"bot_channel": shown["BOT_CHANNEL"], "bot_approvers": tuple(shown["BOT_APPROVERS"].split(","))}

    found = await clinic.examine(configured)

    untouched = {finding.about for finding in found if finding.state is State.WRONG}
    assert untouched == {*names, "SLACK_SIGNING_SECRET", "BOT_CHANNEL", "BOT_APPROVERS"}
    assert not any("every variable is valid" in finding.text for finding in found)


async def test_the_policy_file_that_is_deployed_has_to_be_filled_in_too(clinic: Clinic) -> None:
    clinic.policy = (ROOT / "deploy" / "helm" / "examples" / "policy.toml").read_text(encoding="utf-8")

    finding = await clinic.only(State.WRONG, configured)

    assert finding.about.startswith("BOT_POLICY_FILE ")


async def test_json_is_one_document_without_secrets(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.changes["acloud_personal_access_token"] = SecretStr("hunter2-hunter2")

    code = await examined(clinic, "json")

    printed = capsys.readouterr().out
    document = json.loads(printed)
    assert code == 1
    assert document["ok"] is False
    assert {"about", "state", "finding", "mend"} == set(document["findings"][0])
    assert [one["about"] for one in document["findings"] if one["state"] == "wrong"] == ["ACLOUD_PERSONAL_ACCESS_TOKEN"]
    for secret in ("hunter2", clinic.slack.app.bot_token, clinic.slack.app.app_token):
        assert secret not in printed


async def test_the_round_trip_ends_when_the_running_bot_has_stored_the_press(clinic: Clinic) -> None:
    """A person presses the button that doctor posted, and the bot that runs meanwhile stores it."""
    secret = SecretStr(clinic.slack.app.signing_secret)
    clinic.changes |= {
        "slack_app_token": None,
        "slack_signing_secret": (secret,),
        "bot_host": "127.0.0.1",
        "bot_port": 0,
    }
    settings = clinic.settings()
    bot = wired(settings, load_policy(None, settings))
    await bot.start()
    clinic.slack.deliver_over_http(f"http://127.0.0.1:{bot.port}/slack/events")

    examining = asyncio.create_task(clinic.examine(slack_access, round_trip))
    roos = clinic.slack.person("U0ROOS")
    message = await roos.message("C0UPGRADES", "Please press the button")
    await roos.press("C0UPGRADES", message.ts, "Press me")
    found = await examining

    await bot.stop()
    assert [finding.about for finding in found[-2:]] == ["BOT_CHANNEL C0UPGRADES"] * 2
    assert "press it in Slack within 120 s" in found[-2].text
    assert "was stored by the running bot" in found[-1].text


async def test_without_a_bot_that_stores_no_button_is_posted(clinic: Clinic) -> None:
    """Nobody is asked to press in vain, and no database appears."""
    finding = await clinic.only(State.WRONG, slack_access, round_trip)

    assert (finding.about, finding.text) == ("BOT_DATABASE_URL", "round trip: no bot runs with this database")
    assert clinic.slack.faults.calls["chat.postMessage"] == 0
    assert not (clinic.folder / "bot.db").exists()


async def test_what_was_not_looked_at_is_counted(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.cloud.faults.add(Fault(path="*/organisations/*/me", status=404, times=None))

    code = await examined(clinic, "text")

    assert code == 0
    assert capsys.readouterr().out.endswith("The bot would work: nothing is wrong, no warnings, 1 not looked at.\n")
