"""Filling in a modal's fields by their labels, as a person does."""

from datetime import datetime
from typing import Any

from bot.sandbox.slack.blockkit.elements import Placed, interactive
from bot.sandbox.slack.blockkit.formstate import entered, holds_state, initial, value_key
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.people.interactions import Interactions
from bot.sandbox.slack.people.seen import NotShownError
from bot.sandbox.slack.people.shown import label_of, options_of
from bot.sandbox.slack.views import View


class Entering:
    """Changes what a view holds, and tells the bot where the element says so."""

    def __init__(self, interactions: Interactions, person: str) -> None:
        self._interactions = interactions
        self._person = person

    async def choose(self, view: View, label: str, value: str | list[str] | datetime) -> None:
        """Choose in a menu or a picker; in a menu for several, exactly these."""
        one = _field(view, label)
        await self._enter(view, one, await self._chosen(view, one, value))

    async def fill(self, view: View, label: str, text: str) -> None:
        """Write text; the bot hears of single characters only where the field asks for that."""
        one = _field(view, label)
        config = one.element.get("dispatch_action_config", {}).get("trigger_actions_on", [])
        await self._enter(view, one, text or None, quietly="on_character_entered" not in config)

    async def clear(self, view: View, label: str) -> None:
        """Empty a field."""
        one = _field(view, label)
        empty = initial({"type": one.kind})[value_key(one.kind)]
        await self._enter(view, one, empty)

    async def check(self, view: View, label: str, *, on: bool) -> None:
        """Tick or untick one checkbox."""
        one, option = _checkbox(view, label)
        ticked: list[Json] = view.values[one.block_id][one.action_id]["selected_options"]
        left = [other for other in ticked if other["value"] != option["value"]]
        await self._enter(view, one, [*left, option] if on else left)

    async def search(self, view: View, label: str, typed: str) -> list[Json]:
        """Tell what an external select offers for what was typed."""
        one = _field(view, label)
        outcome = await self._interactions.options(self._person, view, one, typed)
        return options_of(outcome.options)

    async def _chosen(self, view: View, one: Placed, value: str | list[str] | datetime) -> Any:  # noqa: ANN401 - per element
        if isinstance(value, list):
            most = int(one.element.get("max_selected_items", len(value)))
            if not one.kind.startswith("multi_") or len(value) > most:
                raise NotShownError(f"{label_of(one)} is a {one.kind} and does not take {len(value)} options")
            return [await self._chosen(view, one, each) for each in value]
        if isinstance(value, datetime):
            if one.kind != "datetimepicker":
                raise NotShownError(f"{label_of(one)} is a {one.kind} and takes no date and time")
            return int(value.timestamp())
        if "external" in one.kind:
            return _option(await self.search(view, label_of(one), value), value)
        if "options" in one.element or "option_groups" in one.element:
            return _option(options_of(one.element), value)
        return value

    async def _enter(self, view: View, one: Placed, value: object, *, quietly: bool = False) -> None:
        key = value_key(one.kind)
        if key.endswith("s") and not isinstance(value, list):
            value = [value]
        state = {one.block_id: {one.action_id: {key: value}}}
        view.values = entered(view.blocks, view.values, state)
        view.notes.pop(one.block_id, None)
        if one.dispatches and not quietly:
            used = dict(view.values[one.block_id][one.action_id])
            await self._interactions.act_on_view(self._person, view, one, used=used)


def _field(view: View, label: str) -> Placed:
    fields = [one for one in interactive(view.blocks) if holds_state(one.kind)]
    for one in fields:
        if label_of(one) == label:
            return one
    raise NotShownError(f"No field {label!r}; there are {[label_of(one) for one in fields]}")


def _option(options: list[Json], wanted: str) -> Json:
    """Give the option with this text or value, else the only one whose text holds it."""
    for option in options:
        if wanted in {option["text"]["text"], option["value"]}:
            return option
    near = [option for option in options if wanted in option["text"]["text"]]
    if len(near) != 1:
        raise NotShownError(f"No option {wanted!r}; there are {[option['text']['text'] for option in options]}")
    return near[0]


def _checkbox(view: View, label: str) -> tuple[Placed, Json]:
    boxes = [one for one in interactive(view.blocks) if one.kind == "checkboxes"]
    for one in boxes:
        for option in options_of(one.element):
            alone = len(options_of(one.element)) == 1 and label_of(one) == label
            if alone or option["text"]["text"] == label:
                return one, option
    raise NotShownError(f"No checkbox {label!r}; there are {[label_of(one) for one in boxes]}")
