"""How a scheduled upgrade moves from status to status as simulated time passes. Knows no HTTP."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.sandbox.avisi.quirks import Pace, Quirks
from bot.sandbox.avisi.windows import next_window
from bot.sandbox.avisi.world import Cluster, Organisation, ScheduledUpgrade, World

RUNNING = ("running", "started")
OUTCOMES = ("succeed", "fail", "miss", "supersede", "overrun")


class Lifecycle:
    """Moves every upgrade at its own moment, in order, however far the clock has gone since.

    `next_outcome` is what becomes of the next upgrade that would start. `automatic` False leaves all moves to tests.
    `moved` is called after each change of a record.
    """

    def __init__(self, world: World, quirks: Quirks, pace: Pace, moved: Callable[[], None]) -> None:
        self.quirks = quirks
        self.pace = pace
        self.automatic = True
        self.next_outcome = "succeed"
        self.moves = 0
        self._world = world
        self._moved = moved
        self._queue: list[tuple[datetime, int, ScheduledUpgrade]] = []
        self._numbers = itertools.count()

    def next_due(self) -> datetime | None:
        """When the next upgrade moves by itself; None when none will."""
        while self._queue and self._queue[0][2].due != self._queue[0][0]:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue and self.automatic else None

    def settle(self, now: datetime) -> None:
        """Make every move that is due by now, each stamped with its own moment."""
        while (due := self.next_due()) is not None and due <= now:
            _, _, upgrade = heapq.heappop(self._queue)
            upgrade.due = None
            self._fire(upgrade, due)

    def enter(self, upgrade: ScheduledUpgrade, status: str, *, at: datetime, reason: str | None = None) -> None:
        """Put an upgrade into a status and plan its next move."""
        if status == "IN_PROGRESS":
            upgrade.outcome = upgrade.outcome or self._draw_outcome()
            self._set_version(upgrade, upgrade.to_version, at)
        if status == "FAILED" and self.quirks.version_after_failure == "from":
            self._set_version(upgrade, upgrade.from_version, at)
        if status == "SUCCEEDED":
            self._set_version(upgrade, upgrade.to_version, at)
        upgrade.status = status
        upgrade.reason = reason
        upgrade.modified_at = at
        self.moves += 1
        self.plan(upgrade, at=at)

    def plan(self, upgrade: ScheduledUpgrade, *, at: datetime) -> None:
        """Work out when this upgrade moves next, from the status that it has had since `at`."""
        self.resume(upgrade, due=self._due(upgrade, at))

    def resume(self, upgrade: ScheduledUpgrade, *, due: datetime | None) -> None:
        """Let an upgrade move at a known moment."""
        upgrade.due = due
        if due is not None:
            heapq.heappush(self._queue, (due, next(self._numbers), upgrade))
        self._moved()

    def begin_again(self) -> None:
        """Forget what was planned and take up every record of the world where it stands."""
        self._queue.clear()
        for owner in self._world.organisations.values():
            for upgrade in owner.upgrades.values():
                self.resume(upgrade, due=upgrade.due)

    def window_for(
        self, owner: Organisation, cluster: Cluster, *, after: datetime, ignore: bool
    ) -> tuple[datetime, datetime] | None:
        """Decide when an upgrade may run: the next window, or a fixed time from `after` when windows are ignored."""
        if ignore:
            return after, after + self.pace.ignored_window
        return next_window(owner.windows(cluster), after, ZoneInfo(self.quirks.window_zone))

    def _due(self, upgrade: ScheduledUpgrade, at: datetime) -> datetime | None:
        start, end = upgrade.window_start, upgrade.window_end
        if upgrade.status == "REQUESTED":
            return at + self.pace.scheduling if start or self._find_window(upgrade, at) else None
        if start is None or end is None:
            return None
        match upgrade.status:
            case "SCHEDULED" if not self.quirks.skip_notified:
                return max(at + self.pace.notifying, start - self.pace.notice)
            case "SCHEDULED" | "SCHEDULED_NOTIFIED":
                begins = max(at + self.pace.starting, start)
                return begins if begins < end else max(at, end)
            case "IN_PROGRESS":
                return self._ends(upgrade, at, end)
        return None

    def _ends(self, upgrade: ScheduledUpgrade, at: datetime, end: datetime) -> datetime:
        if upgrade.outcome == "overrun":
            return max(at, end) + self.pace.running
        room = max(end - at, timedelta(minutes=1)) * 3 / 4
        return at + min(self.pace.running, room)

    def _fire(self, upgrade: ScheduledUpgrade, at: datetime) -> None:
        match upgrade.status:
            case "REQUESTED":
                self._schedule(upgrade, at)
            case "SCHEDULED" if not self.quirks.skip_notified:
                self.enter(upgrade, "SCHEDULED_NOTIFIED", at=at, reason="Contacts of the organisation were notified")
            case "SCHEDULED" | "SCHEDULED_NOTIFIED":
                self._begin(upgrade, at)
            case "IN_PROGRESS" if upgrade.outcome == "fail":
                self.enter(upgrade, "FAILED", at=at, reason="Nodes did not become ready within the allotted time")
            case "IN_PROGRESS":
                self.enter(upgrade, "SUCCEEDED", at=at, reason=f"Cluster runs {upgrade.to_version}")

    def _schedule(self, upgrade: ScheduledUpgrade, at: datetime) -> None:
        if upgrade.window_start is None:
            window = self._find_window(upgrade, at)
            if window is None:
                self.plan(upgrade, at=at)
                return
            upgrade.window_start, upgrade.window_end = window
        self.enter(upgrade, "SCHEDULED", at=at)

    def _begin(self, upgrade: ScheduledUpgrade, at: datetime) -> None:
        cluster = self._cluster(upgrade)
        late = upgrade.window_end is not None and at >= upgrade.window_end
        if cluster is None or cluster.deleted_at or cluster.status not in RUNNING:
            self.enter(upgrade, "SUPERSEDED", at=at, reason="The status of the cluster changed")
        elif cluster.version != upgrade.from_version:
            self.enter(upgrade, "SUPERSEDED", at=at, reason=f"The cluster already went to {cluster.version}")
        elif late:
            self.enter(upgrade, "MISSED", at=at, reason="The upgrade did not start inside its window")
        else:
            self._start(upgrade, at)

    def _start(self, upgrade: ScheduledUpgrade, at: datetime) -> None:
        upgrade.outcome = upgrade.outcome or self._draw_outcome()
        if upgrade.outcome == "miss":
            self.resume(upgrade, due=upgrade.window_end)
        elif upgrade.outcome == "supersede":
            self.enter(upgrade, "SUPERSEDED", at=at, reason="The version of the update channel moved on")
        else:
            self.enter(upgrade, "IN_PROGRESS", at=at, reason="Control plane and nodes are being upgraded")

    def _draw_outcome(self) -> str:
        outcome, self.next_outcome = self.next_outcome, "succeed"
        return outcome

    def _cluster(self, upgrade: ScheduledUpgrade) -> Cluster | None:
        return self._world.organisations[upgrade.organisation].clusters.get(upgrade.cluster_identity)

    def _find_window(self, upgrade: ScheduledUpgrade, at: datetime) -> tuple[datetime, datetime] | None:
        cluster = self._cluster(upgrade)
        if cluster is None:
            return None
        after = max(at, upgrade.schedule_request_date or at)
        owner = self._world.organisations[upgrade.organisation]
        return self.window_for(owner, cluster, after=after, ignore=upgrade.ignore_maintenance_schedule)

    def _set_version(self, upgrade: ScheduledUpgrade, version: str, at: datetime) -> None:
        cluster = self._cluster(upgrade)
        if cluster is not None and cluster.version != version:
            cluster.version = version
            cluster.modified_at = at
