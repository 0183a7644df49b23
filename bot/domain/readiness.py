"""Readiness: what an approver would want to know of an upgrade before deciding, and the verdict that follows from it.

Pure: facts about Kubernetes, the cluster, its node pools and its alerts come in; typed lines and a verdict come out.
What is missing is a line of its own and never makes the verdict greener.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from bot.domain.cluster import Cluster
from bot.domain.versions import KubernetesVersion, Step, step

SOON = 60
"""Days before its end of life from which a target counts as a warning."""
RUNNING = frozenset({"running", "started"})
"""Cluster states in which nothing unusual goes on; the API sends `started` for `running` (avisi-cloud go-client)."""
STOPPED = frozenset({"stopped", "stopping", "deleting", "deleted"})
"""Cluster states in which an upgrade cannot run."""

Minor = tuple[int, int]


class Level(StrEnum):
    """What a line counts as."""

    FINE = "fine"
    WARNING = "warning"
    UNKNOWN = "unknown"
    BLOCKING = "blocking"


class Verdict(StrEnum):
    """The sum of all lines, worst first: a cluster that cannot be upgraded, missing knowledge, warnings, nothing."""

    NOT_READY = "not ready"
    UNDETERMINED = "cannot be determined"
    WARNINGS = "ready with warnings"
    READY = "ready"


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovedApi:
    """A version of an API that a minor stops serving: `group/version` and kind. `replacement` is None for none."""

    api: str
    kind: str
    served_by_default: bool
    replacement: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MinorFacts:
    """What is known of one upstream minor. `end_of_life` is its last day of support (UTC), final or only planned."""

    end_of_life: date
    planned: bool
    removed: tuple[RemovedApi, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class KubernetesFacts:
    """What upstream Kubernetes says of its minors, known until `as_of`."""

    as_of: date
    minors: Mapping[Minor, MinorFacts]

    @property
    def newest(self) -> Minor:
        """Return the newest minor that is known."""
        return max(self.minors)


class PoolUpgrade(StrEnum):
    """What an upgrade does to the workloads of a node pool (docs.avisi.cloud, upgrades; terraform-acloud-nodepool)."""

    NEW_NODES = "new nodes"
    DRAINED = "drained, then upgraded in place"
    IN_PLACE = "upgraded in place, pods stay"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePool:
    """A node pool. `strategy` is the vendor's word, such as `REPLACE`; pools of one name differ by `zone`."""

    name: str
    strategy: str
    zone: str = ""

    def on(self, taken: Step) -> PoolUpgrade:
        """Return what an upgrade by this step does to what runs there."""
        match self.strategy, taken is Step.MINOR:
            case ("REPLACE", _) | ("REPLACE_MINOR_INPLACE_PATCH" | "REPLACE_MINOR_INPLACE_PATCH_WITHOUT_DRAIN", True):
                return PoolUpgrade.NEW_NODES
            case ("INPLACE", _) | ("REPLACE_MINOR_INPLACE_PATCH", False):
                return PoolUpgrade.DRAINED
            case ("INPLACE_WITHOUT_DRAIN", _) | ("REPLACE_MINOR_INPLACE_PATCH_WITHOUT_DRAIN", False):
                return PoolUpgrade.IN_PLACE
            case _:
                return PoolUpgrade.UNKNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """An alert that fires in an observability tenant. `key` tells it apart: its labels, sorted."""

    name: str
    key: str
    active_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """Something that could not be read: `why` in two or three words, such as `403` or `no answer`.

    `pending` while nobody has tried yet, so that it may still be filled in.
    """

    why: str
    pending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NotMonitored:
    """The cluster has no observability tenant, or the tenant knows no alerts (404)."""


Alerts = tuple[Alert, ...] | NotMonitored | Unread
Pools = tuple[NodePool, ...] | Unread


@dataclass(frozen=True, kw_only=True, slots=True)
class EndOfLife:
    """Upstream end of life of the minor a cluster runs and of the one it gets; None for a minor nobody knows."""

    today: date
    running: Minor | None
    running_ends: date | None
    target: Minor | None
    target_ends: date | None

    @property
    def level(self) -> Level:
        """Count it as a warning when the target has ended or ends soon."""
        if self.target_ends is None:
            return Level.UNKNOWN
        return Level.WARNING if (self.target_ends - self.today).days <= SOON else Level.FINE


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovedApis:
    """What the minors on the way stop serving, beta and stable. `known` is False where the facts do not reach."""

    removed: tuple[RemovedApi, ...]
    known: bool = True

    @property
    def level(self) -> Level:
        """Count it as a warning when one of them was served by default."""
        if not self.known:
            return Level.UNKNOWN
        return Level.WARNING if any(one.served_by_default for one in self.removed) else Level.FINE


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """Which step this is of how many to the newest version on offer; always the first. `steps` is None if unknown."""

    steps: int | None
    newest: str

    level: Level = field(default=Level.FINE, init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolsLine:
    """What the upgrade does in each node pool."""

    step: Step
    pools: Pools

    level: Level = field(default=Level.FINE, init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertsLine:
    """What fires just now."""

    alerts: Alerts

    @property
    def level(self) -> Level:
        """Count it as a warning unless the tenant was read and is quiet."""
        return Level.FINE if self.alerts == () else Level.WARNING


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterLine:
    """What else may happen to the cluster: upgrades by the platform, one that it follows, its own state.

    `follows` is the `environment/slug` of its upstream cluster, `status` the vendor's word, empty when it gave none.
    """

    auto_upgrade: bool
    follows: str
    status: str

    @property
    def level(self) -> Level:
        """A stopped or disappearing cluster blocks; anything else that is unusual is a warning."""
        if self.status.lower() in STOPPED:
            return Level.BLOCKING
        unusual = self.auto_upgrade or bool(self.follows) or self.status.lower() not in RUNNING
        return Level.WARNING if unusual else Level.FINE


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseNotes:
    """Where to read more; `minor` is the target's."""

    minor: Minor | None

    level: Level = field(default=Level.FINE, init=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """How far the facts about Kubernetes reach."""

    as_of: date
    newest: Minor
    target: Minor | None

    @property
    def level(self) -> Level:
        """A target that is newer than the facts, or cannot be read, cannot be judged."""
        return Level.UNKNOWN if self.target is None or self.target > self.newest else Level.FINE


Line = EndOfLife | RemovedApis | Path | PoolsLine | AlertsLine | ClusterLine | ReleaseNotes | Data


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """All lines in the order in which they are shown, and the verdict."""

    lines: tuple[Line, ...]

    @property
    def warnings(self) -> tuple[Line, ...]:
        """Return the lines that are not fine, the gravest first."""
        order = (Level.BLOCKING, Level.UNKNOWN, Level.WARNING)
        return tuple(line for level in order for line in self.lines if line.level is level)

    @property
    def verdict(self) -> Verdict:
        """Return the sum: `Not ready` beats `Cannot be determined` beats warnings beats `Ready`."""
        levels = {line.level for line in self.lines}
        if Level.BLOCKING in levels:
            return Verdict.NOT_READY
        if Level.UNKNOWN in levels:
            return Verdict.UNDETERMINED
        return Verdict.WARNINGS if Level.WARNING in levels else Verdict.READY

    @property
    def pending(self) -> tuple[Line, ...]:
        """Return the lines about what has not been read yet, so that they may still be filled in."""

        def is_pending(read: Pools | Alerts) -> bool:
            return isinstance(read, Unread) and read.pending

        return tuple(
            line
            for line in self.lines
            if (isinstance(line, PoolsLine) and is_pending(line.pools))
            or (isinstance(line, AlertsLine) and is_pending(line.alerts))
        )

    @property
    def is_pending(self) -> bool:
        """Whether something has not been read yet."""
        return bool(self.pending)

    @property
    def alerts(self) -> Alerts:
        """Return what its line about alerts says."""
        return next((line.alerts for line in self.lines if isinstance(line, AlertsLine)), Unread(why="unknown"))

    def warnings_since(self, before: "Readiness") -> tuple[Line, ...]:
        """Return the warnings that were none, or not as grave, before."""
        known = before.kinds_of_warnings
        return tuple(line for line in self.warnings if (type(line), line.level) not in known)

    @property
    def kinds_of_warnings(self) -> frozenset[tuple[type, Level]]:
        """Return which lines are not fine, and how grave each is: what the verdict comes from."""
        return frozenset((type(line), line.level) for line in self.warnings)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadinessReading:
    """A readiness as it was stored for a request. `number` is the store's, 0 before that; `at` is aware UTC."""

    number: int = 0
    at: datetime
    readiness: Readiness


def readiness(
    facts: KubernetesFacts,
    cluster: Cluster,
    *,
    target: str,
    on_offer: Sequence[str],
    pools: Pools,
    alerts: Alerts,
    at: datetime,
) -> Readiness:
    """Judge an upgrade of a cluster to `target` at a moment (aware UTC); `on_offer` is newest first."""
    here, there = KubernetesVersion.parse(cluster.version).minor, KubernetesVersion.parse(target).minor
    return Readiness(
        lines=(
            EndOfLife(
                today=at.astimezone(UTC).date(),
                running=here,
                running_ends=end_of_life(facts, here),
                target=there,
                target_ends=end_of_life(facts, there),
            ),
            _removed(facts, here, there),
            _path(target, on_offer),
            PoolsLine(step=step(cluster.version, target), pools=pools),
            AlertsLine(alerts=alerts),
            ClusterLine(auto_upgrade=cluster.auto_upgrade, follows=cluster.follows, status=cluster.status),
            ReleaseNotes(minor=there),
            Data(as_of=facts.as_of, newest=facts.newest, target=there),
        )
    )


def end_of_life(facts: KubernetesFacts, minor: Minor | None) -> date | None:
    """Return the last day of support of a minor upstream, None where it is not known."""
    known = facts.minors.get(minor) if minor else None
    return known.end_of_life if known else None


def _removed(facts: KubernetesFacts, here: Minor | None, there: Minor | None) -> RemovedApis:
    if here is None or there is None or here[0] != there[0]:
        return RemovedApis(removed=(), known=False)
    way = [(there[0], minor) for minor in range(here[1] + 1, there[1] + 1)]
    oldest = min(facts.minors)
    known = all(minor in facts.minors and minor > oldest for minor in way)
    return RemovedApis(
        removed=tuple(api for minor in way if minor in facts.minors for api in facts.minors[minor].removed), known=known
    )


def _path(target: str, on_offer: Sequence[str]) -> Path:
    versions = [KubernetesVersion.parse(one) for one in on_offer]
    there = KubernetesVersion.parse(target)
    newest = max((one for one in versions if one.numbers), key=lambda one: one.numbers or (), default=None)
    if newest is None or newest.numbers is None or there.numbers is None or newest.numbers[0] != there.numbers[0]:
        return Path(steps=None, newest=newest.text if newest else "")
    if newest.numbers <= there.numbers:
        return Path(steps=1, newest=target)
    minors = newest.numbers[1] - there.numbers[1]
    return Path(steps=1 + max(minors, 1), newest=newest.text)
