"""What has to be announced, worked out anew from what list answers showed, without the bot's own rules."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.sandbox.avisi.world import ScheduledUpgrade

OPEN = {"REQUESTED", "SCHEDULED", "SCHEDULED_NOTIFIED", "IN_PROGRESS"}
FINAL = {"SUCCEEDED", "FAILED", "MISSED", "SUPERSEDED"}
ANNOUNCED = {"SCHEDULED_NOTIFIED", "FAILED", "MISSED"}
WENT_WRONG = {"FAILED", "MISSED"}
A_MINUTE = timedelta(minutes=1)
LEADS = (timedelta(hours=24), timedelta(hours=1))
FREEZE = (datetime.fromisoformat("2026-12-20T00:00+00:00"), datetime.fromisoformat("2027-01-04T00:00+00:00"))
CHANNELS = ("C0GENERAL", "C0PROD", "C0UPGRADES")
CONCERNED = {"acme": ("C0PROD", "C0UPGRADES"), "globex": ("C0GENERAL",)}

Told = tuple[str, str]
"""What kind of message, about which cluster (or organisation)."""


@dataclass(frozen=True, slots=True)
class Last:
    """How a poll saw an upgrade last."""

    status: str
    start: datetime | None
    end: datetime | None
    name: str
    organisation: str
    environment: str


@dataclass(frozen=True, slots=True)
class Froze:
    """A freeze that somebody set: where, from when, and until when it holds."""

    places: frozenset[tuple[str, str]]
    since: datetime
    until: datetime
    lifted: bool = False


@dataclass(slots=True)
class Oracle:
    """Keeps what was seen, and what is to be told for it in each channel since it was last asked.

    `moved_at` is when an upgrade was last seen to move, `asked_at` when it was last asked for, `overran` which of them
    are known to run past their window, and `outcome` how the last one of each cluster ended.
    """

    clock: Callable[[], datetime]
    expected: dict[str, Counter[Told]] = field(default_factory=lambda: {one: Counter() for one in CHANNELS})
    last: dict[str, Last] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    baselined: set[str] = field(default_factory=set)
    moved_at: dict[str, datetime] = field(default_factory=dict)
    asked_at: dict[str, datetime] = field(default_factory=dict)
    overran: set[str] = field(default_factory=set)
    outcome: dict[str, str] = field(default_factory=dict)
    freezes: dict[str, Froze] = field(default_factory=dict)
    _polls: dict[str, int] = field(default_factory=dict)
    _read_at: dict[str, datetime] = field(default_factory=dict)
    _failures: Counter[str] = field(default_factory=Counter)
    _once: set[tuple[str, ...]] = field(default_factory=set)

    def answered(self, upgrade: ScheduledUpgrade) -> None:
        """Note what the answer to a request showed: it is ours now, and its window is judged."""
        self.last[upgrade.identity] = last = _last(upgrade)
        self.asked_at[upgrade.identity] = self.moved_at[upgrade.identity] = self.clock()
        if self._is_broken(last):
            self._tell(last, "broke")

    def froze(self, reason: str, places: Collection[tuple[str, str]], until: datetime) -> None:
        """Note a freeze that somebody set: each channel of its environments is told once."""
        self.freezes[reason] = Froze(frozenset(places), since=self.clock(), until=until)
        for channel in {_channel(organisation, environment) for organisation, environment in places}:
            self.expected[channel]["frozen", reason] += 1

    def lifted(self, reason: str) -> None:
        """Note that a freeze was lifted."""
        self.freezes[reason] = replace(self.freezes[reason], until=self.clock(), lifted=True)

    def poll_begins(self, organisation: str) -> None:
        """Note that a poll of an organisation begins."""
        self._polls[organisation] = self._polls.get(organisation, 0) + 1

    def listed(self, organisation: str, upgrades: Iterable[ScheduledUpgrade]) -> None:
        """Note what one page of a list showed."""
        for upgrade in upgrades:
            before, now = self.last.get(upgrade.identity), _last(upgrade)
            if before is None and now.status not in OPEN:
                continue
            self.last[upgrade.identity] = now
            if before is None and organisation not in self.baselined:
                continue
            self._moved(upgrade.identity, before, now)

    def _moved(self, identity: str, before: Last | None, now: Last) -> None:
        if before == now:
            return
        self.moved_at[identity] = self.clock()
        window_moved = before is None or (before.start, before.end) != (now.start, now.end)
        if before is None or before.status != now.status:
            self.seen[now.status] += 1
            if before is None or now.status in ANNOUNCED or self._is_all_clear(identity, now):
                self._tell(now, now.status)
            if now.status in WENT_WRONG | {"SUCCEEDED"}:
                self.outcome[now.name] = now.status
        elif window_moved and not self._is_broken(now) and (now.status in ANNOUNCED or self._is_broken(before)):
            self._tell(now, "window moved")
        if window_moved and self._is_broken(now):
            self._tell(now, "broke")
        self.overran.discard(identity)

    def polled(self, organisation: str, *, readable: bool, now: datetime) -> None:
        """Note how a poll ended: blind from the second failure on, as steps are longer than ten minutes."""
        if readable:
            self._read_at[organisation] = now
            self.baselined.add(organisation)
            if self._failures.pop(organisation, 0) > 1:
                self._tell_all("sees", organisation)
            return
        self._failures[organisation] += 1
        if self._failures[organisation] == 2:
            self._tell_all("blind", organisation)

    def looked_round(self, now: datetime) -> None:
        """Work out the countdowns and overruns of this moment."""
        for identity, one in self.last.items():
            if one.start is None or one.end is None or one.status in FINAL:
                continue
            if one.status == "IN_PROGRESS":
                read_after = self._read_at.get(one.organisation, one.end) > one.end
                if read_after and self._first("overran", identity, one.end.isoformat()):
                    self._tell(one, "overrunning")
                    self.overran.add(identity)
                continue
            begun = [lead for lead in LEADS if one.start - lead <= now < one.start]
            due = bool(begun) and now - (one.start - min(begun)) <= min(begun) / 4
            if due and self._first("near", identity, one.start.isoformat(), str(min(begun))):
                self._count_down(identity, one, one.start - min(begun))

    def _count_down(self, identity: str, one: Last, due: datetime) -> None:
        """Expect a countdown, but where the reminder has just told it, or the window was as near when it was asked."""
        just_told = one.status in ANNOUNCED and identity in self.moved_at and self.moved_at[identity] > due - A_MINUTE
        if not just_told and not (identity in self.asked_at and self.asked_at[identity] > due - A_MINUTE):
            self._tell(one, "near")

    def _is_all_clear(self, identity: str, now: Last) -> bool:
        """Whether the channel waits for this end: it overran, or what was tried before went wrong."""
        if identity in self.overran and now.status in FINAL - WENT_WRONG:
            return True
        return now.status == "SUCCEEDED" and self.outcome.get(now.name) in WENT_WRONG

    def _is_broken(self, one: Last) -> bool:
        """Whether the window of an upgrade that has not begun lies in a freeze, of the policy or of people."""
        if one.start is None or one.end is None or one.status not in OPEN - {"IN_PROGRESS"}:
            return False
        production = one.environment == "production" and one.organisation == "acme"
        if production and one.start < FREEZE[1] and one.end > FREEZE[0]:
            return True
        return any(
            (one.organisation, one.environment) in freeze.places
            and self.clock() < freeze.until
            and one.start < freeze.until
            and one.end > freeze.since
            for freeze in self.freezes.values()
        )

    def _tell(self, one: Last, kind: str) -> None:
        self.expected[_channel(one.organisation, one.environment)][kind, one.name] += 1

    def _tell_all(self, kind: str, organisation: str) -> None:
        for channel in CONCERNED[organisation]:
            self.expected[channel][kind, organisation] += 1

    def _first(self, *key: str) -> bool:
        if key in self._once:
            return False
        self._once.add(key)
        return True


def _channel(organisation: str, environment: str) -> str:
    production = "C0PROD" if environment == "production" else "C0UPGRADES"
    return "C0GENERAL" if organisation == "globex" else production


def _last(upgrade: ScheduledUpgrade) -> Last:
    return Last(
        status=upgrade.status,
        start=upgrade.window_start,
        end=upgrade.window_end,
        name=f"{upgrade.organisation}/{upgrade.environment}/{upgrade.cluster}",
        organisation=upgrade.organisation,
        environment=upgrade.environment,
    )
