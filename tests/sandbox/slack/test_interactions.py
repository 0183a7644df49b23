from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.blockkit.formstate import REQUIRED
from bot.sandbox.slack.people.interactions import TROUBLE
from bot.sandbox.slack.people.seen import NotShownError
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.sandbox.slack.workspace import Channel
from tests.sandbox.slack.blocks import (
    Json,
    actions,
    button,
    field,
    home,
    modal,
    option,
    plain,
    section,
    select,
    text_input,
)
from tests.sandbox.slack.listening import ListeningApp

HERE = "C0UPGRADES"
TICKS = {"type": "checkboxes", "action_id": "ticks", "options": [option("Ignore maintenance windows", "yes")]}
MOMENT = {"type": "datetimepicker", "action_id": "at"}


async def opened(slack: SimulatedSlack, client: AsyncWebClient, view: Json) -> str:
    answer = await client.views_open(trigger_id=slack.state.triggers.issue("U0ROOS"), view=view)
    return str(answer["view"]["id"])


async def test_a_press_on_a_message_is_told_in_full(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Who, where, what, the whole message, and a response URL."""
    posted = await client.chat_postMessage(
        channel=HERE, text="Card", blocks=[actions(button("Approve", value="r1"), block_id="buttons")]
    )

    assert (await slack.person("U0SEM").press(HERE, str(posted["ts"]), "Approve")).ok

    payload = listening.last
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": "U0SEM", "username": "sem", "name": "sem", "team_id": "T0HARBOUR"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": HERE,
        "is_ephemeral": False,
    }
    assert payload["message"]["text"] == "Card"
    assert payload["channel"] == {"id": HERE, "name": "cluster-upgrades"}
    (action,) = payload["actions"]
    assert action.items() >= {"action_id": "approve", "block_id": "buttons", "type": "button", "value": "r1"}.items()
    assert {"trigger_id", "response_url", "api_app_id", "token", "team", "enterprise", "state"} <= payload.keys()


async def test_a_stranger_can_press_in_a_shared_channel(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Slack hinders nobody who sees the button; the payload tells where the person belongs."""
    posted = await client.chat_postMessage(channel="C0PARTNER", text="Card", blocks=[actions(button("Approve"))])

    await slack.person("U0VERA").press("C0PARTNER", str(posted["ts"]), "Approve")

    assert listening.last["user"]["team_id"] == "T0PARTNER"
    assert listening.last["team"]["id"] == "T0HARBOUR"


async def test_a_button_that_is_not_there_cannot_be_pressed(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """The failure says which there are, or that the message is out of sight."""
    posted = await client.chat_postMessage(channel="C0PROD", text="Card", blocks=[actions(button("Approve"))])

    with pytest.raises(NotShownError, match="Approve"):
        await slack.person("U0SEM").press("C0PROD", str(posted["ts"]), "Reject")
    with pytest.raises(NotShownError, match="sees no message"):
        await slack.person("U0VERA").press("C0PROD", str(posted["ts"]), "Approve")
    assert listening.heard == []


async def test_fields_tell_the_bot_only_when_they_are_set_to(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """An input block stays silent unless it dispatches; an actions block always speaks."""
    await opened(
        slack,
        client,
        modal(
            field("Cluster", select("a", "b"), dispatch_action=True),
            field("Version", select("1", "2")),
            actions(select("x", action_id="other", placeholder=plain("Other"))),
        ),
    )
    roos = slack.person("U0ROOS")

    await roos.choose("Version", "2")
    assert listening.heard == []

    await roos.choose("Cluster", "b")
    assert listening.last["actions"][0]["selected_option"]["value"] == "b"
    assert listening.last["view"]["state"]["values"]["version"]["pick"]["selected_option"]["value"] == "2"
    assert "response_url" not in listening.last

    await roos.choose("Other", "x")
    assert listening.last["actions"][0]["action_id"] == "other"


async def test_a_submission_carries_all_that_was_entered(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """By block id and action id, in Slack's forms; an empty answer closes the modal."""
    await opened(
        slack,
        client,
        modal(
            field("Reason", text_input()),
            field("Cluster", select("a", "b")),
            field("Start", MOMENT, optional=True),
            field("Options", TICKS, optional=True),
            private_metadata="draft-1",
        ),
    )
    roos, moment = slack.person("U0ROOS"), datetime(2026, 12, 5, 22, 0, tzinfo=UTC)
    await roos.fill("Reason", "because")
    await roos.choose("Cluster", "b")
    await roos.choose("Start", moment)
    await roos.check("Ignore maintenance windows")

    outcome = await roos.submit()

    assert (outcome.result, outcome.errors) == ("closed", {})
    view = listening.last["view"]
    assert (view["private_metadata"], view["callback_id"]) == ("draft-1", "form")
    assert view["state"]["values"] == {
        "reason": {"text": {"type": "plain_text_input", "value": "because"}},
        "cluster": {"pick": {"type": "static_select", "selected_option": _kept(option("b"))}},
        "start": {"at": {"type": "datetimepicker", "selected_date_time": int(moment.timestamp())}},
        "options": {
            "ticks": {"type": "checkboxes", "selected_options": [_kept(option("Ignore maintenance windows", "yes"))]}
        },
    }
    await roos.no_modal()


def _kept(one: Json) -> Json:
    return one | {"text": one["text"] | {"emoji": True}}


async def test_required_fields_are_missed_before_the_bot_hears_anything(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Slack's own client refuses, at the field."""
    await opened(slack, client, modal(field("Reason", text_input(max_length=5)), field("Cluster", select("a"))))
    roos = slack.person("U0ROOS")
    await roos.fill("Reason", "too long")

    outcome = await roos.submit()

    assert outcome.errors == {"Reason": "Please enter at most 5 characters.", "Cluster": REQUIRED}
    assert (await roos.modal()).errors == outcome.errors
    assert listening.heard == []


async def test_errors_of_the_bot_stand_at_their_fields(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """The modal stays open."""
    listening.answers = [{"response_action": "errors", "errors": {"reason": "Say more."}}]
    await opened(slack, client, modal(field("Reason", text_input())))
    roos = slack.person("U0ROOS")
    await roos.fill("Reason", "x")

    outcome = await roos.submit()

    assert (outcome.result, outcome.errors) == ("errors", {"Reason": "Say more."})
    assert (await roos.modal()).field("Reason").error == "Say more."


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"text": "an action id, not a block id"}},
        {"response_action": "errors", "errors": {"plain": "no input block"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "dance"},
        {"response_action": "update", "view": {"type": "modal", "blocks": []}},
        "plain words",
    ],
)
async def test_what_slack_cannot_use_is_trouble_connecting(
    slack: SimulatedSlack,
    client: AsyncWebClient,
    listening: ListeningApp,
    answer: Any,  # noqa: ANN401
) -> None:
    """The modal stays open with Slack's banner."""
    listening.answers = [answer]
    await opened(slack, client, modal(section("x", block_id="plain"), field("Reason", text_input(), optional=True)))

    outcome = await slack.person("U0ROOS").submit()

    assert (outcome.ok, outcome.error) == (False, TROUBLE)
    assert (await slack.person("U0ROOS").modal()).title == "Form"


async def test_a_late_answer_is_trouble_connecting(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Although the bot may have done its work."""
    slack.deliveries.patience, listening.delay = 0.1, 0.2
    await opened(slack, client, modal(field("Reason", text_input(), optional=True)))

    assert (await slack.person("U0ROOS").submit()).error == TROUBLE


async def test_an_answer_can_update_push_and_clear(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """In the answer to a submission only."""
    await opened(slack, client, modal(field("Reason", text_input(), optional=True), title="One"))
    roos = slack.person("U0ROOS")

    listening.answers = [{"response_action": "update", "view": modal(section(), title="Two")}]
    assert (await roos.submit()).result == "updated"
    assert (await roos.modal()).title == "Two"

    listening.answers = [{"response_action": "push", "view": modal(section(), title="Three")}]
    assert (await roos.submit()).result == "pushed"
    assert (await roos.modal("Three")).depth == 2

    listening.answers = [{"response_action": "clear"}]
    assert (await roos.submit()).result == "cleared"
    await roos.no_modal()


async def test_an_external_select_asks_while_typing(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """From min_query_length on; without it from three characters."""
    external = {"type": "external_select", "action_id": "find", "min_query_length": 2}
    await opened(slack, client, modal(field("Cluster", external)))
    listening.answers = [{"options": [option("acme-prod"), option("acme-test")]}]
    roos = slack.person("U0ROOS")

    assert await roos.search("Cluster", "a") == []
    assert listening.heard == []
    assert await roos.search("Cluster", "ac") == ["acme-prod", "acme-test"]
    assert (listening.last["type"], listening.last["value"]) == ("block_suggestion", "ac")

    assert (await roos.choose("Cluster", "acme-test")).field("Cluster").shown == "acme-test"


@pytest.mark.parametrize("answer", [{"options": [option("x" * 76)]}, {}, "words", {"options": [option("a")] * 101}])
async def test_a_wrong_options_answer_shows_nothing(
    slack: SimulatedSlack,
    client: AsyncWebClient,
    listening: ListeningApp,
    answer: Any,  # noqa: ANN401
) -> None:
    """The menu stays empty."""
    external = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    await opened(slack, client, modal(field("Cluster", external)))
    listening.answers = [answer]

    assert await slack.person("U0ROOS").search("Cluster", "") == []


async def test_options_need_their_url_in_http_mode(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """A manifest without message_menu_options_url never gets asked."""
    slack.app.options_url = False
    external = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    await opened(slack, client, modal(field("Cluster", external)))

    assert await slack.person("U0ROOS").search("Cluster", "") == []
    assert listening.heard == []


async def test_closing_is_told_only_on_request(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """With notify_on_close."""
    await opened(slack, client, modal(section()))
    await slack.person("U0ROOS").close()
    assert listening.heard == []

    await opened(slack, client, modal(section(), notify_on_close=True))
    await slack.person("U0ROOS").close()
    assert listening.last["type"] == "view_closed"


async def test_opening_the_home_is_an_event(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """With the view once there is one; a press in it has no response URL."""
    roos = slack.person("U0ROOS")
    await roos.open_home()
    assert listening.last["event"].items() >= {"type": "app_home_opened", "user": "U0ROOS", "tab": "home"}.items()
    assert "view" not in listening.last["event"]

    await client.views_publish(
        user_id="U0ROOS", view=home(section("first"), actions(button()), section("second"), actions(button(value="2")))
    )
    await roos.open_home()
    assert listening.last["event"]["view"]["type"] == "home"

    await roos.press_in_home("Approve", beside="second")
    assert listening.last["actions"][0]["value"] == "2"
    assert listening.last["container"]["type"] == "view"
    assert "response_url" not in listening.last


async def test_an_escaping_command_gets_ids(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """Mentions, channels and links take their escaped forms when the manifest says should_escape."""
    slack.app.commands = (type(slack.app.commands[0])(should_escape=True),)
    slack.workspace.add_channel(Channel(id="C0SECRET", name="secret", private=True))

    await slack.person("U0ROOS").command(HERE, "/schedule-upgrade @sem #production #secret https://a.test/x <b>")

    assert listening.last["text"] == "<@U0SEM> <#C0PROD|production> <#C0SECRET|> <https://a.test/x> &lt;b&gt;"


async def test_opening_the_messages_tab_is_the_same_event(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """The tab tells which of the two it was, and there is no view."""
    assert (await slack.person("U0ROOS").open_messages()).ok

    event = listening.last["event"]
    assert (event["type"], event["tab"], event["user"]) == ("app_home_opened", "messages", "U0ROOS")
    assert "view" not in event
    assert not (await slack.person("U0VERA").open_messages()).ok


async def test_an_overflow_menu_sends_the_option_that_was_chosen(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """In messages, modals and Homes; the options are listed apart from what is drawn."""
    menu = {"type": "overflow", "action_id": "more", "options": [option("Comment", "c"), option("Take back", "t")]}
    posted = await client.chat_postMessage(channel=HERE, text="Card", blocks=[actions(button(), menu)])
    sem = slack.person("U0SEM")
    card = await sem.message(HERE, "Card")

    await sem.choose_from_menu(HERE, str(posted["ts"]), "Take back")

    assert card.menu == ("Comment", "Take back")
    assert "Take back" not in card.shown
    (action,) = listening.last["actions"]
    assert (action["type"], action["action_id"]) == ("overflow", "more")
    assert action["selected_option"]["value"] == "t"
    with pytest.raises(NotShownError, match="Take back"):
        await sem.choose_from_menu(HERE, str(posted["ts"]), "Delete")

    await opened(slack, client, modal(section(accessory=menu)))
    await slack.person("U0ROOS").choose_from_menu_in_modal("Comment")
    assert listening.last["actions"][0]["selected_option"]["value"] == "c"
    await client.views_publish(user_id="U0SEM", view=home(section("orders", accessory=menu)))
    await sem.choose_from_menu_in_home("Take back", beside="orders")
    assert listening.last["view"]["type"] == "home"


async def test_a_confirmation_is_read_before_it_is_confirmed(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """A test reads the dialog's words; the bot hears of the press alone."""
    asked = {"title": plain("Approve?"), "text": plain("There is no way back"), "confirm": plain("Approve")}
    asks = button("Approve", confirm=asked | {"deny": plain("Cancel")})
    posted = await client.chat_postMessage(
        channel=HERE, text="Card", blocks=[actions(asks, button("Reject", action_id="no"))]
    )
    sem = slack.person("U0SEM")

    dialog = sem.confirmation(HERE, str(posted["ts"]), "Approve")

    assert dialog is not None
    assert (dialog.title, dialog.text, dialog.confirm, dialog.deny) == (
        "Approve?",
        "There is no way back",
        "Approve",
        "Cancel",
    )
    assert sem.confirmation(HERE, str(posted["ts"]), "Reject") is None
    assert listening.heard == []
    await sem.press(HERE, str(posted["ts"]), "Approve")
    assert listening.last["actions"][0]["action_id"] == "approve"


async def test_a_menu_for_several_holds_a_list_of_options(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Static and external; what was chosen before is replaced, and no more than max_selected_items are taken."""
    static = select("orders", "web", "mail") | {"type": "multi_static_select", "max_selected_items": 2}
    external = {"type": "multi_external_select", "action_id": "find", "min_query_length": 1}
    await opened(slack, client, modal(field("Wave 1", static), field("Wave 2", external)))
    roos = slack.person("U0ROOS")

    page = await roos.choose("Wave 1", ["orders", "mail"])
    assert page.field("Wave 1").shown == "orders, mail"
    page = await roos.choose("Wave 1", "web")
    assert page.field("Wave 1").shown == "web"
    with pytest.raises(NotShownError, match="does not take 3"):
        await roos.choose("Wave 1", ["orders", "web", "mail"])
    listening.answers = [{"options": [option("search"), option("shop")]}]
    await roos.choose("Wave 2", ["search", "shop"])
    listening.answers = []
    await roos.submit()

    values = listening.last["view"]["state"]["values"]
    assert values["wave 1"]["pick"] == {
        "type": "multi_static_select",
        "selected_options": [{"text": plain("web") | {"emoji": True}, "value": "web"}],
    }
    assert [one["value"] for one in values["wave 2"]["find"]["selected_options"]] == ["search", "shop"]


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("five", "Please enter a number."),
        ("1.5", "Please enter a whole number."),
        ("0", "Please enter a number that is at least 1."),
        ("51", "Please enter a number that is at most 50."),
    ],
)
async def test_a_number_input_takes_only_numbers_in_its_range(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp, typed: str, problem: str
) -> None:
    """Slack's own client checks it, and sends the number as text."""
    bounds = {"is_decimal_allowed": False, "min_value": "1", "max_value": "50", "initial_value": "5"}
    number = {"type": "number_input", "action_id": "number", **bounds}
    await opened(slack, client, modal(field("At once", number)))
    roos = slack.person("U0ROOS")

    await roos.fill("At once", typed)
    assert (await roos.submit()).errors == {"At once": problem}
    assert listening.heard == []

    await roos.fill("At once", "12")
    await roos.submit()
    assert listening.last["view"]["state"]["values"]["at once"]["number"] == {"type": "number_input", "value": "12"}


async def test_a_radio_button_is_chosen_by_its_text(
    slack: SimulatedSlack, client: AsyncWebClient, listening: ListeningApp
) -> None:
    """Its initial option holds until another is chosen; a dispatching one tells the bot."""
    both = [option("By itself", "auto"), option("Asks a person", "ask")]
    radio = {"type": "radio_buttons", "action_id": "next", "options": both, "initial_option": both[1]}
    await opened(slack, client, modal(field("Next wave", radio, dispatch_action=True)))
    roos = slack.person("U0ROOS")

    assert (await roos.modal("Form")).field("Next wave").shown == "Asks a person"
    assert (await roos.choose("Next wave", "By itself")).field("Next wave").shown == "By itself"

    assert listening.last["actions"][0]["selected_option"]["value"] == "auto"
