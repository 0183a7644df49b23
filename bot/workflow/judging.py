"""Judging a request again: has the cluster changed since, is the version still on offer, does a rule forbid it now."""

from dataclasses import dataclass
from datetime import tzinfo

from bot.domain.cluster import Catalog, Cluster
from bot.domain.errors import RuleBroken
from bot.domain.form import breach, judged_time, unproven
from bot.domain.naming import PLAIN, Naming
from bot.domain.policy import Policy, Rule
from bot.domain.request import UpgradeRequest
from bot.workflow.ports import BeginWork, Clock
from bot.workflow.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Judging:
    """Holds a request against policy and catalog as they are now; `zone` is the one of maintenance windows."""

    policy: Policy
    shelf: Shelf
    look: BeginWork
    now: Clock
    zone: tzinfo
    naming: Naming = PLAIN

    def rule(self, request: UpgradeRequest) -> Rule:
        """Return the rule in force for the request's environment."""
        return self.policy.rule(request.organisation, request.environment)

    def drift(self, request: UpgradeRequest) -> tuple[str, str] | None:
        """Return the version the cluster runs now and a sentence, when it is not the one that was voted on."""
        found = self.shelf.find(request.cluster_identity)
        if found is None or found[1].version == request.from_version:
            return None
        current = found[1].version
        return current, (
            f"{self.naming.cluster(request)} runs {current} now; it ran {request.from_version} when this was asked."
        )

    async def broken_rule(self, request: UpgradeRequest) -> str | None:
        """Return the sentence of the first rule that forbids the request now, None when it may go ahead."""
        found = self.shelf.find(request.cluster_identity)
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
        async with self.look() as work:
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
