"""The fleet: a summary, the most pressing clusters, and a modal with all of them in pages; one line per cluster."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Final
from urllib.parse import quote, unquote

from bot.domain.cluster import Organisation
from bot.domain.fleet import Fleet, MinorCount
from bot.domain.naming import Naming
from bot.notifications import blocks, phrases
from bot.notifications.blocks import Block, Message, View
from bot.notifications.ids import ActionId, CallbackId
from bot.notifications.rows import fitting
from bot.notifications.text import clip, counted, escape, said, when
from bot.workflow.fleet import EVERYWHERE, FleetLine, FleetPage, FleetPlace

PRESSING: Final = 20
"""Clusters in the private answer."""
A_PAGE: Final = 30
TITLE: Final = "Fleet"
SOON: Final = 60
"""Days before the end of life of a minor from which the summary names it."""
_LINE: Final = 290
"""Characters of one line, as Slack counts them; a page of them, with all around it, stays under 11,000."""
_LINES: Final = 6500
_SPOKEN: Final = 1500
_IN_A_SECTION: Final = 10
_MOST_MINORS: Final = 8
_MOST_NAMED: Final = 3
_VALUE: Final = 2000
_LEGEND: Final = (
    "What ends first upstream comes first, then what is furthest behind: version → recommended version, end of life, "
    "next window or upgrade."
)
_NOTHING: Final = "The clusters have not been read from Avisi Cloud yet. Please try again in a moment."


def summary(found: Fleet, *, where: str = "") -> str:
    """Say how many clusters run what: `42 clusters: 30 on 1.35, 12 on 1.34, which ended 33 days ago`."""
    if not found.organisations:
        return _NOTHING
    total = _count(len(found.clusters), "cluster")
    place = f" in {escape(where, 120)}" if where else _of(found.organisations)
    if not found.clusters:
        return f"There are no clusters{place}."
    shown = found.counts[:_MOST_MINORS]
    parts = [_minor(one, found.today) for one in shown]
    if rest := sum(one.clusters for one in found.counts[_MOST_MINORS:]):
        parts.append(f"{rest} on older versions")
    several = sum(", which" in part for part in parts[:-1])
    return f"{total}{place}: {('; ' if several else ', ').join(parts)}"


def answer(page: FleetPage, *, naming: Naming) -> Message:
    """Draw the private answer: the summary, the most pressing clusters, and the button to all of them."""
    title = summary(page.fleet, where=page.place.name)
    if not page.lines:
        return blocks.message(title, blocks.section(title))
    lines = fitting({"": [line(one, page.fleet.today, naming) for one in page.lines]}, _LINES)[""]
    spoken = fitting({"": [f"{said(one).replace('*', '')}." for one in lines]}, _SPOKEN)[""]
    total = len(page.fleet.clusters)
    most = f"The {len(lines)} most pressing of {total}" if len(lines) < total else "Most pressing first"
    return blocks.message(
        " ".join((f"{title}.", f"{most}.", *spoken)),
        blocks.section(f"*{title}.*"),
        blocks.context(f"{most}. {_LEGEND}"),
        *_sections(lines),
        buttons(page.place),
    )


def buttons(place: FleetPlace) -> Block:
    """Draw `Show fleet`, which opens the modal, and `Plan rollout`."""
    return blocks.actions(
        blocks.button("Show fleet", action_id=ActionId.FLEET, value=carry(place, page=0)), plan_rollout()
    )


def plan_rollout() -> Block:
    """Draw the button that opens the modal "Plan rollout"."""
    return blocks.button("Plan rollout", action_id=ActionId.PLAN_ROLLOUT)


def modal(page: FleetPage, *, naming: Naming) -> View:
    """Draw the modal with one page of all clusters."""
    title = summary(page.fleet, where=page.place.name).removesuffix(".")
    lines = [line(one, page.fleet.today, naming) for one in page.lines]
    return blocks.View(
        type="modal",
        callback_id=CallbackId.FLEET,
        title=TITLE,
        close="Close",
        blocks=(
            blocks.section(f"*{title}.*"),
            blocks.context(_LEGEND),
            *_sections(lines),
            *_turning(page),
            blocks.actions(plan_rollout()),
        ),
    )


def line(one: FleetLine, today: date, naming: Naming) -> str:
    """Draw a cluster in one line: version, recommended version, end of life, upgrade under way or next window."""
    cluster = one.cluster
    down = f" ({escape(cluster.status.lower(), 20)})" if cluster.is_down else ""
    runs = f"{escape(cluster.version, 40) or 'version not known'}{down}"
    facts = (
        f"{runs} → {escape(one.recommended, 40)}" if one.recommended else f"{runs}, nothing newer on offer",
        _ends(one.ends, today) if one.ends else "end of life not known",
        _next(one),
    )
    return clip(f"*{escape(naming.cluster(cluster), 90)}* {' · '.join(facts)}", _LINE, counted=counted)


def carry(place: FleetPlace, *, page: int) -> str:
    """Return the value of a button that leads to a page; names too long for it are left out."""
    names = [quote(name or "", safe="", errors="replace") for name in (place.organisation, place.environment)]
    value = "|".join((str(page), *names))
    return value if len(value) <= _VALUE else f"{page}||"


def read(value: str) -> tuple[FleetPlace, int]:
    """Read the value of such a button; what cannot be read leads to the first page of everything."""
    page, *names = value.split("|")
    if len(names) != len(fields(FleetPlace)) or not (page.isascii() and page.isdigit() and len(page) < len("10000")):
        return EVERYWHERE, 0
    organisation, environment = map(unquote, names)
    place = FleetPlace(
        organisation=Organisation(organisation) if organisation else None, environment=environment or None
    )
    return place, int(page)


def _next(one: FleetLine) -> str:
    if (upgrade := one.upgrade) is not None:
        window = f", {when(upgrade.window.start)}" if upgrade.window else ""
        return f"upgrade to {escape(upgrade.to_version, 40)} {phrases.status(upgrade.status)}{window}"
    return f"next window {when(one.window.start)}" if one.window else "no maintenance window"


def _minor(one: MinorCount, today: date) -> str:
    if one.minor is None:
        return f"{one.clusters} on versions that cannot be compared"
    ends = ""
    if one.ends and (left := (one.ends - today).days) <= SOON:
        ends = f", which {'ended' if left < 0 else 'ends'} {_away(left)}"
    return f"{one.clusters} on {one.minor[0]}.{one.minor[1]}{ends}"


def _ends(ends: date, today: date) -> str:
    return f"{'ended' if ends < today else 'ends'} {ends.day} {ends:%b %Y}"


def _away(days: int) -> str:
    if days == 0:
        return "today"
    return f"in {_count(days, 'day')}" if days > 0 else f"{_count(-days, 'day')} ago"


def _of(organisations: tuple[Organisation, ...]) -> str:
    """Name the organisations where there are several."""
    if len(organisations) == 1:
        return ""
    named = [escape(one, 40) for one in organisations[:_MOST_NAMED]]
    more = len(organisations) - len(named)
    last = f"{more} more" if more else named.pop()
    return f" of {', '.join(named)} and {last}"


def _sections(lines: Sequence[str]) -> list[Block]:
    return [
        blocks.section("\n".join(lines[first : first + _IN_A_SECTION])) for first in range(0, len(lines), _IN_A_SECTION)
    ]


def _turning(page: FleetPage) -> tuple[Block, ...]:
    if page.pages == 1:
        return ()
    last = page.pages - 1
    turns = [("First", 0), ("Previous", page.page - 1)] if page.page else []
    turns += [("Next", page.page + 1), ("Last", last)] if page.page < last else []
    return (
        blocks.context(f"Page {page.page + 1} of {page.pages}."),
        blocks.actions(
            *(
                blocks.button(
                    label, action_id=f"{ActionId.FLEET_PAGE}:{label.lower()}", value=carry(page.place, page=to)
                )
                for label, to in turns
            ),
            block_id="fleet:turn",
        ),
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
