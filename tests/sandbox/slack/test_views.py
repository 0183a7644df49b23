import asyncio

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.simulated import SimulatedSlack
from tests.sandbox.slack.blocks import field, home, modal, option, section, select, text_input


def trigger(slack: SimulatedSlack, person: str = "U0ROOS") -> str:
    """Leave to open a view, as a press gives it."""
    return slack.state.triggers.issue(person)


async def test_a_modal_opens_for_the_person_of_the_trigger(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The answer is the view as kept, with its id and hash."""
    answer = await client.views_open(trigger_id=trigger(slack), view=modal(field("Reason", text_input())))

    shown = await slack.person("U0ROOS").modal("Form")
    assert shown.id == answer["view"]["id"] == answer["view"]["root_view_id"]
    assert shown.labels == ["Reason"]
    assert answer["view"]["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": None}}}
    assert slack.state.modals("U0SEM") == []


async def test_a_trigger_works_once(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The second use has its own error, and so has one that Slack never gave out."""
    used = trigger(slack)
    await client.views_open(trigger_id=used, view=modal(section()))

    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=used, view=modal(section()))
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="1.2.abc", view=modal(section()))


async def test_a_trigger_expires(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """It lives three seconds; here a twentieth of one."""
    assert slack.state.triggers.life == 3.0
    slack.state.triggers.life = 0.05
    late = trigger(slack)
    await asyncio.sleep(0.1)

    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=modal(section()))


async def test_a_wrong_view_says_what_is_wrong_and_keeps_the_trigger(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    """invalid_arguments with messages; too large has its own name."""
    unused = trigger(slack)
    with pytest.raises(SlackApiError, match="invalid_arguments") as refused:
        await client.views_open(trigger_id=unused, view=modal(section(""), title="x" * 25))
    with pytest.raises(SlackApiError, match="view_too_large"):
        await client.views_open(trigger_id=unused, view=modal(*[section("x" * 2600) for _ in range(99)]))

    assert len(refused.value.response["response_metadata"]["messages"]) == 2
    await client.views_open(trigger_id=unused, view=modal(section()))


async def test_three_modals_may_be_stacked(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """A fourth is refused; closing the top one shows the one below."""
    await client.views_open(trigger_id=trigger(slack), view=modal(section(), title="One"))
    await client.views_push(trigger_id=trigger(slack), view=modal(section(), title="Two"))
    top = await client.views_push(trigger_id=trigger(slack), view=modal(section(), title="Three"))

    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=trigger(slack), view=modal(section(), title="Four"))
    one, two, _ = slack.state.modals("U0ROOS")
    assert (top["view"]["root_view_id"], top["view"]["previous_view_id"]) == (one["id"], two["id"])
    roos = slack.person("U0ROOS")
    await roos.close()
    assert (await roos.modal()).title == "Two"


async def test_nothing_can_be_pushed_onto_no_modal(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """There must be one open."""
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_push(trigger_id=trigger(slack), view=modal(section()))


async def test_an_update_with_an_old_hash_is_a_conflict(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Whoever read the view before it changed may not overwrite it."""
    opened = (await client.views_open(trigger_id=trigger(slack), view=modal(section("one"))))["view"]
    updated = await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(section("two")))

    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(section("three")))

    assert updated["view"]["hash"] != opened["hash"]
    assert "two" in await slack.person("U0ROOS").modal()


async def test_a_closed_view_cannot_be_updated(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """It is not found any more, whatever name it had."""
    opened = await client.views_open(trigger_id=trigger(slack), view=modal(section(), external_id="mine"))
    await client.views_update(external_id="mine", view=modal(section(), external_id="mine"))
    await slack.person("U0ROOS").close()

    for name in ({"view_id": opened["view"]["id"]}, {"external_id": "mine"}):
        with pytest.raises(SlackApiError, match="not_found"):
            await client.views_update(**name, view=modal(section()))


async def test_an_external_id_is_taken_once(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Two open views can't share one."""
    await client.views_open(trigger_id=trigger(slack), view=modal(section(), external_id="mine"))

    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        await client.views_open(trigger_id=trigger(slack, "U0SEM"), view=modal(section(), external_id="mine"))


async def test_what_was_entered_stays_over_an_update(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """Same block id and action id keep their value, a new initial value included; another block id starts anew."""
    roos = slack.person("U0ROOS")
    opened = await client.views_open(
        trigger_id=trigger(slack), view=modal(field("Reason", text_input()), field("Version", select("1.31", "1.32")))
    )
    await roos.fill("Reason", "because")
    await roos.choose("Version", "1.31")

    await client.views_update(
        view_id=opened["view"]["id"],
        view=modal(
            field("Reason", text_input(initial_value="other")),
            field("Version", select("1.33", initial_option=option("1.33")), block_id="version-2"),
        ),
    )

    shown = await roos.modal()
    assert (shown.field("Reason").value, shown.field("Version").shown) == ("because", "1.33")


async def test_a_home_is_published_per_person(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """It keeps its id, and its hash guards it."""
    first = (await client.views_publish(user_id="U0ROOS", view=home(section("one"))))["view"]
    second = (await client.views_publish(user_id="U0ROOS", view=home(section("two")), hash=first["hash"]))["view"]

    assert first["id"] == second["id"]
    assert "two" in await slack.person("U0ROOS").home()
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id="U0ROOS", view=home(section("three")), hash=first["hash"])
    with pytest.raises(SlackApiError, match="user_not_found"):
        await client.views_publish(user_id="U0NOBODY", view=home(section("one")))
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_publish(user_id="U0ROOS", view=modal(section("one")))


async def test_no_home_without_the_home_tab(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    """The manifest has to switch it on."""
    slack.app.home_tab = False

    with pytest.raises(SlackApiError, match="not_enabled"):
        await client.views_publish(user_id="U0ROOS", view=home(section()))
