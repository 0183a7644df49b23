"""Readiness in words: the panel of the modal and one line for the card. All of it is safe mrkdwn."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final, TypeVar, assert_never

from bot.domain.events import AlertsBegan, AnyEvent, ReadinessChanged
from bot.domain.naming import Naming
from bot.domain.readiness import (
    RUNNING,
    STOPPED,
    AlertsLine,
    ClusterLine,
    Data,
    EndOfLife,
    Level,
    Line,
    Minor,
    NodePool,
    NotMonitored,
    Path,
    PoolsLine,
    PoolUpgrade,
    Readiness,
    ReleaseNotes,
    RemovedApi,
    RemovedApis,
    Unread,
    Verdict,
)
from bot.domain.request import UpgradeRequest
from bot.notifications import ids, phrases
from bot.notifications.blocks import Block, View, context, section
from bot.notifications.text import escape, link, units, when

Item = TypeVar("Item")

_SECTION: Final = 2900
_SHORT: Final = 2
"""Blocks of a panel whose lines fit into one."""
_MOST_APIS: Final = 8
_MOST_POOLS: Final = 6
_MOST_ALERTS: Final = 5
_ON_THE_CARD: Final = 2
"""Warnings that the card names."""
_RELEASE_NOTES: Final = "https://docs.avisi.cloud/docs/product/overview/release-notes"
_CHANGELOG: Final = "https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-{minor}.md"
_UNSEEN: Final = "It cannot be seen from here whether anything uses them."
FILLS_IN: Final = "Avisi Cloud is being asked. This fills itself in."
LABELS: Final[Mapping[type[Line], str]] = {
    EndOfLife: "End of life",
    RemovedApis: "Removed APIs",
    Path: "Path",
    PoolsLine: "Node pools",
    AlertsLine: "Alerts",
    ClusterLine: "Cluster",
    ReleaseNotes: "Release notes",
    Data: "Data",
}
_POOL_WORDS: Final = {
    PoolUpgrade.NEW_NODES: "new nodes; workloads move to them before the old ones are removed",
    PoolUpgrade.DRAINED: "each node is drained, then upgraded in place; workloads move away meanwhile",
    PoolUpgrade.IN_PLACE: "nodes are upgraded in place; workloads stay where they are",
}


def verdict(found: Readiness) -> str:
    """Say the verdict: `Ready, with 2 warnings`."""
    match found.verdict:
        case Verdict.NOT_READY:
            return "Not ready"
        case Verdict.UNDETERMINED:
            return "Cannot be determined"
        case Verdict.READY:
            return "Ready"
        case Verdict.WARNINGS:
            return f"Ready, with {_count(len(found.warnings), 'warning')}"


def card_line(found: Readiness) -> str:
    """Say verdict and the first two warnings: `Ready, with 1 warning: 1.34 ended 33 days ago`."""
    warnings = [warning(line) for line in found.warnings[:_ON_THE_CARD]]
    return f"{verdict(found)}: {'; '.join(warnings)}" if warnings else verdict(found)


def lines(found: Readiness) -> tuple[tuple[str, str], ...]:
    """Return label and text of each line, in order."""
    return tuple((LABELS[type(line)], words(line)) for line in found.lines)


def panel(found: Readiness, *, to: str = "") -> tuple[Block, ...]:
    """Draw the verdict and all lines, those that are not fine marked as such in words; `to` names the version."""
    title = f"Readiness for {escape(to, 80)}" if to else "Readiness"
    parts = _packed(_marked(line) for line in found.lines)
    return (section(f"*{title}: {verdict(found)}*"), *(section(part) for part in parts))


def modal(request: UpgradeRequest, found: Readiness, *, note: str, naming: Naming) -> View:
    """Draw the modal behind the button of a card; `note` says how fresh it is."""
    return View(
        type="modal",
        callback_id=ids.CallbackId.READINESS,
        title="Readiness",
        close="Close",
        blocks=(
            section(f"*{phrases.name(request, naming)}*: {phrases.versions(request)}"),
            *panel(found),
            context(note),
        ),
    )


def as_read(read_at: datetime | None) -> str:
    """Say how fresh a readiness is; `read_at` is when the cluster itself was read, None if it never was."""
    cluster = f"The cluster was read {when(read_at)}" if read_at else "Avisi Cloud does not list this cluster"
    return f"{cluster}; node pools and alerts are at most a minute old."


def answer(found: Readiness, *, target: str) -> tuple[Block, ...]:
    """Draw it for the answer about a cluster; in short when it would take up too much of that."""
    drawn = panel(found, to=target)
    return drawn if len(drawn) == _SHORT else (section(f"*Readiness for {escape(target, 80)}*: {card_line(found)}"),)


def rest(before: Readiness, found: Readiness) -> Block:
    """Draw the lines that `before` still lacked."""
    lacking = {type(line) for line in before.pending}
    return section("\n".join(_marked(line) for line in found.lines if type(line) in lacking))


def words(line: Line) -> str:  # noqa: PLR0911 - one for each line
    """Say what a line says."""
    match line:
        case EndOfLife():
            return _end_of_life(line)
        case RemovedApis():
            return _removed(line)
        case Path():
            return _path(line)
        case PoolsLine():
            return _pools(line)
        case AlertsLine():
            return _alerts(line)
        case ClusterLine():
            return _cluster(line)
        case ReleaseNotes():
            return _release_notes(line)
        case Data():
            return _data(line)
    assert_never(line)


def warning(line: Line) -> str:  # noqa: PLR0911 - as above
    """Say in a few words why a line is not fine."""
    match line:
        case EndOfLife():
            if line.target_ends is None:
                return f"the end of life of {_minor(line.target)} is not known"
            return f"{_minor(line.target)} {_ends(line.target_ends, line.today)}"
        case RemovedApis():
            if not line.known:
                return "what it stops serving is not known"
            served = sum(api.served_by_default for api in line.removed)
            return f"{_count(served, 'API')} served by default {'is' if served == 1 else 'are'} removed"
        case AlertsLine():
            return _short_alerts(line)
        case ClusterLine():
            return next(iter(_unusual(line)), "nothing unusual")
        case Data():
            if line.target is None:
                return "the target version cannot be read"
            return f"{_minor(line.target)} is newer than the Kubernetes facts, which go up to {_minor(line.newest)}"
        case Path() | PoolsLine() | ReleaseNotes():
            return words(line)
    assert_never(line)


def heading(event: AnyEvent) -> str | None:
    """Say in a few words what happened; None for events of other stories."""
    match event:
        case ReadinessChanged():
            return "Readiness changed"
        case AlertsBegan():
            return "New alerts after the upgrade"
        case _:
            return None


def story(event: AnyEvent) -> tuple[str, ...] | None:
    """Tell it; None for events of other stories."""
    match event:
        case ReadinessChanged():
            return (f"Readiness changed since the request: {_changed(event)}.",)
        case AlertsBegan():
            count = len(event.alerts)
            names = _listed([escape(name, 100) for name in event.alerts], _MOST_ALERTS)
            began = f"{count} alerts began since the upgrade started and still fire"
            return (f"{'1 alert began since the upgrade started and still fires' if count == 1 else began}: {names}.",)
        case _:
            return None


def _changed(event: ReadinessChanged) -> str:
    new = [warning(line) for line in event.now.warnings_since(event.before)[:_ON_THE_CARD]]
    return "; ".join(new) or f'"{verdict(event.before)}" then, "{verdict(event.now)}" now'


def _end_of_life(line: EndOfLife) -> str:
    known = [(line.running, line.running_ends)]
    if line.target != line.running:
        known.append((line.target, line.target_ends))
    return "; ".join(_dated(minor, ends, line.today) for minor, ends in known)


def _dated(minor: Minor | None, ends: date | None, today: date) -> str:
    if ends is None:
        return f"that of {_minor(minor)} is not known"
    day = f"{ends.day} {ends:%b %Y}"
    left = (ends - today).days
    when = "today" if left == 0 else f"in {_count(left, 'day')}" if left > 0 else f"{_count(-left, 'day')} ago"
    return f"{_minor(minor)} {'ended' if left < 0 else 'ends'} on {day} ({when})"


def _ends(ends: date, today: date) -> str:
    left = (ends - today).days
    if left == 0:
        return "ends today"
    return f"ends in {_count(left, 'day')}" if left > 0 else f"ended {_count(-left, 'day')} ago"


def _removed(line: RemovedApis) -> str:
    if not line.known:
        return f"cannot be told for these versions. {_UNSEEN}"
    if not line.removed:
        return f"none at beta or stable. {_UNSEEN}"
    together = _by(line.removed[:_MOST_APIS], lambda api: (api.api, api.replacement, api.served_by_default))
    more = [f"and {len(line.removed) - _MOST_APIS} more"] if len(line.removed) > _MOST_APIS else []
    return f"{'; '.join([*map(_apis, together), *more])}. {_UNSEEN}"


def _apis(alike: Sequence[RemovedApi]) -> str:
    """Say `FlowSchema, PriorityLevelConfiguration of flowcontrol.apiserver.k8s.io/v1beta3 (use v1)`."""
    one = alike[0]
    instead = "no replacement"
    if one.replacement:
        (group, _, _), (new_group, _, version) = one.api.rpartition("/"), one.replacement.rpartition("/")
        instead = f"use {escape(version if group == new_group else one.replacement, 80)}"
    off = "" if one.served_by_default else ", off by default"
    kinds = ", ".join(escape(api.kind, 80) for api in alike)
    return f"{kinds} of {escape(one.api, 80)} ({instead}{off})"


def _path(line: Path) -> str:
    newest = escape(line.newest, 80) if line.newest else ""
    if line.steps is None:
        return f"cannot be counted to {newest}" if newest else "no other version is on offer"
    if line.steps == 1:
        return "step 1 of 1; this is the newest version on offer"
    return f"step 1 of {line.steps} to {newest}, the newest version on offer"


def _pools(line: PoolsLine) -> str:
    if isinstance(line.pools, Unread):
        return _unread(line.pools)
    if not line.pools:
        return "none"

    def does(pool: NodePool) -> str:
        strategy = f"`{escape(pool.strategy, 60)}`" if pool.strategy else "none"
        return _POOL_WORDS.get(pool.on(line.step), f"what happens is not known (strategy {strategy})")

    alike = _by(line.pools[:_MOST_POOLS], does)
    said = [f"{', '.join(map(_pool, pools))}: {does(pools[0])}" for pools in alike]
    more = [f"and {len(line.pools) - _MOST_POOLS} more"] if len(line.pools) > _MOST_POOLS else []
    return said[0] if len(said) == 1 and not more else "".join(f"\n• {one}" for one in [*said, *more])


def _pool(pool: NodePool) -> str:
    return f"{escape(pool.name, 80)} ({escape(pool.zone, 40)})" if pool.zone else escape(pool.name, 80)


def _alerts(line: AlertsLine) -> str:
    match line.alerts:
        case Unread() as unread:
            return _unread(unread)
        case NotMonitored():
            return "not monitored"
        case ():
            return "none firing"
        case alerts:
            names = _listed([escape(alert.name, 100) for alert in alerts], _MOST_ALERTS)
            return f"{_firing(len(alerts))}: {names}"


def _short_alerts(line: AlertsLine) -> str:
    match line.alerts:
        case Unread(pending=True):
            return "alerts are being read"
        case Unread() as unread:
            return f"alerts {_unread(unread)}"
        case NotMonitored():
            return "it is not monitored"
        case alerts:
            return _firing(len(alerts))


def _firing(count: int) -> str:
    return "1 alert is firing" if count == 1 else f"{count} alerts are firing"


def _unread(unread: Unread) -> str:
    return "being read" if unread.pending else f"could not be read ({escape(unread.why, 60)})"


def _cluster(line: ClusterLine) -> str:
    said = []
    if line.auto_upgrade:
        said.append("Auto-upgrade is on: Avisi Cloud also schedules upgrades by itself, when the update channel moves.")
    if line.follows:
        said.append(f"It follows {escape(line.follows, 200)}, which should usually be upgraded first.")
    if line.status.lower() in STOPPED:
        said.append(f"It is {escape(line.status.lower(), 40)}, so an upgrade of it cannot run.")
    elif not line.status:
        said.append("Avisi Cloud does not say what state it is in.")
    elif line.status.lower() not in RUNNING:
        said.append(f"Its status is {escape(line.status.lower(), 40)}, not running.")
    return " ".join(said) or "running; nothing unusual"


def _unusual(line: ClusterLine) -> Iterator[str]:
    status = line.status.lower()
    if status in STOPPED:
        yield f"the cluster is {escape(status, 40)}"
    if line.auto_upgrade:
        yield "auto-upgrade is on"
    if line.follows:
        yield f"it follows {escape(line.follows, 200)}"
    if status not in RUNNING:
        yield f"its status is {escape(status, 40)}" if status else "its status is not known"


def _release_notes(line: ReleaseNotes) -> str:
    vendor = link(_RELEASE_NOTES, "Avisi Cloud")
    if line.minor is None:
        return vendor
    return f"{vendor}, {link(_CHANGELOG.format(minor=_minor(line.minor)), f'Kubernetes {_minor(line.minor)}')}"


def _data(line: Data) -> str:
    facts = f"Kubernetes facts of {line.as_of:%Y-%m}, up to {_minor(line.newest)}"
    return facts if line.level is Level.FINE else f"{facts}; {warning(line)}"


def _marked(line: Line) -> str:
    mark = {Level.WARNING: "Warning: ", Level.BLOCKING: "Not ready: ", Level.UNKNOWN: "Cannot be determined: "}
    return f"*{LABELS[type(line)]}:* {mark.get(line.level, '')}{words(line)}"


def _packed(parts: Iterable[str]) -> Iterator[str]:
    """Put parts under each other into as few texts as hold them."""
    held = ""
    for part in parts:
        together = f"{held}\n{part}" if held else part
        if held and units(together) > _SECTION:
            yield held
            together = part
        held = together
    if held:
        yield held


def _by(items: Sequence[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """Put items that are alike together, in the order in which the first of each came."""
    together: dict[Hashable, list[Item]] = {}
    for item in items:
        together.setdefault(key(item), []).append(item)
    return list(together.values())


def _listed(items: Sequence[str], most: int) -> str:
    shown = ", ".join(items[:most])
    return f"{shown}, and {len(items) - most} more" if len(items) > most else shown


def _minor(minor: Minor | None) -> str:
    return f"{minor[0]}.{minor[1]}" if minor else "a version that cannot be read"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
