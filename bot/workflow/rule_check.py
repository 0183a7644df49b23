"""Every rule put together once: quorum, requesters, versions, lead time, freezes, allowed times, `after`, reason.

It answers with findings. Who asks chooses the words, or has them said by `words` where a sentence is stored.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeVar

from bot.domain.calendar import AnyFreeze
from bot.domain.cluster import Catalog, Cluster, Organisation
from bot.domain.errors import RuleBroken
from bot.domain.findings import (
    AboutTime,
    AlreadyRuns,
    BreaksRule,
    ClusterDown,
    ClusterGone,
    ClusterMoved,
    ClusterNotChosen,
    EmergencyOnlyByApprover,
    EmergencyUnapproved,
    Finding,
    NextFit,
    NoLongerRequester,
    NoWindows,
    TooFar,
    TooFewApprovers,
    VersionChanged,
    VersionNotOffered,
    WindowsUnread,
)
from bot.domain.form import (
    LEAD,
    Form,
    broken_rules,
    forbidden_time,
    is_frozen,
    is_within_reach,
    judged_time,
    not_long_enough,
    occasion,
    overridden_freeze,
    problems,
    wrong_change,
)
from bot.domain.freeze import UpgradeFreeze, frozen_rule
from bot.domain.naming import PLAIN, Naming
from bot.domain.people import MemberId
from bot.domain.policy import Policy, Rule, other_eyes
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.domain.slots import Search, Slots, fitting_slots
from bot.domain.windows import Window
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import Stale
from bot.workflow.permissions import Permissions, Words
from bot.workflow.ports import BeginReading, Clock, ReadOnlyWork, UnitOfWork

OfTime = TypeVar("OfTime", bound=AboutTime)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """The cluster as it is now, what changed (`sentences` say it, to be stored), and when it would be upgraded now."""

    cluster: Cluster
    changes: tuple[Finding, ...]
    sentences: tuple[str, ...]
    estimate: Window | None

    def void(self, request: UpgradeRequest, *, at: datetime) -> UpgradeRequest:
        """Start the request's vote again."""
        return request.void(self.cluster, *self.sentences, at=at, estimate=self.estimate)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a form comes to so far.

    `broken` is what forbids it, `notes` is what else a person should know, `estimate` the window in which the upgrade
    would run (or the start as a moment), `may_override` whether there is a freeze that the person could override,
    `overridden` the one that is, and `slots` are the next times that fit.
    """

    broken: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    estimate: Window | None
    may_override: bool
    overridden: AnyFreeze | None
    slots: Slots


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleCheck:
    """Checks against policy, catalog and people as they are now; `zone` is the one of maintenance windows."""

    policy: Policy
    catalog_cache: CatalogCache
    permissions: Permissions
    read: BeginReading
    now: Clock
    zone: tzinfo
    words: Words
    naming: Naming = PLAIN

    def rule(self, request: UpgradeRequest) -> Rule:
        """Return the rule in force for the environment in which the cluster is now."""
        found = self.catalog_cache.find(request.cluster_identity)
        place = found[1] if found else request
        rule = self.policy.rule(place.organisation, place.environment)
        return other_eyes(rule) if request.emergency else rule

    async def _frozen(self, work: ReadOnlyWork, organisation: Organisation, environment: str) -> Rule:
        rule = self.policy.rule(organisation, environment)
        return frozen_rule(rule, organisation, await work.freezes.standing(), now=self.now())

    async def before_submission(self, work: UnitOfWork, request: UpgradeRequest) -> None:
        """Judge the time once more in the transaction that begins a submission; raises Stale when it is forbidden now.

        So a freeze that was stored before holds, and none can be set until the transaction has ended.
        """
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None:
            raise Stale("the cluster is no longer in the catalog")
        cluster = found[1]
        freezes = await work.freezes.before_submission(cluster.organisation, cluster.environment)
        rule = frozen_rule(self.rule(request), cluster.organisation, freezes, now=self.now())
        if forbidden_time(rule, self._judged_time(request, cluster), override=request.override):
            raise Stale("its time was forbidden while it was checked")

    def _judged_time(self, request: UpgradeRequest, cluster: Cluster) -> Window | None:
        start, ignore = request.start, request.ignore_windows
        return judged_time(cluster, start=start, ignore_windows=ignore, now=self.now(), zone=self.zone)

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
        cluster = found[1]
        changes: list[Finding] = []
        if _place(cluster) != _place(request):
            of_both = Naming.among({cluster.organisation, request.organisation})
            naming = of_both if of_both.several else self.naming
            changes.append(ClusterMoved(cluster=naming.cluster(cluster), before=naming.cluster(request)))
        if cluster.version != request.from_version:
            name = self.naming.cluster(cluster)
            changes.append(VersionChanged(cluster=name, version=cluster.version, before=request.from_version))
        if not changes:
            return None
        return Drift(
            cluster=cluster,
            changes=tuple(changes),
            sentences=tuple(self.words.sentence(change) for change in changes),
            estimate=self.expected(request, now=self.now()),
        )

    def can_go_on(self, request: UpgradeRequest) -> bool:
        """Whether the version is on offer for the cluster as it is now, so that there is something to vote on."""
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None:
            return False
        catalog, cluster = found
        return request.to_version in catalog.offered_to(cluster, allow_downgrade=self.rule(request).allow_downgrade)

    async def form(self, form: Form, *, lead: timedelta = LEAD) -> tuple[Finding, ...]:
        """Return what is wrong with a filled-in form; empty when it may be requested."""
        found = await self.catalog_cache.find_or_renew(form.cluster_identity)
        if found is None:
            return (ClusterNotChosen(),)
        catalog, cluster = found
        rule, succeeded = await self._judging(cluster.organisation, cluster.environment, form.version)
        wrong = problems(
            form, catalog=catalog, rule=rule, now=self.now(), zone=self.zone, succeeded=succeeded, lead=lead
        )
        search = self._search(form, cluster, rule, succeeded, reader=rule.zone)
        if not any(isinstance(one, TooFar) for one in wrong):
            search = replace(search, since=form.start)
        return tuple(_with_next_fit(one, search) if isinstance(one, AboutTime) else one for one in wrong)

    async def preview(self, form: Form, cluster: Cluster, *, reader: tzinfo = UTC) -> Preview:
        """Return what a form, in which this cluster is chosen, comes to while it is filled in.

        `reader` is the time zone of the person who fills it in.
        """
        rule, succeeded = await self._judging(cluster.organisation, cluster.environment, form.version)
        now = self.now()
        start = form.start if form.start and is_within_reach(form.start, now) else None
        when = judged_time(cluster, start=start, ignore_windows=form.ignore_windows, now=now, zone=self.zone)
        at = when.start if when else now
        broken = [
            forbidden_time(rule, when, override=form.override),
            not_long_enough(rule, form.version, succeeded=succeeded, at=at) if form.version else None,
        ]
        overrides = overridden_freeze(rule, when, override=form.override)
        notes = [
            TooFar() if form.start and not start else None,
            ClusterDown(cluster=cluster.full_name, status=cluster.status) if cluster.is_down else None,
            overrides,
            EmergencyUnapproved() if form.emergency and rule.emergency else None,
            _about_windows(cluster),
        ]
        return Preview(
            broken=tuple(one for one in broken if one),
            notes=tuple(one for one in notes if one),
            estimate=occasion(cluster, start=start, ignore_windows=form.ignore_windows, now=now, zone=self.zone),
            may_override=rule.override and is_frozen(rule, when),
            overridden=overrides.freeze if overrides else None,
            slots=fitting_slots(self._search(form, cluster, rule, succeeded, reader=reader)),
        )

    async def fitting_start(self, form: Form, *, reader: tzinfo) -> datetime | None:
        """Return the start that is filled in while it fits, else the next one that does; None when none does."""
        found = await self.catalog_cache.find_or_renew(form.cluster_identity)
        if found is None:
            return form.start if form.start and form.start > self.now() else None
        cluster = found[1]
        rule, succeeded = await self._judging(cluster.organisation, cluster.environment, form.version)
        search = self._search(form, cluster, rule, succeeded, reader=reader)
        if form.start and search.fits(form.start):
            return form.start
        return next(iter(fitting_slots(replace(search, since=form.start)).starts), None)

    def _search(
        self, form: Form, cluster: Cluster, rule: Rule, succeeded: Mapping[str, datetime], *, reader: tzinfo
    ) -> Search:
        """Return the search for times that fit; `after` counts once there is a version for which it could."""
        return Search(
            cluster=cluster,
            version=form.version or "",
            rule=rule if form.version else replace(rule, after=()),
            ignore_windows=form.ignore_windows,
            override=form.override,
            now=self.now(),
            zone=self.zone,
            reader=reader,
            succeeded=succeeded,
        )

    async def quorum(self, rule: Rule, *, requester: MemberId, needed: int) -> TooFewApprovers | None:
        """Return that fewer people may approve than are needed; raises MembersUnavailable."""
        found = await self.permissions.enough_approvers(rule, requester=requester, needed=needed)
        if found is None:
            return None
        return TooFewApprovers(
            environment=rule.environment, approvals=needed, found=found, besides_requester=not rule.self_approval
        )

    async def request(
        self, request: UpgradeRequest, *, freezes: Collection[UpgradeFreeze] | None = None
    ) -> Finding | None:
        """Return the first rule that forbids the request now, None when it may go ahead.

        `freezes` are those that stand, for who judges many requests by one reading of them; None reads them.
        """
        found = self.catalog_cache.find(request.cluster_identity)
        if found is None:
            return ClusterGone(cluster=self.naming.cluster(request))
        catalog, cluster = found
        rule = self.rule(request)
        if off_offer := self._off_offer(request, catalog, cluster, rule):
            return off_offer
        if wrong := wrong_change(rule, request.change):
            return wrong
        place = cluster.organisation, cluster.environment
        rule, succeeded = await self._judging(*place, request.to_version, freezes=freezes)
        when = self._judged_time(request, cluster)
        broken = broken_rules(
            rule, request.to_version, when=when, override=request.override, succeeded=succeeded, now=self.now()
        )
        first = next(broken, None)
        return first and _with_next_fit(first, self._search_again(request, cluster, rule, succeeded))

    async def submission(self, request: UpgradeRequest) -> Finding | None:
        """Return the first rule that forbids submitting it now, also of who may request; raises MembersUnavailable."""
        rule = self.rule(request)
        if not await self.permissions.may_request(request.requester, rule):
            return NoLongerRequester(member=request.requester, environment=request.environment)
        if request.emergency and not await self.permissions.may_approve(request.requester, rule):
            return EmergencyOnlyByApprover(member=request.requester, environment=request.environment)
        return await self.request(request)

    async def window(
        self, work: ReadOnlyWork, upgrade: ScheduledUpgrade, window: Window, request: UpgradeRequest | None
    ) -> BreaksRule | None:
        """Return the rule that the window chosen by the cloud breaks; `after` counts only for what was requested."""
        rule = frozen_rule(
            self.policy.rule_of(upgrade), upgrade.organisation, await work.freezes.standing(), now=self.now()
        )
        when = Window(start=window.start, end=window.start) if request and request.ignore_windows else window
        if request is None:
            rule = replace(rule, after=())
        succeeded = await _first_successes(work, upgrade.organisation, rule, upgrade.to_version) if rule.after else {}
        override = request.override if request else False
        broken = broken_rules(
            rule, upgrade.to_version, when=when, override=override, succeeded=succeeded, now=window.start
        )
        first, found = next(broken, None), self.catalog_cache.find(upgrade.cluster_identity)
        if first is None or found is None:
            return first
        return _with_next_fit(first, self._search_again(request or upgrade, found[1], rule, succeeded))

    def _search_again(
        self,
        one: UpgradeRequest | ScheduledUpgrade,
        cluster: Cluster,
        rule: Rule,
        succeeded: Mapping[str, datetime],
    ) -> Search:
        """Return the search for another time for what was requested, from the start that was wanted on."""
        form = Form(version=one.to_version)
        if isinstance(one, UpgradeRequest):
            form = replace(form, start=one.start, ignore_windows=one.ignore_windows, override=one.override)
        return replace(self._search(form, cluster, rule, succeeded, reader=rule.zone), since=form.start)

    async def check(self, request: UpgradeRequest) -> None:
        """Raise RuleBroken when a rule forbids the request now."""
        if broken := await self.request(request):
            raise RuleBroken(broken)

    async def _judging(
        self,
        organisation: Organisation,
        environment: str,
        version: str | None,
        *,
        freezes: Collection[UpgradeFreeze] | None = None,
    ) -> tuple[Rule, Mapping[str, datetime]]:
        """Return the rule in force, and when the version first succeeded where `after` of that rule asks for it."""
        of_policy = self.policy.rule(organisation, environment)
        if freezes is not None and not (of_policy.after and version):
            return frozen_rule(of_policy, organisation, freezes, now=self.now()), {}
        async with self.read() as work:
            rule = await self._frozen(work, organisation, environment)
            if not rule.after or not version:
                return rule, {}
            return rule, await _first_successes(work, organisation, rule, version)

    def _off_offer(
        self, request: UpgradeRequest, catalog: Catalog, cluster: Cluster, rule: Rule
    ) -> AlreadyRuns | VersionNotOffered | None:
        if request.to_version in catalog.offered_to(cluster, allow_downgrade=rule.allow_downgrade):
            return None
        name = self.naming.cluster(request)
        if cluster.version == request.to_version:
            return AlreadyRuns(cluster=name, version=request.to_version)
        return VersionNotOffered(version=request.to_version, cluster=name, runs=cluster.version)


def _with_next_fit(finding: OfTime, search: Search) -> OfTime:
    """Return what was found with the next time that fits, if there is one."""
    start = next(iter(fitting_slots(search).starts), None)
    return finding if start is None else replace(finding, next_fit=NextFit(start=start, zone=search.rule.zone))


async def _first_successes(
    work: ReadOnlyWork, organisation: Organisation, rule: Rule, version: str
) -> Mapping[str, datetime]:
    """Return when a version first succeeded in each environment that `after` names."""
    return await work.upgrades.first_success(organisation, [earlier for earlier, _ in rule.after], version)


def _about_windows(cluster: Cluster) -> NoWindows | WindowsUnread | None:
    schedule = cluster.schedule
    if schedule is None or (schedule.is_complete and not schedule.windows):
        return NoWindows(cluster=cluster.full_name)
    return None if schedule.is_complete else WindowsUnread(cluster=cluster.full_name, some=bool(schedule.windows))


def _place(one: Cluster | UpgradeRequest) -> tuple[str, str, str]:
    return one.organisation, one.environment, one.slug if isinstance(one, Cluster) else one.cluster
