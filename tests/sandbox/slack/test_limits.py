from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.blockkit.limits import check_blocks, check_options_answer, check_view, too_large
from tests.sandbox.slack.blocks import (
    Json,
    actions,
    button,
    field,
    home,
    modal,
    mrkdwn,
    option,
    plain,
    section,
    select,
    text_input,
)

CONFIRM = {"title": plain("Sure?"), "text": mrkdwn("Really"), "confirm": plain("Yes"), "deny": plain("No")}


def many(number: int) -> list[str]:
    return [f"option {index}" for index in range(number)]


def groups(number: int, size: int) -> list[Json]:
    return [{"label": plain(f"group {n}"), "options": [option(f"{n}/{m}") for m in range(size)]} for n in range(number)]


def checkboxes(number: int, **more: object) -> Json:
    return {"type": "checkboxes", "action_id": "ticks", "options": [option(name) for name in many(number)], **more}


def grouped(*option_groups: Json, **more: object) -> Json:
    return {"type": "static_select", "action_id": "pick", "option_groups": list(option_groups), **more}


MOMENT = {"type": "datetimepicker", "action_id": "at"}
NUMBER = {"type": "number_input", "action_id": "number", "is_decimal_allowed": False}
EXTERNAL = {"type": "external_select", "action_id": "find", "min_query_length": 0}

GOOD_MESSAGES: dict[str, list[Json]] = {
    "50 blocks": [section() for _ in range(50)],
    "3000 characters": [section("x" * 3000)],
    "10 fields of 2000": [{"type": "section", "fields": [mrkdwn("x" * 2000)] * 10}],
    "header of 150": [{"type": "header", "text": plain("x" * 150)}],
    "25 buttons": [actions(*[button(action_id=str(n)) for n in range(25)])],
    "a button at its limits": [actions(button("x" * 75, value="v" * 2000, style="danger", confirm=CONFIRM))],
    "context of 10": [{"type": "context", "elements": [mrkdwn("x")] * 10}],
    "100 options": [section(accessory=select(*many(100)))],
    "100 groups of 100": [actions(grouped(*groups(100, 100)))],
    "an initial option that is one": [actions(select("a", "b", initial_option=option("a")))],
    "a value of 150": [actions({"type": "static_select", "options": [option("a", "v" * 150)]})],
    "divider and image": [{"type": "divider"}, {"type": "image", "image_url": "https://a.test/b", "alt_text": "B"}],
    "a date and time": [actions({**MOMENT, "initial_date_time": 1_800_000_000})],
    "five in an overflow": [actions({"type": "overflow", "options": [option(name) for name in many(5)]})],
    "rich text": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}],
}

BAD_MESSAGES: dict[str, list[Any]] = {
    "51 blocks": [section() for _ in range(51)],
    "an alert in a message": [{"type": "alert", "text": plain("x")}],
    "a block of unknown type": [{"type": "carousel"}],
    "no block at all": [None],
    "3001 characters": [section("x" * 3001)],
    "an empty text": [section("")],
    "text and fields missing": [{"type": "section"}],
    "11 fields": [{"type": "section", "fields": [mrkdwn("x")] * 11}],
    "a field of 2001": [{"type": "section", "fields": [mrkdwn("x" * 2001)]}],
    "an unknown property": [section(colour="red")],
    "a header of 151": [{"type": "header", "text": plain("x" * 151)}],
    "a header in mrkdwn": [{"type": "header", "text": mrkdwn("x")}],
    "two blocks with one id": [section(block_id="a"), section(block_id="a")],
    "a block id of 256": [section(block_id="x" * 256)],
    "two elements with one id": [actions(button(), button())],
    "26 buttons": [actions(*[button(action_id=str(n)) for n in range(26)])],
    "no element": [actions()],
    "context of 11": [{"type": "context", "elements": [mrkdwn("x")] * 11}],
    "an empty context text": [{"type": "context", "elements": [mrkdwn("")]}],
    "a button text of 76": [actions(button("x" * 76))],
    "a button in mrkdwn": [actions({"type": "button", "action_id": "a", "text": mrkdwn("x")})],
    "a button value of 2001": [actions(button(value="v" * 2001))],
    "a button value that is no string": [actions(button(value=1))],
    "a button of unknown style": [actions(button(style="default"))],
    "an action id of 256": [actions(button(action_id="a" * 256))],
    "a confirmation title of 101": [actions(button(confirm=CONFIRM | {"title": plain("x" * 101)}))],
    "a confirmation text of 301": [actions(button(confirm=CONFIRM | {"text": plain("x" * 301)}))],
    "a confirmation button of 31": [actions(button(confirm=CONFIRM | {"deny": plain("x" * 31)}))],
    "a confirmation without text": [actions(button(confirm={"title": plain("x")}))],
    "an unknown element": [actions({"type": "slider", "action_id": "a"})],
    "a text input among actions": [actions(text_input())],
    "a date and time as accessory": [section(accessory=MOMENT)],
    "no options": [actions(select())],
    "101 options": [actions(select(*many(101)))],
    "options and groups": [actions(grouped(*groups(1, 1), options=[option("a")]))],
    "101 groups": [actions(grouped(*groups(101, 1)))],
    "a group without options": [actions(grouped({"label": plain("a"), "options": []}))],
    "a group label of 76": [actions(grouped({"label": plain("x" * 76), "options": [option("a")]}))],
    "an option text of 76": [actions(select("x" * 76))],
    "an empty option": [actions({"type": "static_select", "options": [{"text": plain(""), "value": "a"}]})],
    "an option value of 151": [actions({"type": "static_select", "options": [option("a", "v" * 151)]})],
    "an option description of 76": [
        actions({"type": "static_select", "options": [option("a") | {"description": plain("x" * 76)}]})
    ],
    "two options of one value": [actions(select("a", "b", options=[option("a", "x"), option("b", "x")]))],
    "one value in two groups": [actions(grouped(*groups(1, 1), *groups(1, 1)))],
    "an initial option that is none": [actions(select("a", initial_option=option("b")))],
    "an initial option with another text": [actions(select("a", initial_option=option("A", "a")))],
    "options on an external select": [actions({**EXTERNAL, "options": [option("a")]})],
    "11 checkboxes": [actions(checkboxes(11))],
    "11 radio buttons": [actions({**checkboxes(11), "type": "radio_buttons"})],
    "6 in an overflow": [actions({"type": "overflow", "options": [option(name) for name in many(6)]})],
    "no initial options": [actions(checkboxes(2, initial_options=[]))],
    "a placeholder of 151": [actions(select("a", placeholder=plain("x" * 151)))],
    "milliseconds": [actions({**MOMENT, "initial_date_time": 1_800_000_000_000})],
    "an image without alt text": [{"type": "image", "image_url": "https://a.test/b"}],
    "12001 characters of markdown": [
        {"type": "markdown", "text": "x" * 7000},
        {"type": "markdown", "text": "x" * 5001},
    ],
    "101 table rows": [{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 101}],
}

GOOD_VIEWS: dict[str, Json] = {
    "a modal at its limits": modal(
        *[section() for _ in range(100)], title="x" * 24, private_metadata="m" * 3000, callback_id="c" * 255
    ),
    "a modal without inputs needs no submit": {"type": "modal", "title": plain("A"), "blocks": [section()]},
    "fields of all kinds": modal(
        field("A", text_input(multiline=True, max_length=500, initial_value="x"), optional=True, hint=plain("h")),
        field("B", EXTERNAL, dispatch_action=True),
        field("C", MOMENT),
        field("D", checkboxes(10)),
        field("E", {**checkboxes(10), "type": "radio_buttons", "initial_option": option("option 3")}),
        field("F", {**NUMBER, "initial_value": "5", "min_value": "1", "max_value": "50"}),
        field("G", {**grouped(*groups(2, 2)), "type": "multi_static_select", "max_selected_items": 1}),
        field("H", {**EXTERNAL, "type": "multi_external_select", "initial_options": [option("a")]}),
    ),
    "10,000 options for several": modal(field("A", {**grouped(*groups(100, 100)), "type": "multi_static_select"})),
    "an alert at its limit": modal({"type": "alert", "text": mrkdwn("x" * 200), "level": "warning"}),
    "a home of 100": home(*[section() for _ in range(100)]),
}

BAD_VIEWS: dict[str, Any] = {
    "nothing": None,
    "a view of unknown type": {"type": "sheet", "blocks": []},
    "101 blocks": modal(*[section() for _ in range(101)]),
    "a title of 25": modal(section(), title="x" * 25),
    "no title": {"type": "modal", "blocks": [section()]},
    "a title in mrkdwn": modal(section()) | {"title": mrkdwn("A")},
    "a submit label of 25": modal(section(), submit=plain("x" * 25)),
    "a close label of 25": modal(section(), close=plain("x" * 25)),
    "inputs without submit": {"type": "modal", "title": plain("A"), "blocks": [field("A", text_input())]},
    "private metadata of 3001": modal(section(), private_metadata="m" * 3001),
    "a callback id of 256": modal(section(), callback_id="c" * 256),
    "an external id of 256": modal(section(), external_id="e" * 256),
    "an unknown property": modal(section(), color="red"),
    "two fields with one id": modal(field("A", text_input()), field("A", text_input())),
    "an input without label": modal({"type": "input", "element": text_input()}),
    "a label of 2001": modal(field("A", text_input()) | {"label": plain("x" * 2001)}),
    "a label in mrkdwn": modal(field("A", text_input()) | {"label": mrkdwn("x")}),
    "a hint of 2001": modal(field("A", text_input(), hint=plain("x" * 2001))),
    "a button as input": modal(field("A", button())),
    "max_length of 3001": modal(field("A", text_input(max_length=3001))),
    "min above max": modal(field("A", text_input(min_length=5, max_length=4))),
    "a number input that does not say whether decimals are allowed": modal(field("A", {"type": "number_input"})),
    "a number that is no string": modal(field("A", {**NUMBER, "min_value": 1})),
    "a number that is a word": modal(field("A", {**NUMBER, "initial_value": "five"})),
    "max_selected_items of 0": modal(field("A", select("a", max_selected_items=0) | {"type": "multi_static_select"})),
    "a dispatch config without triggers": modal(field("A", text_input(dispatch_action_config={}))),
    "two focused": modal(field("A", text_input(focus_on_load=True)), field("B", text_input(focus_on_load=True))),
    "markdown in a modal": modal({"type": "markdown", "text": "a"}),
    "an alert of 201": modal({"type": "alert", "text": plain("x" * 201)}),
    "an alert of unknown level": modal({"type": "alert", "text": plain("x"), "level": "danger"}),
    "an alert with a button": modal({"type": "alert", "text": plain("x"), "accessory": button()}),
    "an alert in a home": home({"type": "alert", "text": plain("x")}),
    "a home with a title": home(section(), title=plain("A")),
    "optional that is no boolean": modal(field("A", text_input(), optional="yes")),
}


@pytest.mark.parametrize("name", GOOD_MESSAGES)
def test_messages_at_the_limit_pass(name: str) -> None:
    """What Slack allows is allowed."""
    assert check_blocks(GOOD_MESSAGES[name]) == []


@pytest.mark.parametrize("name", BAD_MESSAGES)
async def test_messages_over_the_limit_are_refused(client: AsyncWebClient, name: str) -> None:
    """The answer points at what is wrong."""
    with pytest.raises(SlackApiError, match="invalid_blocks") as refused:
        await client.chat_postMessage(channel="C0UPGRADES", text="Hello", blocks=BAD_MESSAGES[name])

    problems = refused.value.response["response_metadata"]["messages"]
    assert all(problem.startswith("[ERROR] ") and "[json-pointer:/blocks" in problem for problem in problems)


@pytest.mark.parametrize("name", GOOD_VIEWS)
def test_views_at_the_limit_pass(name: str) -> None:
    """What Slack allows is allowed."""
    assert check_view(GOOD_VIEWS[name]) == []


@pytest.mark.parametrize("name", BAD_VIEWS)
def test_views_over_the_limit_are_refused(name: str) -> None:
    """Each of them has at least one problem, with a place."""
    problems = check_view(BAD_VIEWS[name])

    assert problems
    assert all("[json-pointer:/view" in problem for problem in problems)


def test_a_view_may_have_250_kilobytes() -> None:
    """More is too large, counted in bytes."""
    fits = modal(*[section("x" * 2400) for _ in range(99)])

    assert not too_large(fits)
    assert too_large(modal(*[section("é" * 2400) for _ in range(99)]))


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        ({"options": []}, True),
        ({"options": [option(name) for name in many(100)]}, True),
        ({"option_groups": groups(2, 2)}, True),
        ({"options": [option(name) for name in many(101)]}, False),
        ({"options": [option("a")] * 2}, False),
        ({"options": [option("x" * 76)]}, False),
        ({}, False),
        ({"options": [option("a")], "option_groups": groups(1, 1)}, False),
        ([], False),
    ],
)
def test_an_options_load_has_limits_too(answer: Any, good: bool) -> None:  # noqa: ANN401, FBT001
    """100 options, or groups; none at all is fine."""
    assert (check_options_answer(answer) == []) is good
