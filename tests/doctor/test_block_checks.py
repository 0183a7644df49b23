"""What Slack is asked about everything that the bot can make, and what doctor says of its refusals."""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

import bot
from bot.doctor import examples
from bot.doctor.block_checks import block_checks
from bot.doctor.examination import examine_and_print
from bot.doctor.finding import State
from bot.policy.file import load_policy
from bot.sandbox.slack.api.faults import Fault
from tests.doctor.conftest import Clinic

BOT = Path(bot.__file__).parent
MAKERS = {"message", "view", "View"}
SENTENCES = {"tell", "sentence"}
"""One sentence in one section, whatever it says."""
PUT_TOGETHER = {"listed"}
"""Needs a database; the example has the same lines."""


def makers() -> Iterator[tuple[str, int]]:
    """Yield file and first line of each function that makes a message or a view."""
    for path in [*(BOT / "notifications").glob("*.py"), *(BOT / "slack").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in SENTENCES | PUT_TOGETHER:
                called = {
                    ast.unparse(one.func).removeprefix("blocks.") for one in ast.walk(node) if isinstance(one, ast.Call)
                }
                if called & MAKERS:
                    yield str(path), node.lineno


def test_there_is_an_example_from_every_function_that_makes_a_message_or_a_view() -> None:
    """A new one needs an example: only then it is shown to Slack and held to its limits."""
    called = set()

    def note(frame: FrameType, what: str, _argument: object) -> None:
        if what == "call":
            called.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    sys.setprofile(note)
    try:
        made = [*examples.messages(), *examples.views()]
    finally:
        sys.setprofile(None)

    assert len(made) > 200
    assert set(makers()) - called == set()


async def test_slack_takes_everything_that_the_bot_can_make(clinic: Clinic) -> None:
    finding = await clinic.only(State.OK, block_checks)

    asked = clinic.slack.faults.calls["blocks.validate"]
    assert finding.text == f"Slack takes {asked} kinds of messages and views, all there are"
    assert asked > 200
    assert clinic.slack.faults.calls["chat.postMessage"] == 0


async def test_a_refusal_names_the_example_and_points_into_it(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its exit code is 1, and the report holds nothing of anybody's."""
    clinic.slack.state.unsupported_blocks.add("header")
    settings = clinic.settings()
    policy = load_policy(None, settings)

    code = await examine_and_print(settings, policy, block_checks, form="text")
    printed = capsys.readouterr().out
    await examine_and_print(settings, policy, block_checks, form="json")
    document = json.loads(capsys.readouterr().out)

    assert code == 1
    assert "wrong    home: Slack refuses it: unsupported type: header [json-pointer:/blocks/0/type]\n" in printed
    assert printed.endswith("\n3 wrong, no warnings.\n")
    assert [one["about"] for one in document["findings"]] == ["home", "home, empty", "home, long"]


@pytest.mark.parametrize("code", ["unknown_method", "invalid_auth"])
async def test_a_slack_that_does_not_answer_the_question_is_no_yes(clinic: Clinic, code: str) -> None:
    clinic.slack.faults.add("blocks.validate", Fault(error=code))

    finding = await clinic.only(State.WRONG, block_checks)

    assert f"({code})" in finding.text
    assert clinic.slack.faults.calls["blocks.validate"] == 1


async def test_a_slack_that_asks_for_patience_gets_it(clinic: Clinic) -> None:
    clinic.slack.faults.add("blocks.validate", Fault(retry_after=1))

    assert await clinic.only(State.OK, block_checks)
