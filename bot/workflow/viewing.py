"""What people look at: the form as it stands, lists, one cluster, App Home. Reads only; decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.domain.form import (
    LEAD,
    TOO_FAR,
    Form,
    Problem,
    breach,
    is_frozen,
    is_within_reach,
    judged_time,
    occasion,
    overriding,
    problems,
    unproven,
)
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.policy import Policy, Rule
from bot.domain.request import OPEN, RequestId, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.domain.windows import Window
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.ports import BeginReading, Clock
from bot.workflow.repositories import Feed

_LONGEST_LIST = 200
_LATEST = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class FormView:
    """A form together with all that the modal shows around it.

    `estimate` is the window that the upgrade would land in (or the start as a moment); `warnings` are sentences;
    `may_override` is whether the Override freeze box is to be shown.
    """

    form: Form
    cluster: Cluster | None
    rule: Rule | None
    on_offer: tuple[str, ...]
    recommended: str | None
    estimate: Window | None
    warnings: tuple[str, ...]
    may_override: bool
    scheduled: ScheduledUpgrade | None
    waiting: UpgradeRequest | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What is under way: upgrades not final by window, requests not yet submitted, and how fresh it is.

    `more` is whether there are more upgrades than are held here.
    """

    upgrades: tuple[ScheduledUpgrade, ...]
    requests: tuple[UpgradeRequest, ...]
    feeds: tuple[Feed, ...]
    more: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterView:
    """One cluster: what it runs, its latest upgrades and requests, newest first, and how fresh that is."""

    cluster: Cluster
    upgrades: tuple[ScheduledUpgrade, ...]
    requests: tuple[UpgradeRequest, ...]
    feed: Feed


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeView:
    """What App Home of one person shows. Requests are newest first, upgrades by window.

    `ended` are the upgrades of the person's own requests that are not under way any more; `page` is counted from 0;
    `more` is whether there are more upgrades than are held here.
    """

    member: MemberId
    upgrades: tuple[ScheduledUpgrade, ...]
    waiting: tuple[UpgradeRequest, ...]
    own: tuple[UpgradeRequest, ...]
    feeds: tuple[Feed, ...]
    now: datetime
    ended: tuple[ScheduledUpgrade, ...] = ()
    page: int = 0
    more: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewing:
    """Reads for people. `zone` is the one in which maintenance windows are read for estimates."""

    read: BeginReading
    catalog_cache: CatalogCache
    policy: Policy
    organisations: tuple[Organisation, ...]
    now: Clock
    zone: tzinfo

    @property
    def naming(self) -> Naming:
        """Return what clusters are called."""
        return Naming.among(self.organisations)

    def catalogs(self) -> tuple[Catalog, ...]:
        """Return the copies at hand, one for each organisation read so far; no waiting."""
        return self.catalog_cache.catalogs

    def find(self, identity: ClusterIdentity | None) -> tuple[Catalog, Cluster] | None:
        """Return a cluster and its catalog; no waiting."""
        return self.catalog_cache.find(identity)

    async def form(self, form: Form) -> FormView:
        """Work out what the modal shows for what is filled in so far."""
        found = await self._placed(form.cluster_identity)
        if found is None:
            return FormView(
                form=form,
                cluster=None,
                rule=None,
                on_offer=(),
                recommended=None,
                estimate=None,
                warnings=(),
                may_override=False,
                scheduled=None,
                waiting=None,
            )
        catalog, cluster = found
        rule = self.policy.rule(cluster.organisation, cluster.environment)
        now = self.now()
        async with self.read() as work:
            upgrades = await work.upgrades.of_cluster(cluster.identity, limit=_LATEST)
            requests = await work.requests.of_cluster(cluster.identity, *OPEN)
            succeeded = await self._succeeded(cluster, rule, form.version)
        start = form.start if form.start and is_within_reach(form.start, now) else None
        estimate = occasion(cluster, start=start, ignore_windows=form.ignore_windows, now=now, zone=self.zone)
        judged = judged_time(cluster, start=start, ignore_windows=form.ignore_windows, now=now, zone=self.zone)
        starts = judged.start if judged else now
        scheduled = next((upgrade for upgrade in upgrades if not upgrade.is_final), None)
        waiting = requests[0] if requests else None
        on_offer = catalog.offered_to(cluster, allow_downgrade=rule.allow_downgrade)
        notes = [
            TOO_FAR if form.start and not start else None,
            f"{cluster.full_name} is {cluster.status.lower()}, so an upgrade of it may never start."
            if cluster.is_down
            else None,
            breach(rule, judged, override=form.override),
            overriding(rule, judged, override=form.override),
            unproven(rule, form.version, succeeded=succeeded, at=starts) if form.version else None,
            _about_windows(cluster),
        ]
        return FormView(
            form=form,
            cluster=cluster,
            rule=rule,
            on_offer=on_offer,
            recommended=cluster.channel_version if cluster.channel_version in on_offer else None,
            estimate=estimate,
            warnings=tuple(note for note in notes if note),
            may_override=rule.override and is_frozen(rule, judged),
            scheduled=scheduled,
            waiting=waiting,
        )

    async def problems(self, form: Form, *, lead: timedelta = LEAD) -> tuple[Problem, ...]:
        """Check a filled-in form against the copy at hand; empty when it may be requested."""
        found = await self._placed(form.cluster_identity)
        if found is None:
            catalog, rule, succeeded = _NO_CATALOG, Rule(environment=""), {}
        else:
            catalog, cluster = found
            rule = self.policy.rule(cluster.organisation, cluster.environment)
            succeeded = dict(await self._succeeded(cluster, rule, form.version))
        return problems(
            form, catalog=catalog, rule=rule, now=self.now(), zone=self.zone, succeeded=succeeded, lead=lead
        )

    async def request(self, request_id: RequestId) -> UpgradeRequest:
        """Return a request; raises Missing."""
        async with self.read() as work:
            return await work.requests.get(request_id)

    async def overview(self, *, organisation: Organisation | None = None, environment: str | None = None) -> Overview:
        """Return what is under way, all of it, or of one organisation, or of the environments of one name."""
        asked = self.organisations if organisation is None else (organisation,)
        async with self.read() as work:
            upgrades = await work.upgrades.upcoming(asked, limit=_LONGEST_LIST + 1, environment=environment)
            requests = await work.requests.in_states(*OPEN, State.SUBMISSION_UNCLEAR)
            feeds = [await work.feeds.get(one) for one in asked]
        return Overview(
            upgrades=upgrades[:_LONGEST_LIST],
            requests=tuple(
                one for one in requests if one.organisation in asked and environment in {None, one.environment}
            ),
            feeds=tuple(feeds),
            more=len(upgrades) > _LONGEST_LIST,
        )

    async def cluster(self, cluster: Cluster) -> ClusterView:
        """Return what there is to know about one cluster."""
        async with self.read() as work:
            upgrades = await work.upgrades.of_cluster(cluster.identity, limit=_LATEST)
            requests = await work.requests.of_cluster(cluster.identity, limit=_LATEST)
            feed = await work.feeds.get(cluster.organisation)
        return ClusterView(cluster=cluster, upgrades=upgrades, requests=requests, feed=feed)

    async def _placed(self, identity: ClusterIdentity | None) -> tuple[Catalog, Cluster] | None:
        """Return a cluster and its catalog; what is not at hand may have been read by another process just now."""
        found = self.find(identity)
        if found is None and identity is not None:
            await self.catalog_cache.renew()
            found = self.find(identity)
        return found

    async def _succeeded(self, cluster: Cluster, rule: Rule, version: str | None) -> Mapping[str, datetime]:
        environments = [environment for environment, _ in rule.after]
        if not environments or not version:
            return {}
        async with self.read() as work:
            return await work.upgrades.first_success(cluster.organisation, environments, version)


def _about_windows(cluster: Cluster) -> str | None:
    """Return what to note of a cluster's maintenance windows, None when all is well."""
    schedule = cluster.schedule
    if schedule is None or (schedule.is_complete and not schedule.windows):
        return f"{cluster.full_name} has no maintenance windows: unless they are ignored, it may never start."
    if schedule.is_complete:
        return None
    which = "Some" if schedule.windows else "The"
    so = "the upgrade may begin before the estimated one" if schedule.windows else "no window can be estimated"
    return f"{which} maintenance windows of {cluster.full_name} could not be read, so {so}."


_NO_CATALOG = Catalog(organisation=Organisation(""), fetched_at=datetime.min)  # noqa: DTZ901 - never shown
