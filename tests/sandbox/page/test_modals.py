"""Modals: fields, errors, what is kept over an update, the stack, and the keyboard."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.sandbox.page.conftest import Site
from tests.sandbox.page.toy_app import Payload, button, field, modal, mrkdwn, option, plain

pytestmark = pytest.mark.asyncio(loop_scope="session")
CLUSTERS = [f"cluster-{number:03}" for number in range(150)]


async def opened(site: Site, page: Page, view: Payload) -> Locator:
    """Open a modal by the command and give its dialog."""

    async def open_it(command: Payload) -> None:
        await site.app.call("views.open", trigger_id=command["trigger_id"], view=view)

    site.app.on["command"] = open_it
    box = page.get_by_role("textbox", name="Message")
    await box.fill("/schedule-upgrade")
    await box.press("Enter")
    dialog = page.get_by_role("dialog", name=view["title"]["text"])
    await expect(dialog).to_be_visible()
    return dialog


def grouped() -> Payload:
    """Give a select with two groups."""
    groups = [
        {"label": plain("production"), "options": [option("production/orders"), option("production/web")]},
        {"label": plain("staging"), "options": [option("staging/orders"), option("staging/web")]},
    ]
    return {"type": "static_select", "option_groups": groups, "placeholder": plain("Choose a cluster")}


async def test_every_kind_of_field_is_filled_in_and_sent(site: Site, page: Page) -> None:
    """What was chosen and typed arrives in Slack's own form."""
    agreed = option("Yes, ignore maintenance windows")
    ignore = {"type": "checkboxes", "options": [agreed]}
    dialog = await opened(
        site,
        page,
        modal(
            "Ask",
            field("Cluster", grouped()),
            field("Start", {"type": "datetimepicker"}),
            field("Ignore maintenance windows", ignore, optional=True, block_id="windows"),
            field("Reason", {"type": "plain_text_input", "multiline": True}, optional=True, hint=plain("Say why")),
        ),
    )
    await dialog.get_by_role("combobox", name="Cluster").click()
    await expect(dialog.get_by_role("group", name="staging").get_by_role("option")).to_have_count(2)
    await dialog.get_by_role("option", name="staging/web").click()
    await dialog.get_by_label("Start").fill("2026-12-05T22:00")
    await expect(dialog.get_by_label("Start")).to_have_accessible_description("Europe/Amsterdam (CET)")
    box = dialog.get_by_role("checkbox", name="Ignore maintenance windows", exact=True)
    await box.check()
    await expect(box).to_have_accessible_description("Yes, ignore maintenance windows (optional)")
    await dialog.get_by_role("textbox", name="Reason", exact=True).fill("Line one\nline two")
    await expect(dialog.get_by_role("textbox", name="Reason")).to_have_accessible_description("Say why (optional)")

    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_be_hidden()

    values = site.app.last("view_submission")["view"]["state"]["values"]
    assert values["cluster"]["cluster"]["selected_option"]["value"] == "staging/web"
    assert values["start"]["start"]["selected_date_time"] == 1796504400
    ticked = values["windows"]["ignore_maintenance_windows"]["selected_options"]
    assert [one["value"] for one in ticked] == [agreed["value"]]
    assert values["reason"]["reason"]["value"] == "Line one\nline two"


async def test_a_select_is_used_with_the_keyboard_alone(site: Site, page: Page) -> None:
    """Typing filters over groups, arrows move, Enter takes (else the first match), Escape closes the list alone."""
    dialog = await opened(site, page, modal("Ask", field("Cluster", grouped())))
    box = dialog.get_by_role("combobox", name="Cluster")
    await expect(box).to_be_focused()
    await box.press_sequentially("orders")
    await expect(dialog.get_by_role("option")).to_have_text(["production/orders", "staging/orders"])
    await box.press("ArrowDown")
    await box.press("ArrowDown")
    await box.press("Enter")
    await expect(box).to_have_value("staging/orders")

    await box.fill("production/web")
    await box.press("Enter")
    await expect(box).to_have_value("production/web")

    await box.press("ArrowDown")
    await expect(dialog.get_by_role("listbox")).to_be_visible()
    await box.press("Escape")
    await expect(dialog.get_by_role("listbox")).to_be_hidden()
    await expect(box).to_have_value("production/web")
    await box.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Message")).to_be_focused()


async def test_an_external_select_asks_the_app_while_one_types(site: Site, page: Page) -> None:
    """Out of 150 clusters the app offers what was typed, and is not asked before min_query_length."""

    async def find(payload: Payload) -> Payload:
        return {"options": [option(name) for name in CLUSTERS if payload["value"] in name][:100]}

    site.app.on["block_suggestion"] = find
    search = {"type": "external_select", "min_query_length": 2, "placeholder": plain("Search")}
    dialog = await opened(site, page, modal("Ask", field("Cluster", search)))
    box = dialog.get_by_role("combobox", name="Cluster")
    await box.press_sequentially("1")
    await expect(dialog.get_by_text("Type at least 2 characters")).to_be_visible()
    await box.press_sequentially("49")
    await expect(dialog.get_by_role("option", name="cluster-149")).to_be_visible()
    assert [one["value"] for one in site.app.heard if one.get("type") == "block_suggestion"] == ["149"]

    await box.press("Enter")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_be_hidden()
    chosen = site.app.last("view_submission")["view"]["state"]["values"]["cluster"]["cluster"]["selected_option"]
    assert chosen["value"] == "cluster-149"


async def test_enter_does_not_have_to_wait_for_the_app(site: Site, page: Page) -> None:
    """Who types and presses Enter at once gets the first option that the app finds."""

    async def find(payload: Payload) -> Payload:
        return {"options": [option(name) for name in CLUSTERS if payload["value"] in name][:100]}

    site.app.on["block_suggestion"] = find
    dialog = await opened(site, page, modal("Ask", field("Cluster", {"type": "external_select"})))
    box = dialog.get_by_role("combobox", name="Cluster")
    await box.fill("cluster-14")
    await box.press("Enter")

    await expect(box).to_have_value("cluster-140")
    await expect(dialog.get_by_role("listbox")).to_be_hidden()


async def test_errors_stand_at_their_field(site: Site, page: Page) -> None:
    """The field is marked, described by its error and focused; changing it takes the error away."""

    async def refuse(_: Payload) -> Payload:
        return {"response_action": "errors", "errors": {"reason": "Production asks for a reason."}}

    site.app.on["view_submission"] = refuse
    text = {"type": "plain_text_input"}
    dialog = await opened(site, page, modal("Ask", field("Name", text), field("Reason", text, optional=True)))
    await dialog.get_by_role("button", name="Send").click()
    name, reason = dialog.get_by_role("textbox", name="Name"), dialog.get_by_role("textbox", name="Reason")
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_accessible_description("Please complete this required field.")
    assert site.app.heard[1:] == []

    await name.fill("orders")
    await dialog.get_by_role("button", name="Send").click()

    await expect(reason).to_have_accessible_description("Production asks for a reason. (optional)")
    await expect(reason).to_be_focused()
    await reason.fill("B")
    await expect(reason).not_to_have_attribute("aria-invalid", "true")
    await expect(reason).to_be_focused()


async def test_an_update_keeps_what_keeps_its_name(site: Site, page: Page) -> None:
    """Same block and action: what was entered stays. A new block_id starts anew. The focus stays where it was."""
    text = {"type": "plain_text_input"}

    def form(version_block: str, *more: Payload) -> Payload:
        version = {"type": "static_select", "options": [option("v1"), option("v2")]}
        return modal(
            "Ask",
            field("Cluster", grouped(), dispatch_action=True),
            *more,
            field("Version", version, block_id=version_block),
            field("Reason", text | {"initial_value": "At first"}),
        )

    async def refresh(payload: Payload) -> None:
        chosen = payload["actions"][0]["selected_option"]["value"]
        facts = {"type": "section", "block_id": "facts", "text": mrkdwn(f"*{chosen}* runs v0")}
        view = payload["view"]
        await site.app.call("views.update", view_id=view["id"], hash=view["hash"], view=form(f"of {chosen}", facts))

    site.app.on["block_actions"] = refresh
    dialog = await opened(site, page, form("version"))
    reason, version = dialog.get_by_role("textbox", name="Reason"), dialog.get_by_role("combobox", name="Version")
    await expect(reason).to_have_value("At first")
    await reason.fill("Typed")
    await version.click()
    await dialog.get_by_role("option", name="v2").click()
    await dialog.get_by_role("combobox", name="Cluster").click()
    await dialog.get_by_role("option", name="staging/web").click()

    await expect(dialog.get_by_text("staging/web runs v0")).to_be_visible()
    await expect(dialog.get_by_role("combobox", name="Cluster")).to_have_value("staging/web")
    await expect(dialog.get_by_role("combobox", name="Cluster")).to_be_focused()
    await expect(version).to_have_value("")
    await expect(reason).to_have_value("Typed")


async def test_a_changed_date_is_told_once_it_is_settled(site: Site, page: Page) -> None:
    """A dispatching picker tells the app the moment, meant on the clock of the person's own zone."""
    await page.goto(site.at("U0KIM"))
    await expect(page.get_by_role("combobox", name="You are")).to_have_value("U0KIM")
    dialog = await opened(site, page, modal("Ask", field("Start", {"type": "datetimepicker"}, dispatch_action=True)))

    async with page.expect_response("**/action"):
        await dialog.get_by_label("Start").fill("2026-11-24T08:30")

    assert site.app.last("block_actions")["actions"][0]["selected_date_time"] == 1795527000
    await expect(dialog.get_by_label("Start")).to_have_accessible_description("America/New York (EST)")


async def test_an_update_leaves_the_one_who_types_a_date_alone(site: Site, page: Page) -> None:
    """When the app answers a date with the same picker, filled in, the keyboard stays where it was within it."""

    def form(**more: object) -> Payload:
        return modal("Ask", field("Start", {"type": "datetimepicker"} | more, dispatch_action=True))

    async def refresh(payload: Payload) -> None:
        chosen = payload["actions"][0]["selected_date_time"]
        facts = {"type": "section", "text": mrkdwn("Refreshed")}
        view = form(initial_date_time=chosen)
        view["blocks"].insert(0, facts)
        await site.app.call("views.update", view_id=payload["view"]["id"], view=view)

    site.app.on["block_actions"] = refresh
    dialog = await opened(site, page, form())
    start = dialog.get_by_label("Start")
    await start.fill("2026-12-05T22:00")
    await start.focus()
    await start.press("ArrowRight")
    await start.press("ArrowUp")
    await expect(start).to_have_value("2026-12-06T22:00")
    await expect(dialog.get_by_text("Refreshed")).to_be_visible()
    await start.press("ArrowUp")
    await expect(start).to_have_value("2026-12-07T22:00")


async def test_modals_stack(site: Site, page: Page) -> None:
    """A pushed modal lies on top, alone reachable; closing it gives back the one below as it was."""

    async def push(payload: Payload) -> None:
        await site.app.call("views.push", trigger_id=payload["trigger_id"], view=modal("Second", {"type": "divider"}))

    site.app.on["block_actions"] = push
    more = {"type": "actions", "elements": [button("More")]}
    dialog = await opened(site, page, modal("First", field("Name", {"type": "plain_text_input"}), more))
    await dialog.get_by_role("textbox", name="Name").fill("kept")
    await dialog.get_by_role("button", name="More").click()
    second = page.get_by_role("dialog", name="Second")
    await expect(second).to_be_visible()
    await expect(dialog).to_have_count(0)

    await page.keyboard.press("Escape")

    await expect(second).to_have_count(0)
    await expect(dialog.get_by_role("textbox", name="Name")).to_have_value("kept")
    await expect(dialog.get_by_role("button", name="More")).to_be_focused()


async def test_the_focus_stays_inside(site: Site, page: Page) -> None:
    """Tab and Shift+Tab go round in the dialog, and the page behind is inert."""
    dialog = await opened(site, page, modal("Ask", field("Name", {"type": "plain_text_input"})))
    inside = "document.activeElement.closest('[role=dialog]') !== null"
    for key in ("Tab",) * 6 + ("Shift+Tab",) * 6:
        await page.keyboard.press(key)
        assert await page.evaluate(inside)
    await expect(page.get_by_role("textbox", name="Message")).to_have_count(0)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)


async def test_a_modal_belongs_to_one_person(site: Site, page: Page) -> None:
    """Nobody else sees it, and it is still there when one is that person again."""
    dialog = await opened(site, page, modal("Mine", field("Name", {"type": "plain_text_input"})))
    await page.goto(site.at("U0SEM"))
    await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    await expect(dialog).to_have_count(0)
    await page.goto(site.at("U0ROOS"))
    await expect(dialog).to_be_visible()


async def test_a_page_loaded_anew_shows_no_modal(site: Site, page: Page) -> None:
    """As in Slack: what lay open is gone, and the next modal opens as ever."""
    dialog = await opened(site, page, modal("First", field("Name", {"type": "plain_text_input"})))
    await page.reload()
    await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    await expect(dialog).to_have_count(0)

    await opened(site, page, modal("Second", field("Name", {"type": "plain_text_input"})))
    await expect(page.get_by_role("dialog")).to_have_count(1)


async def test_an_app_in_trouble_leaves_the_modal_open(site: Site, page: Page) -> None:
    """An answer that Slack cannot read shows Slack's banner, and what was entered stays."""

    async def nonsense(_: Payload) -> Payload:
        return {"response_action": "errors", "errors": {"no_such_block": "x"}}

    site.app.on["view_submission"] = nonsense
    dialog = await opened(site, page, modal("Ask", field("Name", {"type": "plain_text_input"})))
    await dialog.get_by_role("textbox", name="Name").fill("kept")
    await dialog.get_by_role("button", name="Send").click()

    await expect(dialog.get_by_role("alert")).to_contain_text("We had some trouble connecting")
    await expect(dialog.get_by_role("textbox", name="Name")).to_have_value("kept")


async def test_several_options_are_chosen_and_taken_away(site: Site, page: Page) -> None:
    """Each becomes a chip; the list stays open, ends at max_selected_items, and Backspace takes the last one away."""
    several = grouped() | {"type": "multi_static_select", "max_selected_items": 2}
    dialog = await opened(site, page, modal("Plan", field("Wave 1", several, dispatch_action=True)))
    box = dialog.get_by_role("combobox", name="Wave 1")
    chips = dialog.get_by_role("list", name="Chosen").get_by_role("listitem")
    await box.click()
    await dialog.get_by_role("option", name="staging/web").click()
    await dialog.get_by_role("option", name="production/orders").click()
    await expect(chips).to_have_text(["staging/web", "production/orders"])
    await expect(dialog.get_by_role("option", name="staging/web")).to_have_attribute("aria-selected", "true")
    await dialog.get_by_role("option", name="production/web").click()
    await expect(dialog.get_by_text("You can choose at most 2")).to_be_visible()
    await expect(chips).to_have_count(2)

    await box.press("Escape")
    await box.press("Backspace")
    await expect(chips).to_have_text(["staging/web"])
    await box.press_sequentially("orders")
    await box.press("Enter")
    await expect(chips).to_have_text(["staging/web", "production/orders"])
    await dialog.get_by_role("button", name="Remove staging/web").click()
    await expect(chips).to_have_text(["production/orders"])
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_be_hidden()

    values = site.app.last("view_submission")["view"]["state"]["values"]["wave_1"]["wave_1"]
    assert [one["value"] for one in values["selected_options"]] == ["production/orders"]
    told = [one["actions"][0]["selected_options"] for one in site.app.heard if one.get("type") == "block_actions"]
    assert [len(options) for options in told] == [1, 2, 1, 2, 1]


async def test_several_options_are_searched_at_the_app(site: Site, page: Page) -> None:
    """What was chosen before stays while another word is searched."""

    async def find(payload: Payload) -> Payload:
        return {"options": [option(name) for name in CLUSTERS if payload["value"] in name][:100]}

    site.app.on["block_suggestion"] = find
    search = {"type": "multi_external_select", "min_query_length": 2}
    dialog = await opened(site, page, modal("Plan", field("Wave 1", search)))
    box = dialog.get_by_role("combobox", name="Wave 1")
    for typed in ("cluster-149", "cluster-007"):
        await box.press_sequentially(typed)
        await dialog.get_by_role("option", name=typed).click()
    await expect(dialog.get_by_role("list", name="Chosen").get_by_role("listitem")).to_have_text(
        ["cluster-149", "cluster-007"]
    )

    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_be_hidden()
    values = site.app.last("view_submission")["view"]["state"]["values"]["wave_1"]["wave_1"]
    assert [one["value"] for one in values["selected_options"]] == ["cluster-149", "cluster-007"]


async def test_numbers_radio_buttons_and_menus_in_a_modal(site: Site, page: Page) -> None:
    """A number outside its range is refused by the page; a radio button asks first when it has a confirm dialog."""
    question = {"title": plain("Sure?"), "text": plain("It opens by itself."), "confirm": plain("Yes")}
    both = [option("Asks a person") | {"description": plain("after the soak")}, option("Opens by itself")]
    radio = {
        "type": "radio_buttons",
        "options": both,
        "initial_option": both[0],
        "confirm": question | {"deny": plain("No")},
    }
    number = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "50"}
    menu = {"type": "overflow", "action_id": "more", "options": [option("Show all"), option("Clear")]}
    row = {"type": "section", "block_id": "row", "text": mrkdwn("Clusters"), "accessory": menu}
    dialog = await opened(site, page, modal("Plan", field("At once", number), field("Next wave", radio), row))
    await dialog.get_by_role("spinbutton", name="At once").fill("51")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_text("Please enter a number that is at most 50.")).to_be_visible()
    await dialog.get_by_role("spinbutton", name="At once").fill("5")

    asks, auto = dialog.get_by_role("radio", name="Asks a person"), dialog.get_by_role("radio", name="Opens by itself")
    await auto.click()
    await page.get_by_role("dialog", name="Sure?").get_by_role("button", name="No").click()
    await expect(asks).to_be_checked()
    await auto.click()
    await page.get_by_role("dialog", name="Sure?").get_by_role("button", name="Yes").click()
    await expect(auto).to_be_checked()
    await dialog.get_by_role("button", name="More").click()
    await dialog.get_by_role("menuitem", name="Clear").click()
    await expect(dialog.get_by_role("menuitem")).to_have_count(0)

    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_be_hidden()
    values = site.app.last("view_submission")["view"]["state"]["values"]
    assert values["at_once"]["at_once"]["value"] == "5"
    assert values["next_wave"]["next_wave"]["selected_option"]["value"] == "Opens by itself"
    assert site.app.last("block_actions")["actions"][0]["selected_option"]["value"] == "Clear"
