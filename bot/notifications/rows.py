"""An upgrade or a request as one row of a list, and as many rows as fit into a message."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from bot.domain.naming import PLAIN, Naming
from bot.domain.request import UNFINISHED, RequestId, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications import phrases, standing
from bot.notifications.links import NO_LINKS, Links
from bot.notifications.text import counted, link, mention, span, when
from bot.workflow.inbox import MessageRef

_NOWHERE: Final[Mapping[RequestId, MessageRef]] = {}
_STATUSES: Final = {
    "REQUESTED": "submitted, not scheduled yet",
    "SCHEDULED": "scheduled",
    "SCHEDULED_NOTIFIED": "scheduled; contacts have been notified",
    "IN_PROGRESS": "running",
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "MISSED": "missed its window",
    "SUPERSEDED": "superseded",
}
_STATES: Final = {
    State.APPROVED: "approved, submitting",
    State.SUBMITTING: "approved, submitting",
    State.SUBMISSION_FAILED: "could not be submitted",
    State.SUBMISSION_UNCLEAR: "not confirmed by Avisi Cloud",
}


def row(
    one: ScheduledUpgrade | UpgradeRequest,
    *,
    cards: Mapping[RequestId, MessageRef] = _NOWHERE,
    naming: Naming = PLAIN,
    links: Links = NO_LINKS,
) -> str:
    """Draw one row: mark, cluster (which leads to the card), versions, when and how it stands, the Console."""
    if isinstance(one, ScheduledUpgrade):
        mark, facts, request_id = _mark(one), _of_upgrade(one), RequestId(one.request_id or "")
    else:
        mark, facts, request_id = standing.mark(one, None), _of_request(one), one.id
    name = link(links.message(cards.get(request_id)), phrases.name(one, naming))
    return f"{mark} *{name}* {' · '.join((phrases.versions(one), *facts))}{links.to_console(one)}"


def fitting(parts: Mapping[str, Sequence[str]], most: int) -> dict[str, Sequence[str]]:
    """Keep as many rows of each part as fit, as Slack counts; longer parts get the space that shorter ones leave."""
    kept: dict[str, Sequence[str]] = dict.fromkeys(parts, ())
    sizes = {name: list(accumulate(counted(line) + 1 for line in lines)) for name, lines in parts.items()}
    for waiting, name in enumerate(sorted(parts, key=lambda name: sizes[name][-1:])):
        kept[name] = parts[name][: bisect_right(sizes[name], most // (len(parts) - waiting))]
        most -= sizes[name][len(kept[name]) - 1] if kept[name] else 0
    return kept


def _mark(upgrade: ScheduledUpgrade) -> str:
    return standing.NEEDS_A_LOOK if _overruns(upgrade) else standing.mark_of(upgrade.status)


def _overruns(upgrade: ScheduledUpgrade) -> bool:
    return upgrade.overrun_told and upgrade.status == "IN_PROGRESS"


def _of_upgrade(upgrade: ScheduledUpgrade) -> tuple[str, ...]:
    words = "still running after its window" if _overruns(upgrade) else _STATUSES.get(upgrade.status)
    window = span(upgrade.window) if upgrade.window else "no window yet"
    outside = () if upgrade.request_id else ("scheduled outside Slack",)
    return (window, words or phrases.status(upgrade.status), *outside)


def _of_request(request: UpgradeRequest) -> tuple[str, ...]:
    words = _STATES.get(request.state, request.state.words)
    if request.state is State.PENDING_APPROVAL:
        tally = f"{len(request.votes)} of {request.required}"
        words = f"waiting for approval, {tally}, until {when(request.deadline)}"
    start = (phrases.starts(request),) if request.state in UNFINISHED else ()
    return (words, *start, f"requested by {mention(request.requester)}")
