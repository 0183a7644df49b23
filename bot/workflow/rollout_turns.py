"""The turn of each cluster of an open wave: handed over, waiting, skipped or failed; everything is judged again."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import chain

from bot.domain.calendar import is_allowed
from bot.domain.cluster import Catalog, Cluster, ClusterIdentity
from bot.domain.form import LEAD, judged_time
from bot.domain.freeze import UpgradeFreeze, frozen_rule
from bot.domain.people import MemberId
from bot.domain.policy import Policy, Rule
from bot.domain.request import OPEN, RequestId, State, UpgradeRequest, Vote
from bot.domain.rollout import LONGEST_WAIT, Plan, Progress, Rollout, RolloutCluster, Why
from bot.domain.slots import Search, fitting_slots
from bot.domain.versions import Step, step
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.permissions import Permissions
from bot.workflow.ports import Clock, ReadOnlyWork

_REQUEST_LASTS = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Others:
    """What else is under way: clusters with a request or an upgrade that is not of the rollout; freezes people set.

    `taken_over` are the clusters for which somebody made a request of their own since the rollout was planned, and who.
    """

    clusters: frozenset[ClusterIdentity]
    taken_over: Mapping[ClusterIdentity, MemberId]
    succeeded: Mapping[str, datetime]
    freezes: Collection[UpgradeFreeze]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Turn:
    """What comes of a cluster's turn: it goes, it waits (`until`), it is skipped or it fails, by `why`."""

    why: Why | None = None
    until: datetime | None = None
    ends: Progress | None = None
    cluster: Cluster | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turns:
    """Gives each waiting cluster its turn. `zone` is the one of maintenance windows."""

    policy: Policy
    catalog_cache: CatalogCache
    permissions: Permissions
    now: Clock
    zone: tzinfo
    new_request_id: Callable[[], RequestId]

    async def others(self, work: ReadOnlyWork, rollout: Rollout, freezes: Collection[UpgradeFreeze]) -> Others:
        """Read what else is under way, when a cluster may have its turn."""
        opens = rollout.asked_wave if rollout.votes else None  # it may open, and its clusters get their turn at once
        if opens is None and not rollout.to_hand_over:
            return Others(clusters=frozenset(), taken_over={}, succeeded={}, freezes=freezes)
        plan, wave = rollout.plan, rollout.wave if opens is None else opens
        waiting = {one.identity for one in rollout.of_wave(wave) if one.progress is Progress.WAITING}
        asked = [
            one
            for one in await work.requests.in_states(*OPEN, State.SUBMISSION_UNCLEAR)
            if one.cluster_identity in waiting and not (one.rollout and one.state is State.SUBMISSION_FAILED)
        ]
        upgrades = [one for one in await work.upgrades.followed(plan.organisation) if one.cluster_identity in waiting]
        submitted = await work.requests.these(*(RequestId(one.request_id) for one in upgrades if one.request_id))
        taken_over = {
            one.cluster_identity: one.requester
            for one in chain(asked, submitted.values())
            if not one.rollout and one.requested_at > rollout.requested_at
        }
        awaited = [name for rule in self._rules(rollout, wave).values() for name, _ in rule.after]
        return Others(
            clusters=frozenset(
                [one.cluster_identity for one in asked] + [one.cluster_identity for one in upgrades],
            ),
            taken_over=taken_over,
            succeeded=await work.upgrades.first_success(plan.organisation, awaited, plan.version) if awaited else {},
            freezes=freezes,
        )

    async def give(  # noqa: C901 - one line for each outcome of a turn
        self, rollout: Rollout, others: Others
    ) -> tuple[Rollout, list[tuple[ClusterIdentity, UpgradeRequest]]]:
        """Judge each waiting cluster; returns the requests of those that are handed over. Raises MembersUnavailable."""
        now, requests = self.now(), list[tuple[ClusterIdentity, UpgradeRequest]]()
        places = rollout.plan.at_once - rollout.in_place
        may_request = {}
        requester = await self.permissions.members.find(rollout.requester)
        for name, rule in self._rules(rollout, rollout.wave).items():
            may_request[name] = (await self.permissions.people(rule.requesters)).includes(requester)
        for one in rollout.to_hand_over:
            if one.why is Why.RULE and one.until and now < one.until:
                continue
            turn = self._judged(rollout, one, others)
            if turn.why is None and not may_request[one.planned.environment]:
                turn = _Turn(why=Why.REQUESTER)
            if turn.ends is Progress.SKIPPED and turn.why:
                rollout = rollout.skip(one.identity, turn.why, at=now, detail=turn.detail)
            elif turn.ends is Progress.FAILED and turn.why:
                rollout = rollout.fail(one.identity, turn.why, at=now)
                if len(rollout.failures) > rollout.plan.may_fail:
                    break
            elif turn.why is not None:
                rollout = _waits(rollout, one, turn, at=now)
            elif len(requests) < places and turn.cluster:
                requests.append((one.identity, self._request(rollout, turn.cluster)))
            else:
                rollout = _waits(rollout, one, _Turn(why=Why.AT_ONCE), at=now)
        if len(rollout.failures) > rollout.plan.may_fail:
            return rollout, []
        for identity, request in requests:
            rollout = rollout.hand_over(identity, request=request.id, at=now)
        return rollout, requests

    def _rules(self, rollout: Rollout, wave: int) -> dict[str, Rule]:
        organisation = rollout.plan.organisation
        return {one: self.policy.rule(organisation, one) for one in rollout.environments(wave)}

    def _judged(self, rollout: Rollout, one: RolloutCluster, others: Others) -> _Turn:
        """Judge everything about a cluster again: whether it still takes part, whether it is free, and the time."""
        plan = rollout.plan
        if not self.catalog_cache.holds(plan.organisation):
            return _Turn(why=Why.CLOUD)
        found = self.catalog_cache.find(one.identity)
        if found is None:
            return _Turn(ends=Progress.SKIPPED, why=Why.GONE)
        catalog, cluster = found
        if (cluster.organisation, cluster.environment) != (plan.organisation, one.planned.environment):
            return _Turn(ends=Progress.SKIPPED, why=Why.MOVED)
        if cluster.is_down:
            why = Why.DELETING if cluster.status.lower().startswith("delet") else Why.STOPPED
            return _Turn(ends=Progress.SKIPPED, why=why)
        if busy := self._busy(one, others):
            return busy
        rule = self.policy.rule(plan.organisation, cluster.environment)
        rule = frozen_rule(rule, plan.organisation, others.freezes, now=self.now())
        return (
            _off_offer(plan, catalog, cluster, rule)
            or self._wrong_time(plan, one, cluster, rule, others)
            or _Turn(cluster=cluster)
        )

    def _busy(self, one: RolloutCluster, others: Others) -> _Turn | None:
        if one.identity in others.taken_over:
            by = f"<@{others.taken_over[one.identity]}>"
            return _Turn(ends=Progress.SKIPPED, why=Why.TAKEN_OVER, detail=by)
        if one.identity not in others.clusters:
            return None
        now = self.now()
        since = one.waits_since or now
        if now - since >= LONGEST_WAIT:
            return _Turn(ends=Progress.SKIPPED, why=Why.WAITED_TOO_LONG)
        return _Turn(why=Why.OTHER_UPGRADE, until=since + LONGEST_WAIT)

    def _wrong_time(
        self, plan: Plan, one: RolloutCluster, cluster: Cluster, rule: Rule, others: Others
    ) -> _Turn | None:
        """Return what of the time stands in the way, and until when."""
        now = self.now()
        start = self._start(plan)
        when = judged_time(cluster, start=start, ignore_windows=plan.ignore_windows, now=now, zone=self.zone)
        if when is not None:
            if freeze := rule.frozen_by(when):
                return _Turn(why=Why.FROZEN, until=freeze.end(rule.zone), detail=freeze.reason)
            if not is_allowed(rule.allowed, when, rule.zone):
                return _Turn(why=Why.NOT_ALLOWED, until=self._allowed_again(plan, one, cluster, rule, others))
        for environment, wait in rule.after:
            since_then = others.succeeded.get(environment)
            if since_then is None:
                return _Turn(why=Why.AFTER, detail=environment)
            if (when.start if when else now) - since_then < wait:
                return _Turn(why=Why.AFTER, until=since_then + wait, detail=environment)
        return None

    def _allowed_again(
        self, plan: Plan, one: RolloutCluster, cluster: Cluster, rule: Rule, others: Others
    ) -> datetime | None:
        """Return the next time that fits; it is searched for only when the last one found has passed."""
        if one.why is Why.NOT_ALLOWED and one.until and self.now() < one.until:
            return one.until
        search = Search(
            cluster=cluster,
            version=plan.version,
            rule=rule,
            ignore_windows=plan.ignore_windows,
            override=False,
            now=self.now(),
            zone=self.zone,
            reader=rule.zone,
            succeeded=others.succeeded,
        )
        return next(iter(fitting_slots(search).starts), None)

    def _start(self, plan: Plan) -> datetime | None:
        """Return the start to ask for: with windows ignored there has to be one, five minutes ahead at least."""
        now = self.now()
        if plan.ignore_windows:
            return max(plan.not_before or now, now + LEAD)
        return plan.not_before if plan.not_before and plan.not_before > now else None

    def _request(self, rollout: Rollout, cluster: Cluster) -> UpgradeRequest:
        plan, now = rollout.plan, self.now()
        rule, start = self.policy.rule(plan.organisation, cluster.environment), self._start(plan)
        votes = [vote for vote in rollout.votes if cluster.environment in vote.environments]
        return UpgradeRequest(
            id=self.new_request_id(),
            organisation=cluster.organisation,
            cluster_identity=cluster.identity,
            environment=cluster.environment,
            cluster=cluster.slug,
            from_version=cluster.version,
            to_version=plan.version,
            start=start,
            ignore_windows=plan.ignore_windows,
            override=False,
            reason=plan.reason,
            requester=rollout.requester,
            requested_at=now,
            deadline=start if start and plan.ignore_windows else now + _REQUEST_LASTS,
            required=rule.required_approvals,
            channel=rule.channel,
            state=State.APPROVED,
            state_since=now,
            votes=tuple(Vote(member=vote.member, at=vote.at) for vote in votes),
            change=plan.change,
            rollout=rollout.id,
        )


def _waits(rollout: Rollout, one: RolloutCluster, turn: _Turn, *, at: datetime) -> Rollout:
    """Note why a cluster waits; the same value when that is known."""
    if turn.why is None or (one.why is turn.why and one.until == turn.until and one.detail == turn.detail):
        return rollout
    return rollout.wait(one.identity, turn.why, until=turn.until, at=at, detail=turn.detail)


def _off_offer(plan: Plan, catalog: Catalog, cluster: Cluster, rule: Rule) -> _Turn | None:
    taken = step(cluster.version, plan.version)
    if taken is Step.SAME or (taken is Step.DOWNGRADE and not rule.allow_downgrade):
        return _Turn(ends=Progress.SKIPPED, why=Why.ALREADY_THERE)
    if plan.version not in catalog.versions:
        return _Turn(ends=Progress.FAILED, why=Why.VERSION_WITHDRAWN)
    if plan.version not in catalog.offered_to(cluster, allow_downgrade=rule.allow_downgrade):
        return _Turn(ends=Progress.SKIPPED, why=Why.NOT_ONE_STEP)
    return None
