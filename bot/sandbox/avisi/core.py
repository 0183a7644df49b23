"""The simulated cloud without HTTP: what exists, what moves, and how a test or the panel pushes it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.avisi.content import TOKEN, acme_world, fleet, identity_of
from bot.sandbox.avisi.lifecycle import OUTCOMES, Lifecycle
from bot.sandbox.avisi.monitoring import fire
from bot.sandbox.avisi.quirks import Pace, Quirks
from bot.sandbox.avisi.scheduling import Wish, schedule
from bot.sandbox.avisi.snapshot import plain, shaped
from bot.sandbox.avisi.world import Cluster, Organisation, ScheduledUpgrade, World
from bot.sandbox.clock import SimulatedClock

SNAPSHOT_FORMAT = 1


class Changes:
    """A number that rises with every change, and a way to wait for the next one."""

    def __init__(self) -> None:
        self.number = 0
        self.requests = 0
        self._event = asyncio.Event()

    def bump(self) -> None:
        """Something other than the time changed."""
        self.number += 1
        self._tell()

    def bump_requests(self) -> None:
        """Nothing but the count of requests changed."""
        self.requests += 1
        self._tell()

    def next(self) -> asyncio.Event:
        """Give an event that is set by the next change."""
        return self._event

    def _tell(self) -> None:
        self._event.set()
        self._event = asyncio.Event()


class CloudCore:
    """Everything about the simulated cloud that needs no connection.

    `world` is what exists (edit it freely), `quirks` how the undocumented parts behave, `pace` how long things take,
    `token` a token that sees every organisation.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        *,
        world: World | None = None,
        organisations: int = 1,
        quirks: Quirks | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.clock = clock
        self.world = world or acme_world(organisations=organisations)
        self.token = next(iter(self.world.tokens), TOKEN)
        self.quirks = quirks or Quirks()
        self.pace = pace or Pace()
        self.changes = Changes()
        self.lifecycle = Lifecycle(self.world, self.quirks, self.pace, self.changes.bump)
        self.accepted: list[tuple[str, Wish]] = []
        """Every request that was accepted and by whom it came, `bot` or `console`, in order: what tests count."""

    @property
    def upgrades(self) -> list[ScheduledUpgrade]:
        """Every scheduled upgrade of every organisation as it is now, oldest first."""
        self.settle()
        found = [upgrade for owner in self.world.organisations.values() for upgrade in owner.upgrades.values()]
        return sorted(found, key=lambda upgrade: upgrade.created_at)

    def settle(self) -> None:
        """Make every move that is due by now. Reading over HTTP and moving the clock do this by themselves."""
        self.lifecycle.settle(self.clock())

    def upgrade(self, identity: str) -> ScheduledUpgrade:
        """Find one upgrade as it is now; KeyError when there is none."""
        self.settle()
        return self._owner_of(identity).upgrades[identity]

    def organisation(self, slug: str = "acme") -> Organisation:
        """Find an organisation; KeyError when there is none."""
        return self.world.organisations[slug]

    def cluster(self, name: str) -> Cluster:
        """Find a cluster by identity, `environment/slug` or `organisation/environment/slug`; KeyError when none."""
        for owner in self.world.organisations.values():
            if name in owner.clusters:
                return owner.clusters[name]
            for cluster in owner.clusters.values():
                short = f"{cluster.environment}/{cluster.slug}"
                if name in {short, f"{owner.slug}/{short}"}:
                    return cluster
        raise KeyError(name)

    def many_clusters(self, count: int, organisation: str = "acme") -> list[Cluster]:
        """Add a fleet."""
        added = fleet(self.organisation(organisation), count)
        self.changes.bump()
        return added

    def fire(self, tenant: str, alert: str, *, firing: bool = True, organisation: str = "acme") -> None:
        """Switch an alert of an observability tenant on from now, or off."""
        fire(self.organisation(organisation).tenants[tenant], alert, firing=firing, at=self.clock())
        self.changes.bump()

    def resize_fleet(self, count: int, organisation: str = "acme") -> None:
        """Let an organisation have exactly so many clusters that are not deleted."""
        owner = self.organisation(organisation)
        there = [cluster for cluster in owner.clusters.values() if cluster.deleted_at is None]
        for cluster in there[count:]:
            del owner.clusters[cluster.identity]
        fleet(owner, max(0, count - len(there)))
        self.changes.bump()

    def outcome(self, outcome: str, *, identity: str | None = None) -> None:
        """Choose what becomes of the next upgrade that starts, or of one: succeed, fail, miss, supersede, overrun."""
        if outcome not in OUTCOMES:
            raise ValueError(f"An outcome is one of {', '.join(OUTCOMES)}.")
        if identity is None:
            self.lifecycle.next_outcome = outcome
        else:
            upgrade = self.upgrade(identity)
            upgrade.outcome = outcome
            self.lifecycle.plan(upgrade, at=upgrade.modified_at)
        self.changes.bump()

    def accept(self, owner: Organisation, wish: Wish, *, by: str) -> ScheduledUpgrade:
        """Do the work of the POST; Problem when the platform will not."""
        self.settle()
        now = self._second()
        upgrade = schedule(self.world, owner, wish, self.lifecycle, now=now, by=by)
        self.accepted.append((by, wish))
        return upgrade

    def schedule_elsewhere(
        self, cluster: str, version: str, *, date: datetime | None = None, ignore: bool = False
    ) -> ScheduledUpgrade:
        """Schedule an upgrade as somebody in the console would; Problem when the platform will not."""
        found = self.cluster(cluster)
        wish = Wish(cluster_identity=found.identity, version=version, date=date, ignore=ignore)
        return self.accept(self._owner_of_cluster(found), wish, by="console")

    def record(
        self,
        cluster: str,
        version: str,
        *,
        status: str,
        window: tuple[datetime, datetime] | None = None,
        from_version: str | None = None,
        by: str = "console",
    ) -> ScheduledUpgrade:
        """Put in a record as it is, past any rule."""
        found = self.cluster(cluster)
        owner = self._owner_of_cluster(found)
        now = self._second()
        number = len(owner.upgrades_of.get(found.identity, []))
        upgrade = owner.add(
            ScheduledUpgrade(
                identity=identity_of(owner.slug, found.identity, str(number), now.isoformat()),
                organisation=owner.slug,
                cluster_identity=found.identity,
                cluster=found.slug,
                environment=found.environment,
                from_version=from_version or found.version,
                to_version=version,
                status=status,
                created_at=now,
                modified_at=now,
                window_start=window[0] if window else None,
                window_end=window[1] if window else None,
                requested_by=by,
            )
        )
        self.lifecycle.plan(upgrade, at=now)
        return upgrade

    def move(
        self,
        identity: str,
        status: str,
        *,
        reason: str | None = None,
        window: tuple[datetime, datetime] | None = None,
    ) -> ScheduledUpgrade:
        """Push an upgrade to a status, any word; it goes on from there by itself when the clock says so."""
        upgrade = self.upgrade(identity)
        if window is not None:
            upgrade.window_start, upgrade.window_end = window
        self.lifecycle.enter(upgrade, status, at=self._second(), reason=reason)
        return upgrade

    def forget(self, identity: str) -> ScheduledUpgrade:
        """Lose a record, as if it had never been there; returns it, so that it can be put back by its owner's `add`."""
        owner = self._owner_of(identity)
        upgrade = owner.upgrades.pop(identity)
        owner.upgrades_of[upgrade.cluster_identity].remove(identity)
        self.lifecycle.resume(upgrade, due=None)
        self.changes.bump()
        return upgrade

    def publish(self, channel: str, version: str, organisation: str = "acme") -> list[ScheduledUpgrade]:
        """Let an update channel point at another version; clusters with auto-upgrade get one scheduled."""
        owner = self.organisation(organisation)
        owner.channels[channel].version = version
        self.changes.bump()
        return [
            self.accept(owner, Wish(cluster_identity=cluster.identity, version=version), by="console")
            for cluster in owner.clusters.values()
            if cluster.auto_upgrade and cluster.channel == channel and cluster.schedule and not cluster.deleted_at
        ]

    def step(self) -> datetime | None:
        """Jump the clock to the next status of any upgrade and stop there; None when nothing will move."""
        self.settle()
        moves = self.lifecycle.moves
        while self.lifecycle.moves == moves:
            due = self.lifecycle.next_due()
            if due is None:
                return None
            self.clock.pause()
            self.clock.jump(max(due, self.clock()))
            self.settle()
        return self.clock()

    def snapshot(self) -> dict[str, Any]:
        """Write everything as JSON values; faults and most quirks are not kept."""
        self.settle()
        return {
            "format": SNAPSHOT_FORMAT,
            "now": self.clock().isoformat(),
            "world": plain(self.world),
            "next_outcome": self.lifecycle.next_outcome,
            "reschedule": self.quirks.reschedule,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Replace the world by a snapshot's and set the clock to its moment; ValueError when it cannot be read."""
        if saved.get("format") != SNAPSHOT_FORMAT:
            raise ValueError("This is not a snapshot of the simulated cloud that this version can read.")
        try:
            world = shaped(World, saved["world"])
            now = datetime.fromisoformat(saved["now"])
            outcome, reschedule = str(saved["next_outcome"]), str(saved["reschedule"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("The snapshot of the simulated cloud is damaged.") from error
        self.world.organisations, self.world.versions = world.organisations, world.versions
        self.world.tokens = world.tokens
        self.token = next(iter(world.tokens))
        self.outcome(outcome)
        self.quirks.reschedule = reschedule
        self.lifecycle.begin_again()
        self.clock.jump(now)

    def _owner_of(self, identity: str) -> Organisation:
        for owner in self.world.organisations.values():
            if identity in owner.upgrades:
                return owner
        raise KeyError(identity)

    def _owner_of_cluster(self, cluster: Cluster) -> Organisation:
        return next(owner for owner in self.world.organisations.values() if cluster.identity in owner.clusters)

    def _second(self) -> datetime:
        now = self.clock()
        return now if self.quirks.fractions else now - timedelta(microseconds=now.microsecond)
