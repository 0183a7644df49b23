"""What people look at: the form as filled in so far, lists, one cluster, App Home. Reads only; decides nothing."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.domain.errors import Refused
from bot.domain.findings import Finding, InRollout, MayNotRequest
from bot.domain.fleet import Fleet
from bot.domain.form import LEAD, Form
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.policy import Policy, Rule
from bot.domain.readiness import Readiness
from bot.domain.request import OPEN, RequestId, State, UpgradeRequest
from bot.domain.rollout import FINISHED, Rollout
from bot.domain.scheduled import ScheduledUpgrade
from bot.domain.slots import NO_SLOTS, Slots
from bot.domain.windows import Window
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import MembersUnavailable
from bot.workflow.inbox import MessageRef
from bot.workflow.lookups import find_request
from bot.workflow.permissions import Permissions
from bot.workflow.ports import BeginReading, Clock, ReadOnlyWork
from bot.workflow.readiness import ReadinessCheck
from bot.workflow.repositories import Feed, Source
from bot.workflow.rule_check import RuleCheck

Cards = Mapping[RequestId, MessageRef]
"""Where the cards of requests are."""
Place = tuple[Organisation, str]
"""An environment of an organisation."""
_LONGEST_LIST = 200
_LATEST = 5
_SHORTLY = 1.0
"""Seconds for which a form waits for Slack to say who somebody is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormView:
    """A form together with all that the modal shows around it.

    `estimate` is the window in which the upgrade would run (or the start as a moment); `broken` is what forbids it,
    `notes` what else to know; `may_override` is whether to show the Override freeze box; `readiness` is judged by what
    is at hand, None until a version on offer is chosen. Maintenance windows are read in `windows_zone`. `slots` are the
    next times that fit; they are written in `reader`, the time zone of the person who fills the form in.
    """

    form: Form
    cluster: Cluster | None
    rule: Rule | None
    on_offer: tuple[str, ...]
    recommended: str | None
    estimate: Window | None
    broken: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    may_override: bool
    scheduled: ScheduledUpgrade | None
    waiting: UpgradeRequest | None
    readiness: Readiness | None = None
    may_be_emergency: bool = False
    may_not: MayNotRequest | None = None
    barred: frozenset[Place] = frozenset()
    windows_zone: tzinfo = UTC
    slots: Slots = NO_SLOTS
    reader: tzinfo = UTC


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What is under way: unfinished upgrades by window, requests not yet submitted, and how fresh it is.

    `more` is whether there are more upgrades than are held here; `cards` is where the cards of what is shown are.
    """

    upgrades: tuple[ScheduledUpgrade, ...]
    requests: tuple[UpgradeRequest, ...]
    feeds: tuple[Feed, ...]
    more: bool = False
    cards: Cards = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterView:
    """One cluster: what it runs, its latest upgrades and requests, newest first, and how fresh that is.

    `target` is the version that it goes to, or could go to next, empty for none; `readiness` is judged for that.
    """

    cluster: Cluster
    upgrades: tuple[ScheduledUpgrade, ...]
    requests: tuple[UpgradeRequest, ...]
    feed: Feed
    target: str = ""
    readiness: Readiness | None = None
    may_be_emergency: bool = False
    cards: Cards = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeView:
    """What App Home of one person shows. Requests are newest first, upgrades by window.

    `ended` are the upgrades of the person's own requests that are no longer under way; `page` is counted from 0;
    `more` is whether there are more upgrades than are held here; `cards` is where the cards of what is shown are.
    `fleet` are all clusters, None where nobody looked; `rollouts` are those that have not ended.
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
    cards: Cards = field(default_factory=dict)
    fleet: Fleet | None = None
    rollouts: tuple[Rollout, ...] = ()
    policy: Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewing:
    """Reads for people."""

    read: BeginReading
    catalog_cache: CatalogCache
    policy: Policy
    rule_check: RuleCheck
    permissions: Permissions
    readiness_check: ReadinessCheck
    organisations: tuple[Organisation, ...]
    now: Clock

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

    async def form(self, form: Form, *, member: MemberId | None = None, reader: tzinfo = UTC) -> FormView:
        """Work out what the modal shows to a person, whose time zone is `reader`, for what is filled in so far."""
        found = await self.catalog_cache.find_or_renew(form.cluster_identity)
        if found is None:
            return FormView(
                form=form,
                cluster=None,
                rule=None,
                on_offer=(),
                recommended=None,
                estimate=None,
                broken=(),
                notes=(),
                may_override=False,
                scheduled=None,
                waiting=None,
                barred=self.barred(member),
            )
        catalog, cluster = found
        rule = self.policy.rule(cluster.organisation, cluster.environment)
        async with self.read() as work:
            upgrades = await work.upgrades.of_cluster(cluster.identity, limit=_LATEST)
            requests = await work.requests.of_cluster(cluster.identity, *OPEN)
            rollout = await work.rollouts.of_cluster(cluster.identity)
        preview = await self.rule_check.preview(form, cluster, reader=reader)
        on_offer = catalog.offered_to(cluster, allow_downgrade=rule.allow_downgrade)
        return FormView(
            form=form,
            cluster=cluster,
            rule=rule,
            on_offer=on_offer,
            recommended=cluster.channel_version if cluster.channel_version in on_offer else None,
            estimate=preview.estimate,
            broken=preview.broken,
            notes=(*preview.notes, *_in_rollout(rollout, cluster)),
            may_override=preview.may_override,
            scheduled=next((upgrade for upgrade in upgrades if not upgrade.is_final), None),
            waiting=requests[0] if requests else None,
            readiness=self.readiness_check.at_hand(cluster, form.version) if form.version in on_offer else None,
            windows_zone=self.rule_check.zone,
            may_be_emergency=rule.emergency and member is not None and await self._may_be_emergency(member, rule),
            may_not=await self._may_not(member, rule) if member else None,
            barred=self.barred(member),
            slots=preview.slots,
            reader=reader,
        )

    async def fitting_start(self, form: Form, *, reader: tzinfo) -> datetime | None:
        """Return the start that is filled in while it fits, else the next one that does; None when none does."""
        return await self.rule_check.fitting_start(form, reader=reader)

    def barred(self, member: MemberId | None) -> frozenset[Place]:
        """Return the environments in which a person may not request, as far as the answers at hand tell; no waiting."""
        if member is None:
            return frozenset()
        places = {(one.organisation, one.environment) for catalog in self.catalogs() for one in catalog.clusters}
        rules = {place: self.policy.rule(*place) for place in places}
        return frozenset(place for place, rule in rules.items() if self.permissions.is_barred(member, rule))

    async def learn_requesters(self) -> None:
        """Ask who may request where, so that `barred` can tell; gives up after a moment."""
        with suppress(MembersUnavailable, TimeoutError):
            async with asyncio.timeout(_SHORTLY):
                for who in {rule.requesters for rule in self.policy.rules}:
                    await self.permissions.people(who)

    def is_barred(self, member: MemberId, cluster: Cluster) -> bool:
        """Whether a person may not request upgrades of a cluster, as far as the answers at hand tell; no waiting."""
        return self.permissions.is_barred(member, self.policy.rule(cluster.organisation, cluster.environment))

    async def _may_not(self, member_id: MemberId, rule: Rule) -> MayNotRequest | None:
        """Return that a person may not request there, and who may; None also while Slack does not say in time."""
        try:
            async with asyncio.timeout(_SHORTLY):
                await self.permissions.check_may_request(await self.permissions.somebody(member_id), rule)
        except Refused as refusal:
            return next((why for why in refusal.why if isinstance(why, MayNotRequest)), None)
        except (MembersUnavailable, TimeoutError):
            pass
        return None

    async def _may_be_emergency(self, member_id: MemberId, rule: Rule) -> bool:
        """Whether the person may request an emergency there; no while Slack does not say in time who they are."""
        try:
            async with asyncio.timeout(_SHORTLY):
                await self.permissions.check_emergency(await self.permissions.somebody(member_id), rule)
        except (Refused, MembersUnavailable, TimeoutError):
            return False
        return True

    async def problems(self, form: Form, *, lead: timedelta = LEAD) -> tuple[Finding, ...]:
        """Return what is wrong with a filled-in form; empty when it may be requested."""
        return await self.rule_check.form(form, lead=lead)

    async def request(self, request_id: RequestId) -> UpgradeRequest | None:
        """Return a request, None when it is not known."""
        async with self.read() as work:
            return await find_request(work, request_id)

    async def has_list(self, request_id: RequestId) -> bool:
        """Whether the cloud offers a list in which a request can be looked for, going by its last answer."""
        async with self.read() as work:
            request = await find_request(work, request_id)
            return request is not None and (await work.feeds.get(request.organisation)).source is Source.ORGANISATION

    async def overview(self, *, organisation: Organisation | None = None, environment: str | None = None) -> Overview:
        """Return what is under way, all of it, or of one organisation, or of the environments of one name."""
        asked = self.organisations if organisation is None else (organisation,)
        async with self.read() as work:
            upgrades = await work.upgrades.upcoming(asked, limit=_LONGEST_LIST + 1, environment=environment)
            requests = await work.requests.in_states(*OPEN, State.SUBMISSION_UNCLEAR)
            feeds = [await work.feeds.get(one) for one in asked]
            requests = tuple(
                one for one in requests if one.organisation in asked and environment in {None, one.environment}
            )
            cards = await cards_of(work, upgrades[:_LONGEST_LIST], requests[:_LONGEST_LIST])
        return Overview(
            upgrades=upgrades[:_LONGEST_LIST],
            requests=requests,
            feeds=tuple(feeds),
            more=len(upgrades) > _LONGEST_LIST,
            cards=cards,
        )

    async def cluster(self, cluster: Cluster) -> ClusterView:
        """Return what there is to know about one cluster."""
        async with self.read() as work:
            upgrades = await work.upgrades.of_cluster(cluster.identity, limit=_LATEST)
            requests = await work.requests.of_cluster(cluster.identity, limit=_LATEST)
            feed = await work.feeds.get(cluster.organisation)
            cards = await cards_of(work, upgrades, requests)
        target = self._target(cluster, upgrades, requests)
        readiness = self.readiness_check.at_hand(cluster, target) if target else None
        return ClusterView(
            cluster=cluster,
            upgrades=upgrades,
            requests=requests,
            feed=feed,
            target=target,
            readiness=readiness,
            cards=cards,
        )

    def _target(
        self, cluster: Cluster, upgrades: Sequence[ScheduledUpgrade], requests: Sequence[UpgradeRequest]
    ) -> str:
        """Return the version that is requested or scheduled, else the channel's, else the newest on offer."""
        under_way = [
            *(request.to_version for request in requests if request.state in OPEN),
            *(upgrade.to_version for upgrade in upgrades if not upgrade.is_final),
        ]
        if under_way:
            return under_way[0]
        catalog = self.catalog_cache.catalog(cluster.organisation)
        on_offer = catalog.offered_to(cluster, allow_downgrade=False) if catalog else ()
        return cluster.channel_version if cluster.channel_version in on_offer else next(iter(on_offer), "")


def _in_rollout(rollout: Rollout | None, cluster: Cluster) -> tuple[InRollout, ...]:
    """Say that a request would take the cluster over from a rollout, unless that has finished with it."""
    one = rollout.find(cluster.identity) if rollout else None
    if rollout is None or one is None or one.progress in FINISHED:
        return ()
    return (InRollout(name=rollout.plan.name, version=rollout.plan.version),)


async def cards_of(
    work: ReadOnlyWork, upgrades: Iterable[ScheduledUpgrade], requests: Iterable[UpgradeRequest]
) -> Cards:
    """Return where the cards of upgrades and requests are."""
    known = [RequestId(one.request_id) for one in upgrades if one.request_id]
    return await work.messages.cards(*dict.fromkeys([*known, *(one.id for one in requests)]))
