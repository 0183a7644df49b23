"""What people do, and what comes of it: commands, presses, choices, submissions, and opening the Home."""

import html
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.slack.blockkit.elements import Placed, placed
from bot.sandbox.slack.blockkit.formstate import Values, entered, missing, value_key
from bot.sandbox.slack.blockkit.limits import check_options_answer
from bot.sandbox.slack.delivery import payloads
from bot.sandbox.slack.delivery.answers import Answer, Delivery, Kind
from bot.sandbox.slack.delivery.delivery import Deliveries
from bot.sandbox.slack.delivery.replies import reply, slackbot
from bot.sandbox.slack.delivery.submissions import settle
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.short_lived_tokens import ResponseUrl
from bot.sandbox.slack.state import State, dm_of
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Person

TROUBLE = "We had some trouble connecting. Try again?"
Result = Literal["closed", "errors", "updated", "pushed", "cleared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How something that a person did ended for that person."""

    ok: bool
    error: str = ""
    """What Slack shows when it went wrong."""
    ms: float = 0.0
    """Until the bot acknowledged."""
    result: Result | None = None
    errors: dict[str, str] = field(default_factory=dict)
    """Of a submission: by block id."""
    options: Json = field(default_factory=dict)
    """Of an options load: ``options`` or ``option_groups``."""


class Interactions:
    """Turns what a person does into a delivery, and the answer into what the person sees."""

    def __init__(self, state: State, deliveries: Deliveries) -> None:
        self._state = state
        self._deliveries = deliveries

    async def command(self, person_id: str, channel: str, text: str) -> Outcome:
        """Send a slash command; an answer in the ack is shown to that person."""
        state, person = self._state, self._state.person(person_id)
        name, _, words = text.strip().partition(" ")
        known = next((one for one in state.app.commands if one.name == name), None)
        if known is None or not state.workspace.is_home_of(person):
            return Outcome(ok=False, error=f"{name} is not a valid command.")
        if person_id not in state.members(channel):
            return Outcome(ok=False, error="channel_not_found")
        found = state.channel(channel)
        if person.deleted or (found and found.archived):
            return Outcome(ok=False, error="is_archived" if not person.deleted else "account_inactive")
        words = _escaped(state, words.strip()) if known.should_escape else words.strip()
        payload = payloads.command(state, person, channel=channel, name=name, text=words)
        answer = await self._send("command", name, person, payload)
        error = answer.error
        if answer.ok and answer.body not in (None, {}):
            error = self._show_reply(person, channel, answer.body, typed=text.strip())
        if error:
            slackbot(state, channel=channel, person=person.id, text=f'{name} failed with the error "{error}"')
        return Outcome(ok=not error, error=error, ms=answer.ms)

    async def act_on_message(
        self, person_id: str, message: Message, one: Placed, *, used: Json, values: Values
    ) -> Outcome:
        """Use an element of a message."""
        person = self._state.person(person_id)
        action = payloads.action_of(self._state, one, used)
        payload = payloads.message_action(self._state, person, message, action, values)
        return _outcome(await self._send("block_actions", one.action_id, person, payload))

    async def act_on_view(self, person_id: str, view: View, one: Placed, *, used: Json) -> Outcome:
        """Use an element of a modal or of the Home; what was entered is in the view by now."""
        person = self._state.person(person_id)
        action = payloads.action_of(self._state, one, used)
        payload = payloads.view_action(self._state, person, view, action)
        return _outcome(await self._send("block_actions", one.action_id, person, payload))

    async def options(self, person_id: str, view: View, one: Placed, typed: str) -> Outcome:
        """Load the options of an external select, once enough was typed."""
        state, person = self._state, self._state.person(person_id)
        least = int(one.element.get("min_query_length", 3))
        if len(typed) < least:
            return Outcome(ok=True, options={"options": []})
        if not state.app.socket_mode and not state.app.options_url:
            return Outcome(ok=False, error="no_options_url", options={"options": []})
        payload = payloads.suggestion(state, person, view, one, typed)
        answer = await self._send("block_suggestion", one.action_id, person, payload)
        body = answer.body if isinstance(answer.body, dict) else {}
        error = answer.error or ("; ".join(check_options_answer(body)) if answer.ok else "")
        if error:
            return Outcome(ok=False, error=error, ms=answer.ms, options={"options": []})
        shown = {key: body[key] for key in ("options", "option_groups") if key in body}
        return Outcome(ok=True, ms=answer.ms, options=shown)

    async def submit(self, person_id: str, view: View) -> Outcome:
        """Submit a modal; what Slack's own client refuses never reaches the bot."""
        state, person = self._state, self._state.person(person_id)
        view.notes = missing(view.blocks, view.values)
        if view.notes:
            return Outcome(ok=True, result="errors", errors=dict(view.notes))
        payload = payloads.submission(state, person, view)
        answer = await self._send("view_submission", str(view.sent["callback_id"]), person, payload)
        if not answer.ok:
            return Outcome(ok=False, error=TROUBLE, ms=answer.ms)
        try:
            result = settle(state, view, answer.body)
        except SlackError:
            return Outcome(ok=False, error=TROUBLE, ms=answer.ms)
        state.show_modals(person_id)
        return Outcome(ok=True, ms=answer.ms, result=result, errors=dict(view.notes))

    async def close(self, person_id: str, view: View) -> None:
        """Close a modal by its close button; the bot hears of it when it asked to."""
        state = self._state
        state.views.close(view)
        state.show_modals(person_id)
        if view.sent["notify_on_close"]:
            person = state.person(person_id)
            payload = payloads.closed(state, person, view, cleared=False)
            await self._send("view_closed", str(view.sent["callback_id"]), person, payload)

    async def open_messages(self, person_id: str) -> Outcome:
        """Open the app's Messages tab; Slack tells the app of it by the same event as of the Home."""
        state = self._state
        if not state.app.messages_tab or not state.workspace.is_home_of(state.person(person_id)):
            return Outcome(ok=False, error="not_enabled")
        event: Json = {"type": "app_home_opened", "user": person_id, "channel": dm_of(person_id), "tab": "messages"}
        answer = await self._deliveries.event(event, who=person_id)
        return _outcome(answer) if answer else Outcome(ok=True)

    async def open_home(self, person_id: str) -> Outcome:
        """Open the app's Home tab."""
        state = self._state
        if not state.app.home_tab:
            return Outcome(ok=False, error="not_enabled")
        if not state.workspace.is_home_of(state.person(person_id)):
            return Outcome(ok=False, error="not_enabled")
        state.homes_opened.add(person_id)
        event: Json = {"type": "app_home_opened", "user": person_id, "channel": dm_of(person_id), "tab": "home"}
        home = state.views.homes.get(person_id)
        if home is not None:
            event["view"] = state.views.as_slack(home)
        answer = await self._deliveries.event(event, who=person_id)
        return _outcome(answer) if answer else Outcome(ok=True)

    async def _send(self, kind: Kind, name: str, person: Person, payload: Json) -> Answer:
        return await self._deliveries.send(Delivery(kind=kind, name=name, who=person.id, payload=payload))

    def _show_reply(self, person: Person, channel: str, body: object, *, typed: str) -> str:
        """Show the answer in an ack, and the command itself when it is `in_channel`; the error when it can't be."""
        content = body if isinstance(body, dict) else {"text": str(body)}
        if content.get("response_type") == "in_channel":
            stamp = self._state.stamps.next()
            self._state.post(Message(channel=channel, ts=stamp, user=person.id, text=html.escape(typed, quote=False)))
        if content.keys() == {"response_type"}:
            return ""
        try:
            reply(self._state, ResponseUrl(channel=channel, person=person.id, until=0), content)
        except SlackError as refusal:
            return refusal.error
        return ""


def find_used(blocks: list[Json], block_id: object, used: Any) -> Placed | None:  # noqa: ANN401 - from a browser
    """Give the element that a person used, when it is really there."""
    return placed(blocks, block_id, used.get("action_id")) if isinstance(used, dict) else None


def with_chosen(values: Values, one: Placed, used: Json, blocks: list[Json]) -> Values:
    """Give the state after an element was used."""
    if one.kind in {"button", "overflow"}:
        return values
    key = value_key(one.kind)
    if key not in used:
        return values
    return entered(blocks, values, {one.block_id: {one.action_id: {key: used[key]}}})


def _outcome(answer: Answer) -> Outcome:
    return Outcome(ok=answer.ok, error=answer.error, ms=answer.ms)


def _escaped(state: State, text: str) -> str:
    """``should_escape``: mentions and links become the forms with ids."""
    text = html.escape(text, quote=False)
    for person in state.workspace.people.values():
        text = re.sub(rf"(?<!\w)@{re.escape(person.name)}\b", f"<@{person.id}>", text)
    for channel in state.workspace.channels.values():
        name = "" if channel.private else channel.name
        text = re.sub(rf"(?<!\w)#{re.escape(channel.name)}(?![\w-])", f"<#{channel.id}|{name}>", text)
    return re.sub(r"(?<!<)https?://[^\s<>]+", lambda link: f"<{link.group()}>", text)
