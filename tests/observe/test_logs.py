"""Log lines: one per event, in both forms, with the reference and without secrets."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.observe.logs import set_up
from bot.observe.redaction import keep_secret
from bot.observe.reference import current_reference, new_reference, referenced


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave logging as it was for other tests."""
    root, ours = logging.getLogger(), logging.getLogger("bot")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_has_the_event_its_fields_and_the_reference() -> None:
    stream = io.StringIO()
    set_up(form="json", level="info", stream=stream)

    with referenced("ABC23456", delivery="D1"):
        structlog.get_logger("bot.slack").info("press_stored", request_id="R1")

    (line,) = lines(stream)
    assert line["event"] == "press_stored"
    assert line["level"] == "info"
    assert line["logger"] == "bot.slack"
    assert (line["reference"], line["delivery"], line["request_id"]) == ("ABC23456", "D1", "R1")
    assert str(line["timestamp"]).endswith("Z")


def test_what_our_parts_say_beside_the_name_is_written() -> None:
    """Every field that any of them passes by the standard library's `extra`."""
    stream = io.StringIO()
    set_up(form="json", level="info", stream=stream)
    passed = {
        name
        for path in (Path(__file__).parents[2] / "bot").rglob("*.py")
        for extra in re.findall(r"extra=\{(.*?)\}", path.read_text(encoding="utf-8"), re.DOTALL)
        for name in re.findall(r'"(\w+)":', extra)
    }

    logging.getLogger("bot.avisi").warning("cloud.list_cut", extra=dict.fromkeys(passed, "said"))

    assert passed
    assert passed <= lines(stream)[0].keys()


def test_libraries_log_in_the_same_form_and_with_the_same_reference() -> None:
    stream = io.StringIO()
    set_up(form="json", level="info", stream=stream)

    with referenced("ABC23456"):
        logging.getLogger("somebody").warning("lost %s", "one")

    (line,) = lines(stream)
    assert (line["event"], line["reference"]) == ("lost one", "ABC23456")


@pytest.mark.parametrize("library", ["slack_bolt.RequestVerification", "slack_sdk.web", "aiosqlite", "anything"])
def test_libraries_may_only_warn_however_much_is_asked_of_us(library: str) -> None:
    """Below a warning they write whole bodies, answers and rows."""
    stream = io.StringIO()
    set_up(form="json", level="debug", stream=stream)

    logging.getLogger(library).info("the whole row")
    logging.getLogger("bot.runner").debug("poll.done")

    assert [line["event"] for line in lines(stream)] == ["poll.done"]


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "said",
    [
        "using xoxb-1-2-hunter2",
        "using xapp-1-hunter2",
        "posting to https://hooks.slack.com/actions/T1/hunter2",
        "Authorization: Token hunter2hunter2",
        "Authorization: Bearer hunter2hunter2",
        "connecting to postgresql+asyncpg://bot:hunter2@db/bot",
        "wss://wss-primary.slack.com/link/?ticket=hunter2",
    ],
)
def test_what_looks_like_a_secret_never_reaches_the_log(form: str, said: str) -> None:
    stream = io.StringIO()
    set_up(form="json" if form == "json" else "console", level="info", stream=stream)
    log = structlog.get_logger("bot.test")

    log.info("said", text=said, nested={"deep": [said]})
    log.info(said)
    logging.getLogger("library").warning("%s", said)
    log.error("failed", exc_info=ValueError(said))

    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("[hidden]") >= 4


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_others_wrote_does_not_steer_the_terminal_of_who_reads_the_log(form: str) -> None:
    stream = io.StringIO()
    set_up(form="json" if form == "json" else "console", level="info", stream=stream)

    structlog.get_logger("bot.test").info("said", text="\x1b]0;owned\x07 \x9b31m \u202e", nested={"deep": ["\x1b[2J"]})

    assert not set("\x1b\x07\x9b\u202e") & set(stream.getvalue())
    assert "x1b]0;owned" in stream.getvalue()


def test_a_secret_that_looks_like_nothing_is_hidden_once_it_is_known() -> None:
    """Whatever a token looks like, the settings know it."""
    stream = io.StringIO()
    set_up(form="json", level="info", stream=stream)
    keep_secret("correct horse battery staple")

    structlog.get_logger("bot.test").info("said", text="it is correct horse battery staple, is it not")

    assert "battery" not in stream.getvalue()


def test_a_field_named_after_a_secret_is_hidden_whatever_it_holds() -> None:
    stream = io.StringIO()
    set_up(form="json", level="info", stream=stream)

    structlog.get_logger("bot.test").info("pressed", response_url="http://127.0.0.1/hunter2", bot_token="hunter2")

    assert "hunter2" not in stream.getvalue()


def test_the_level_decides_what_is_written() -> None:
    stream = io.StringIO()
    set_up(form="json", level="warning", stream=stream)

    structlog.get_logger("bot.test").info("quiet")
    structlog.get_logger("bot.test").warning("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_no_form_means_json_where_nobody_looks() -> None:
    stream = io.StringIO()
    set_up(form=None, level="info", stream=stream)

    structlog.get_logger("bot.test").info("seen")

    assert lines(stream)[0]["event"] == "seen"


def test_a_reference_is_short_unlike_others_and_only_in_force_inside() -> None:
    with referenced() as reference:
        assert current_reference() == reference

    assert current_reference() == ""
    assert len(reference) == 8
    assert len({new_reference() for _ in range(500)}) == 500
