"""Judging a request again: has the cluster changed since, is the version still on offer, does a rule forbid it now."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.domain.cluster import Catalog, Cluster
from bot.domain.errors import RuleBroken
from bot.domain.form import breach, judged_time, occasion, unproven
from bot.domain.naming import PLAIN, Naming
from bot.domain.policy import Policy, Rule
from bot.domain.request import UpgradeRequest
from bot.domain.windows import Window
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.ports import BeginReading, Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """The cluster as it is now, sentences about what changed, and when it would be upgraded now."""

    cluster: Cluster
    changes: tuple[str, ...]
    estimate: Window | None

    def void(self, request: UpgradeRequest, *, at: datetime) -> UpgradeRequest:
        """Start the request's vote again."""
        return request.void(self.cluster, *self.changes, at=at, estimate=self.estimate)


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """Holds a request against policy and catalog as they are now; `zone` is the one of maintenance windows."""

    policy: Policy
    catalog_cache: CatalogCache
    read: BeginReading
    now: Clock
    zone: tzinfo
    naming: Naming = PLAIN

    def rule(self, request: UpgradeRequest) -> Rule:
        """Return the rule in force for the environment in which the cluster is now."""
        found = self.catalog_cache.find(request.cluster_identity)
        place = found[1] if found else request
        return self.policy.rule(place.organisation, place.environment)

    def expected(self, request: UpgradeRequest, *, now: datetime) -> Window | None:
        """Return the window in which the request would run by what is known now, None when nothing can tell."""
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None:
            return None
        return occasion(found[1], start=request.start, ignore_windows=request.ignore_windows, now=now, zone=self.zone)

    def drift(self, request: UpgradeRequest) -> Drift | None:
        """Return what has changed of the cluster since it was voted on: its version, its name, where it is."""
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None:
            return None
        cluster, changes = found[1], []
        if _place(cluster) != _place(request):
            of_both = Naming.among({cluster.organisation, request.organisation})
            naming = of_both if of_both.several else self.naming
            then, now = naming.cluster(request), naming.cluster(cluster)
            changes.append(f"The cluster is called {now} now; it was {then} when this was asked.")
        if cluster.version != request.from_version:
            name = self.naming.cluster(cluster)
            changes.append(f"{name} runs {cluster.version} now; it ran {request.from_version} when this was asked.")
        if not changes:
            return None
        return Drift(cluster=cluster, changes=tuple(changes), estimate=self.expected(request, now=self.now()))

    def can_go_on(self, request: UpgradeRequest) -> bool:
        """Whether the version is on offer for the cluster as it is now, so that there is something to vote on."""
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None:
            return False
        catalog, cluster = found
        return request.to_version in catalog.offered_to(cluster, allow_downgrade=self.rule(request).allow_downgrade)

    async def broken_rule(self, request: UpgradeRequest) -> str | None:
        """Return the sentence of the first rule that forbids the request now, None when it may go ahead."""
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None:
            return f"{self.naming.cluster(request)} is no longer in the catalog of Avisi Cloud."
        catalog, cluster = found
        rule = self.rule(request)
        if text := self._off_offer(request, catalog, cluster, rule):
            return text
        now = self.now()
        when = judged_time(cluster, start=request.start, ignore_windows=request.ignore_windows, now=now, zone=self.zone)
        if text := breach(rule, when, override=request.override):
            return text
        environments = [environment for environment, _ in rule.after]
        if not environments:
            return None
        async with self.read() as work:
            succeeded = await work.upgrades.first_success(request.organisation, environments, request.to_version)
        return unproven(rule, request.to_version, succeeded=succeeded, at=when.start if when else now)

    async def check(self, request: UpgradeRequest) -> None:
        """Raise RuleBroken when a rule forbids the request now."""
        if text := await self.broken_rule(request):
            raise RuleBroken(text)

    def _off_offer(self, request: UpgradeRequest, catalog: Catalog, cluster: Cluster, rule: Rule) -> str | None:
        if request.to_version in catalog.offered_to(cluster, allow_downgrade=rule.allow_downgrade):
            return None
        if cluster.version == request.to_version:
            return f"{self.naming.cluster(request)} already runs {request.to_version}."
        return f"{request.to_version} is no longer on offer for {self.naming.cluster(request)} ({cluster.version})."


def _place(one: Cluster | UpgradeRequest) -> tuple[str, str, str]:
    return one.organisation, one.environment, one.slug if isinstance(one, Cluster) else one.cluster
