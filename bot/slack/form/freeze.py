"""The modal "Freeze upgrades": drawn, read, and filled in from the words of the command. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from typing import Final

from bot.domain.foreign import clean
from bot.domain.form import LONGEST_REASON
from bot.domain.freeze import LONGEST_FREEZE, FrozenPlace
from bot.domain.naming import Naming
from bot.notifications import blocks
from bot.notifications.blocks import Block, View
from bot.notifications.text import escape, plain_time
from bot.slack.form import when
from bot.slack.form.directory import MOST
from bot.slack.form.filling import NotUnderstood
from bot.slack.payload import Payload, pick, text

FREEZE: Final = "freeze_upgrades"
"""The callback id of the modal."""
PLACES: Final = "freeze_places"
UNTIL: Final = "freeze_until"
REASON: Final = "freeze_reason"
_ALL: Final = "all"
_EVERYWHERE: Final = "All environments"
_LONGEST_VALUE: Final = 150
_FEW: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeForm:
    """What is filled in: `environments` as values of the select, `until` aware UTC; `notes` say how words were read."""

    environments: tuple[str, ...] = ()
    until: datetime | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()


def draw(form: FreezeForm, places: Sequence[FrozenPlace], naming: Naming) -> dict[str, object]:
    """Draw the modal."""
    every = options(places, naming, limit=len(places) + 1)
    searched = len(every) > MOST
    initial = [one for one in every if one["value"] in form.environments]
    select: dict[str, object] = {
        "type": "multi_external_select" if searched else "multi_static_select",
        "action_id": PLACES,
        "placeholder": blocks.plain("Choose environments", 150),
        **({"min_query_length": 0} if searched else {"options": every}),
        **({"initial_options": initial} if initial else {}),
    }
    until: dict[str, object] = {"type": "datetimepicker", "action_id": UNTIL}
    if form.until:
        until["initial_date_time"] = int(form.until.timestamp())
    reason = {"type": "plain_text_input", "action_id": REASON, "multiline": True, "max_length": LONGEST_REASON}
    says = (
        "It counts from the moment you press Freeze. Until it ends or is lifted, no upgrade is requested, approved or "
        "submitted that would run within it. What Avisi Cloud already has goes on: it offers no way to cancel."
    )
    parts = (
        blocks.section(says),
        *(blocks.context(escape(note)) for note in form.notes),
        _input("Environments", PLACES, select),
        _input("Until", UNTIL, until, hint=f"In your device's time zone, at most {LONGEST_FREEZE.days} days ahead."),
        _input("Reason", REASON, reason),
    )
    drawn = View(
        type="modal", callback_id=FREEZE, title="Freeze upgrades", submit="Freeze", close="Cancel", blocks=parts
    )
    return drawn.payload()


def options(places: Sequence[FrozenPlace], naming: Naming, *, typed: str = "", limit: int = MOST) -> list[Block]:
    """Return "All environments" and what fits what was typed into the search field."""
    named = {_ALL: _EVERYWHERE} | {value_of(one): naming.environment(one) for one in places}
    wanted = typed.strip().casefold()
    found = [
        {"text": blocks.plain(name, 75), "value": value}
        for value, name in named.items()
        if wanted in name.casefold() and len(value) <= _LONGEST_VALUE
    ]
    return list(found[:limit])


def value_of(place: FrozenPlace) -> str:
    """Return the value by which an environment is chosen."""
    return f"{place.organisation}/{place.environment}"


def read(view: Payload) -> FreezeForm:
    """Read what is filled in."""
    values = pick(view, "state", "values")
    chosen = pick(values, PLACES, PLACES, "selected_options")
    moment = pick(values, UNTIL, UNTIL, "selected_date_time")
    return FreezeForm(
        environments=tuple(text(one, "value") for one in chosen if text(one, "value")) if chosen else (),
        until=datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) and 0 < moment < 2**33 else None,
        reason=clean(text(values, REASON, REASON, "value")).strip()[:LONGEST_REASON],
    )


def chosen_places(form: FreezeForm, places: Sequence[FrozenPlace]) -> tuple[FrozenPlace, ...]:
    """Return the places that are chosen; none means all of them."""
    if _ALL in form.environments:
        return ()
    return tuple(one for one in places if value_of(one) in form.environments)


def errors(form: FreezeForm, places: Sequence[FrozenPlace], *, now: datetime) -> dict[str, str]:
    """Return what is wrong, by the block of the field at which it stands."""
    found: dict[str, str] = {}
    if _ALL not in form.environments and not chosen_places(form, places):
        found[PLACES] = "Choose at least one environment."
    if form.until is None or not now < form.until <= now + LONGEST_FREEZE:
        found[UNTIL] = f"Choose a time ahead, at most {LONGEST_FREEZE.days} days from now."
    if not form.reason:
        found[REASON] = "Say why, so that others understand it."
    return found


def fill(
    words: Sequence[str], places: Sequence[FrozenPlace], naming: Naming, *, now: datetime, zone: tzinfo | None
) -> FreezeForm:
    """Read `[environment …] [until WHEN]` in the person's own zone, None when unknown; raises NotUnderstood."""
    end = next((at for at, word in enumerate(words) if word.lower() == "until"), len(words))
    environments = [value for word in words[:end] for value in _named(word, places, naming)]
    if end == len(words):
        return FreezeForm(environments=tuple(environments))
    typed, read_in = " ".join(words[end + 1 :]), zone or UTC
    try:
        moment = when.read(typed, now=now, zone=read_in)
    except when.NotUnderstood as error:
        raise NotUnderstood(f"The time {_code(typed)} was not understood. {error}") from error
    if moment.at > now + LONGEST_FREEZE:
        raise NotUnderstood(f"A freeze can last {LONGEST_FREEZE.days} days at most; {_code(typed)} is later.")
    unknown = "" if zone else " Your own time zone could not be looked up."
    said = f"Until was read as {plain_time(moment.at, read_in)}.{unknown}"
    notes = tuple(note for note in (said, moment.note) if note)
    return FreezeForm(environments=tuple(environments), until=moment.at, notes=notes)


def _named(word: str, places: Sequence[FrozenPlace], naming: Naming) -> list[str]:
    """Return the values of the environments that a word names."""
    if word.lower() == _ALL:
        return [_ALL]
    wanted = word.casefold()
    found = [value_of(one) for one in places if wanted in {one.environment.casefold(), value_of(one).casefold()}]
    if not found:
        names = [naming.environment(one) for one in places]
        near = get_close_matches(wanted, names, n=_FEW)
        listed = ", ".join(map(_code, near or names[:_FEW]))
        choices = f" Did you mean {listed}?" if near else f" There is: {listed}." if listed else ""
        raise NotUnderstood(f"No environment is called {_code(word)}.{choices}")
    return found


def _code(typed: str) -> str:
    return f"`{escape(typed, 120)}`"


def _input(label: str, block_id: str, element: Block, *, hint: str = "") -> Block:
    told = {"hint": blocks.plain(hint)} if hint else {}
    return {"type": "input", "block_id": block_id, "label": blocks.plain(label), "element": element, **told}
