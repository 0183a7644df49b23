"""App Home: what is coming, what waits for this person, what this person asked for, how fresh it is; in pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from bot.domain.fleet import Fleet
from bot.domain.naming import Naming
from bot.domain.request import OPEN, RequestId, State, UpgradeRequest, competing
from bot.domain.rollout import Rollout
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications import fleet, phrases
from bot.notifications.blocks import Block, View, actions, button, context, divider, header, section, view
from bot.notifications.card import press_button, presses
from bot.notifications.ids import ActionId, CallbackId
from bot.notifications.links import NO_LINKS, Links
from bot.notifications.rollout_card import list_line
from bot.notifications.rows import row
from bot.notifications.standing import mark, standing
from bot.notifications.text import clip, escape, link, mention, recently, sentence, when
from bot.workflow.fleet import EVERYWHERE
from bot.workflow.inbox import Press
from bot.workflow.viewing import HomeView

UPGRADES_A_PAGE: Final = 20
WAITING_A_PAGE: Final = 10
OWN_A_PAGE: Final = 10
ROLLOUTS_A_PAGE: Final = 5
_MOST_FEEDS: Final = 8
_LINE: Final = 2900
_MINE: Final = frozenset({Press.WITHDRAW, Press.RESCHEDULE, Press.TRY_AGAIN})
_DECIDING: Final = (Press.APPROVE, Press.REJECT)

One = TypeVar("One")


def home(seen: HomeView, *, links: Links = NO_LINKS) -> View:
    """Draw App Home at its page; one that does not exist is the last one.

    `seen.waiting` are the requests that this person may decide now.
    """
    lists = (
        (seen.waiting, WAITING_A_PAGE),
        (seen.upgrades, UPGRADES_A_PAGE),
        (seen.own, OWN_A_PAGE),
        (seen.rollouts, ROLLOUTS_A_PAGE),
    )
    pages = max([1, *(-(-len(ones) // size) for ones, size in lists)])
    page = min(max(seen.page, 0), pages - 1)
    around = _Around(seen=seen, naming=Naming.among(seen.feeds), links=links)
    schedule = button("Schedule upgrade", action_id=ActionId.SCHEDULE, style="primary")
    return view(
        header("Kubernetes upgrades"),
        context(*_freshness(seen)),
        actions(schedule, block_id="home:top"),
        *(_fleet(seen.fleet) if seen.fleet and page == 0 else ()),
        *_list("Waiting for your decision", seen.waiting, WAITING_A_PAGE, page, partial(_waiting, around=around)),
        *_list(
            "Upcoming and running",
            seen.upgrades,
            UPGRADES_A_PAGE,
            page,
            partial(_upgrade, around=around),
            more=seen.more,
        ),
        *_list("Rollouts", seen.rollouts, ROLLOUTS_A_PAGE, page, partial(_rollout, around=around)),
        *_list("Your requests", seen.own, OWN_A_PAGE, page, partial(_own, around=around)),
        *_turning(page, pages),
        callback_id=CallbackId.HOME,
    )


def _fleet(found: Fleet) -> tuple[Block, ...]:
    return (divider(), section(f"*Fleet*\n{fleet.summary(found)}"), fleet.buttons(EVERYWHERE))


def closed(why: str) -> View:
    """Draw the App Home of somebody who may not use the bot."""
    return view(section(why), callback_id=CallbackId.HOME)


def _list(
    title: str,
    ones: Sequence[One],
    size: int,
    page: int,
    draw: Callable[[One], tuple[Block, ...]],
    *,
    more: bool = False,
) -> tuple[Block, ...]:
    """Draw one list's part of a page; on pages after its end it is left out. `more`: not all are at hand."""
    shown = ones[page * size : (page + 1) * size]
    if not ones:
        return (divider(), section(f"*{title}*\nNothing at the moment."))
    if not shown:
        return ()
    first = page * size + 1
    place = (
        f" ({first} to {first + len(shown) - 1} of {'more than ' if more else ''}{len(ones)})"
        if len(ones) > size
        else f" ({len(ones)})"
    )
    return (divider(), section(f"*{title}*{place}"), *(block for one in shown for block in draw(one)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Around:
    """What every row is drawn with."""

    seen: HomeView
    naming: Naming
    links: Links

    def name(self, request: UpgradeRequest) -> str:
        """Name the cluster of a request, as a link to its card."""
        return link(self.links.message(self.seen.cards.get(request.id)), phrases.name(request, self.naming))


def _upgrade(upgrade: ScheduledUpgrade, *, around: _Around) -> tuple[Block, ...]:
    line = row(upgrade, cards=around.seen.cards, naming=around.naming, links=around.links)
    return (section(clip(line, _LINE)),)


def _waiting(request: UpgradeRequest, *, around: _Around) -> tuple[Block, ...]:
    why = f"\nReason: {escape(request.reason)}" if request.reason.strip() else ""
    changed = f"\nChanged since the vote: {sentence(request.changes[0], request.lost)}" if request.changes else ""
    override = "\n*Overrides a freeze.*" if request.override else ""
    blocked = f"\n*Cannot go ahead now:* {sentence(request.blocked)}" if request.blocked else ""
    beside = competing(request, around.seen.upgrades)
    other = f"\n*Please note:* {phrases.competing(beside)}" if beside else ""
    line = (
        f"{mark(request, None)} *{around.name(request)}* {phrases.versions(request)} · {phrases.starts(request)}"
        f"{around.links.to_console(request)}\n"
        f"Requested by {mention(request.requester)}; {len(request.votes)} of {request.required} approvals. "
        f"Approve by {when(request.deadline)}.{override}{blocked}{other}{changed}{why}"
    )
    buttons = [press_button(press, request, around.naming) for press in _DECIDING if press in presses(request, None)]
    drawn: list[Block] = [section(clip(line, _LINE))]
    return (*drawn, actions(*buttons, block_id=f"waiting:{request.id}")) if buttons else tuple(drawn)


def _rollout(rollout: Rollout, *, around: _Around) -> tuple[Block, ...]:
    address = around.links.message(around.seen.cards.get(RequestId(rollout.id)))
    return (section(list_line(rollout, around.seen.policy, card=address)),)


def _own(request: UpgradeRequest, *, around: _Around) -> tuple[Block, ...]:
    known = (*around.seen.upgrades, *around.seen.ended)
    upgrade = next((one for one in known if request.upgrade and one.identity == request.upgrade), None)
    gone = request.state is State.SUBMITTED and upgrade is None
    stands = "It is no longer under way; its card says how it ended." if gone else standing(request, upgrade)
    runs = f" · {phrases.starts(request, upgrade)}" if request.state in OPEN or (upgrade and upgrade.window) else ""
    line = (
        f"{mark(request, upgrade)} *{around.name(request)}* {phrases.versions(request)}{runs}"
        f"{around.links.to_console(request)}\n{stands}"
    )
    buttons = (
        [] if gone else [press_button(one, request, around.naming) for one in presses(request, upgrade) if one in _MINE]
    )
    drawn: list[Block] = [section(clip(line, _LINE))]
    return (*drawn, actions(*buttons, block_id=f"own:{request.id}")) if buttons else tuple(drawn)


def _freshness(seen: HomeView) -> tuple[str, ...]:
    lines = [phrases.fresh(feed) for feed in seen.feeds[:_MOST_FEEDS]]
    return (*lines, f"Updated {recently(seen.now)}.")


def _turning(page: int, pages: int) -> tuple[Block, ...]:
    if pages == 1:
        return ()
    turns = [button("Previous", action_id=f"{ActionId.HOME_PAGE}", value=str(page - 1))] if page else []
    if page < pages - 1:
        turns.append(button("Next", action_id=f"{ActionId.HOME_PAGE}", value=str(page + 1)))
    rows = [actions(turn, block_id=f"home:turn:{number}") for number, turn in enumerate(turns)]
    return (divider(), context(f"Page {page + 1} of {pages}."), *rows)
