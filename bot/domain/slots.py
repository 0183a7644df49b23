"""Times that fit: the next moments at which windows, allowed times, freezes, `after` and the lead time all agree.

The search asks the same functions that check a request, so what is offered here is accepted there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from bot.domain.cluster import Cluster
from bot.domain.findings import BreaksRule
from bot.domain.form import LEAD, broken_rules, judged_time
from bot.domain.policy import Rule
from bot.domain.windows import Window, windows_from

SEARCHED = timedelta(days=90)
MOST = 3
_GRID = timedelta(minutes=5)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What a time is wanted for.

    `succeeded` maps environments to when the version first succeeded there; `zone` is that of maintenance windows,
    `reader` that of the person who will read the answer. Nothing before `since` is looked at.
    """

    cluster: Cluster
    version: str
    rule: Rule
    ignore_windows: bool
    override: bool
    now: datetime
    zone: tzinfo
    reader: tzinfo
    succeeded: Mapping[str, datetime]
    since: datetime | None = None

    @property
    def begins(self) -> datetime:
        """Return where the search begins."""
        return max(self.since or self.now, self.now)

    @property
    def earliest(self) -> datetime:
        """Return the first full five minutes in it that the lead time allows."""
        return _on_grid(max(self.begins, self.now + LEAD))

    @property
    def last(self) -> datetime:
        """Return where the search ends."""
        return self.begins + SEARCHED

    def broken_rule(self, start: datetime) -> BreaksRule | None:
        """Return what forbids this start, None when it fits."""
        when = judged_time(self.cluster, start=start, ignore_windows=self.ignore_windows, now=self.now, zone=self.zone)
        broken = broken_rules(
            self.rule, self.version, when=when, override=self.override, succeeded=self.succeeded, now=start
        )
        return next(broken, None)

    def fits(self, start: datetime) -> bool:
        """Whether a request for this start is accepted."""
        return start >= self.earliest and self.broken_rule(start) is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Slots:
    """Up to three starts that fit (aware UTC), soonest first.

    Without any, `broken` is the rule that is in the way to the end of the search, None where there are no windows.
    """

    starts: tuple[datetime, ...]
    broken: BreaksRule | None = None


NO_SLOTS = Slots(starts=())


def fitting_slots(search: Search) -> Slots:
    """Find the next times that fit within 90 days."""
    found = _moments(search) if search.ignore_windows else _in_windows(search)
    starts = tuple(start for _, start in zip(range(MOST), found, strict=False))
    if starts:
        return Slots(starts=starts)
    return Slots(starts=(), broken=search.broken_rule(search.last) or search.broken_rule(search.earliest))


def _in_windows(search: Search) -> Iterator[datetime]:
    """Yield the first fitting start of each window; one that overlaps a window with such a start is no other time."""
    if search.cluster.schedule is None:
        return
    changes = sorted({search.earliest, *_changes(search)})
    reached: datetime | None = None
    for window in windows_from(search.cluster.schedule, after=search.begins, zone=search.zone, until=search.last):
        if reached is not None and window.start < reached:
            continue
        candidates = [window.start, *(one for one in changes if window.start < one < window.end)]
        fitting = next((one for one in candidates if search.fits(one)), None)
        if fitting is not None:
            yield fitting
            reached = window.end


def _moments(search: Search) -> Iterator[datetime]:
    """Yield the first moment that fits, then one in each allowed stretch, or at the same hour of each day."""
    changes = sorted({search.earliest, *_changes(search)})
    first = next((one for one in changes if search.fits(one)), None)
    if first is None:
        return
    yield first
    stretches = _stretches(search)
    if not stretches:
        yield from _same_hour(first, search)
        return
    reached = next((one.end for one in stretches if one.start <= first < one.end), first)
    for stretch in stretches:
        candidates = [_on_grid(stretch.start), *(one for one in changes if stretch.start < one < stretch.end)]
        fitting = next((one for one in candidates if one >= reached and search.fits(one)), None)
        if fitting is not None:
            yield fitting
            reached = stretch.end


def _same_hour(first: datetime, search: Search) -> Iterator[datetime]:
    local = first.astimezone(search.reader)
    for ahead in range(1, SEARCHED.days):
        start = datetime.combine(local.date() + ahead * _A_DAY, local.time(), tzinfo=search.reader).astimezone(UTC)
        if search.fits(start):
            yield start


def _changes(search: Search) -> Iterator[datetime]:
    """Yield every moment at which a rule may stop forbidding."""
    rule = search.rule
    moments = [freeze.end(rule.zone) for freeze in rule.freezes]
    moments += [since + wait for environment, wait in rule.after if (since := search.succeeded.get(environment))]
    moments += [stretch.start for stretch in _stretches(search)]
    for moment in moments:
        if search.earliest < (changed := _on_grid(moment)) <= search.last:
            yield changed


def _stretches(search: Search) -> list[Window]:
    """Return the stretches of allowed time, soonest first; those that touch are one. None: any time is allowed."""
    rule = search.rule
    today, days = search.begins.astimezone(rule.zone).date(), SEARCHED.days + 1
    found = sorted(
        (
            stretch
            for allowed in rule.allowed
            for stretch in allowed.stretches(today - _A_DAY, days=days, zone=rule.zone)
        ),
        key=lambda one: (one.start, one.end),
    )
    return [one for one in found if one.end > search.begins]


def _on_grid(moment: datetime) -> datetime:
    """Return the first full five minutes at or after a moment."""
    utc = moment.astimezone(UTC)
    over = timedelta(minutes=utc.minute % 5, seconds=utc.second, microseconds=utc.microsecond)
    return utc if not over else utc - over + _GRID
