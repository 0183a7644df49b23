"""Rollouts: planned, voted on, opened, each cluster's turn, followed, halted, soaked, stopped.

Every step is one transaction that can be repeated; what polling stored and the time drive it.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.cluster import ClusterIdentity
from bot.domain.errors import NotAnApprover, Quorumless, Refused, RuleBroken, WrongState
from bot.domain.events import About
from bot.domain.findings import (
    ChangeMismatch,
    ChangeMissing,
    ClusterWentOn,
    OnlyApproversOfWave,
    OnlyOfRollout,
    PlanProblem,
    TooFewApprovers,
    WaveExpired,
)
from bot.domain.form import wrong_change
from bot.domain.freeze import UpgradeFreeze, frozen_rule
from bot.domain.people import Member, MemberId
from bot.domain.policy import Policy, Rule
from bot.domain.request import RequestId, State, UpgradeRequest
from bot.domain.rollout import (
    IN_PLACE,
    STATUS_AFTER_SUBMISSION,
    STATUS_AFTER_WINDOW,
    Plan,
    PlannedCluster,
    Progress,
    Rollout,
    RolloutCluster,
    RolloutId,
    RolloutState,
    Why,
    plan_problems,
)
from bot.domain.scheduled import DONE, NOT_UPGRADED, ScheduledUpgrade, Status
from bot.domain.windows import Window
from bot.workflow import outbox
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import MembersUnavailable, Missing, Stale, Taken
from bot.workflow.inbox import MessageRef, RolloutPlanned, RolloutPress, RolloutPressed
from bot.workflow.permissions import Permissions, Words
from bot.workflow.ports import BeginReading, BeginWork, Clock, Lease, ReadOnlyWork, UnitOfWork
from bot.workflow.rollout_announcing import find_news, may_vote_now
from bot.workflow.rollout_turns import Others, Turns
from bot.workflow.transitions import Change, replace_request, request_facts, store_request, store_rollout

_TRIES = 8
_MOST_STEPS = 10
_COUNT_EVERY = timedelta(minutes=10)
_PAUSE_AFTER_GIVEN_BACK = timedelta(minutes=1)
_REQUEST_LASTS = timedelta(days=7)
_AGAINST_ALL = frozenset({RolloutPress.PAUSE, RolloutPress.STOP})
_ANSWERS = {
    RolloutPress.APPROVE: "Your approval counts.",
    RolloutPress.REJECT: "You rejected this rollout.",
    RolloutPress.PAUSE: "The rollout is paused. What Avisi Cloud already has goes on.",
    RolloutPress.RESUME: "The rollout goes on.",
    RolloutPress.STOP: "The rollout is stopped. What Avisi Cloud already has goes on.",
    RolloutPress.RETRY: "The failed clusters wait for approval.",
    RolloutPress.GO_ON: "The rollout goes on without the failed clusters.",
    RolloutPress.SKIP: "The cluster is left out. Avisi Cloud may have its upgrade all the same: please check there.",
}


def new_rollout_id() -> RolloutId:
    """Return an ID nobody can guess."""
    return RolloutId(secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Everything that is done with rollouts, but for the turn of each cluster."""

    begin: BeginWork
    read: BeginReading
    policy: Policy
    catalog_cache: CatalogCache
    permissions: Permissions
    words: Words
    turns: Turns
    now: Clock
    new_id: Callable[[], RolloutId] = new_rollout_id

    def rules(self, rollout: Rollout, wave: int) -> dict[str, Rule]:
        """Return the rules in force for the environments of a wave in which clusters still wait."""
        organisation = rollout.plan.organisation
        return {one: self.policy.rule(organisation, one) for one in rollout.environments(wave)}

    # --- planning ---

    async def plan(self, number: int, planned: RolloutPlanned, lease: Lease) -> None:
        """Store the rollout of inbox entry `number`, or refuse it privately; raises MembersUnavailable."""
        plan, now = planned.plan, self.now()
        try:
            member = await self.permissions.somebody(planned.member)
            await self.check(plan, member)
            rules = {one: self.policy.rule(plan.organisation, one) for one in _environments(plan.clusters)}
            first = _environments(plan.waves[0])
            channel = self.policy.rollout.channel or self.policy.default.channel or rules[first[0]].channel
            rollout = Rollout.of(
                plan,
                id=self.new_id(),
                requester=planned.member,
                channel=channel,
                time_to_vote=min(rules[one].request_expires_after for one in first),
                at=now,
            )
            async with self.begin(lease) as work:
                notify = tuple(dict.fromkeys(who for one in first for who in rules[one].notify))
                news = find_news(None, rollout, self.policy, now=now)
                await store_rollout(work, None, news.rollout, at=now, actor=planned.member, mention=notify)
                await work.outbox.put(*news.messages)
                text = f"The rollout {plan.name} is planned. Its first wave waits for approval."
                await work.outbox.put(outbox.answer(planned.member, text, key=f"inbox:{number}", about=_about(plan)))
                await work.inbox.done(number)
                await work.commit()
        except Refused as refusal:
            await self._refuse(
                number,
                planned.member,
                f"Your rollout was refused: {self.words.refusal(*refusal.why)}",
                _about(plan),
                lease,
            )
        except Taken as taken:
            await self._refuse(number, planned.member, f"Your rollout was refused: {taken}", _about(plan), lease)

    async def problems(self, plan: Plan) -> list[PlanProblem]:
        """Return what is wrong with a plan by itself and beside the rollouts that have not ended."""
        async with self.read() as work:
            names = [one.plan.name for one in await work.rollouts.unfinished()]
            taken = await work.rollouts.taken()
        return plan_problems(plan, taken_names=names, in_rollouts=taken)

    async def check(self, plan: Plan, member: Member) -> None:
        """Raise Refused when this person may not plan this, or a wave could never be approved."""
        if wrong := await self.problems(plan):
            raise RuleBroken(*wrong)
        await self.check_people(plan, member)
        if change := self.wrong_change(plan):
            raise RuleBroken(change)

    def wrong_change(self, plan: Plan) -> ChangeMissing | ChangeMismatch | None:
        """Return what is wrong with the change number, by the rule of the first environment that refuses it."""
        rules = (self.policy.rule(plan.organisation, one) for one in _environments(plan.clusters))
        return next((wrong for rule in rules if (wrong := wrong_change(rule, plan.change))), None)

    async def check_people(self, plan: Plan, member: Member) -> None:
        """Raise Refused when this person may not request there, or too few people may approve."""
        for environment in _environments(plan.clusters):
            rule = self.policy.rule(plan.organisation, environment)
            await self.permissions.check_may_request(member, rule)
            needed = rule.required_approvals
            found = await self.permissions.enough_approvers(rule, requester=member.id, needed=needed)
            if found is not None:
                raise Quorumless(
                    TooFewApprovers(
                        environment=environment, approvals=needed, found=found, besides_requester=not rule.self_approval
                    )
                )

    async def check_may_plan(self, rollout: Rollout, member_id: MemberId) -> None:
        """Raise Refused when this person may not plan what is left of a rollout again; raises MembersUnavailable."""
        member = await self.permissions.somebody(member_id)
        for environment in _environments(one.planned for one in rollout.left):
            await self.permissions.check_may_request(member, self.policy.rule(rollout.plan.organisation, environment))

    # --- reading ---

    async def get(self, rollout_id: RolloutId) -> Rollout:
        """Return a rollout; raises Missing."""
        async with self.read() as work:
            return await work.rollouts.get(rollout_id)

    async def listed(self, *, limit: int) -> tuple[tuple[Rollout, MessageRef | None], ...]:
        """Return those that have not ended, then those that have, each newest first, and where their cards are."""
        async with self.read() as work:
            found = await work.rollouts.newest(limit=limit)
            cards = await work.messages.cards(*(RequestId(one.id) for one in found))
        return tuple((one, cards.get(RequestId(one.id))) for one in found)

    async def taken(self) -> Mapping[ClusterIdentity, RolloutId]:
        """Return which clusters are in a rollout that has not ended."""
        async with self.read() as work:
            return await work.rollouts.taken()

    async def check_press(self, pressed: RolloutPressed) -> None:
        """Raise Refused when this press would be refused now; raises Missing, MembersUnavailable."""
        await self._pressed(await self.get(pressed.rollout_id), pressed)

    # --- what people press ---

    async def press(self, number: int, pressed: RolloutPressed, lease: Lease) -> None:
        """Decide on a press out of the inbox; raises MembersUnavailable when nobody can tell who may."""
        about = About(organisation="", environment="", cluster="", from_version="", to_version="")
        for _ in range(_TRIES):
            try:
                async with self.read() as work:
                    rollout = await work.rollouts.get(pressed.rollout_id)
                about = _about(rollout.plan)
                after = await self._pressed(rollout, pressed)
                async with self.begin(lease) as work:
                    if pressed.press is RolloutPress.SKIP:
                        await self._withdraw(work, rollout, pressed)
                    await self._store(work, rollout, after, actor=pressed.member, facts={"seal": pressed.seal})
                    url = pressed.response_url
                    text = _ANSWERS[pressed.press]
                    answer = outbox.answer(pressed.member, text, key=f"inbox:{number}", about=about, response_url=url)
                    await work.outbox.put(answer)
                    await work.inbox.done(number)
                    await work.commit()
            except Stale:
                continue
            except (Refused, Missing) as error:
                text = self.words.refusal(*error.why) if isinstance(error, Refused) else str(error)
                await self._refuse(number, pressed.member, text, about, lease, url=pressed.response_url)
            return
        raise Stale("the rollout kept changing while it was decided")

    async def _pressed(self, rollout: Rollout, pressed: RolloutPressed) -> Rollout:  # noqa: PLR0911 - one for each button
        member, now = await self.permissions.somebody(pressed.member), self.now()
        wave = rollout.asked_wave if rollout.asked_wave is not None else rollout.wave
        rules = self._wave_rules(rollout, wave)
        if pressed.press is RolloutPress.SKIP:
            return await self._skipped(rollout, pressed, member)
        if pressed.press in _AGAINST_ALL:
            await self._check_may_brake(rollout, member)
            if pressed.press is RolloutPress.PAUSE:
                return rollout.pause(at=now)
            return rollout.stop(by=member.id, at=now)
        may = await self._may_approve(member, rollout, rules)
        if not may:
            raise NotAnApprover(await self._only_approvers(rollout, rules))
        if pressed.press is RolloutPress.RESUME:
            return rollout.resume(at=now)
        rollout.check_seal(pressed.seal)
        time = self._time_to_vote(rollout, rollout.wave)
        match pressed.press:
            case RolloutPress.REJECT:
                return rollout.reject(by=member.id, reason=pressed.reason, at=now)
            case RolloutPress.RETRY:
                return rollout.retry_failed(time_to_vote=time, at=now)
            case RolloutPress.GO_ON:
                return rollout.go_on_without(time_to_vote=time, at=now)
            case _:
                async with self.read() as work:
                    freezes = await work.freezes.standing()
                if rollout.count_down(frozen_until=self._frozen_until(rollout, freezes), at=now).is_overdue:
                    raise WrongState(WaveExpired())
                return rollout.cast(by=member.id, environments=may, at=now)

    async def _skipped(self, rollout: Rollout, pressed: RolloutPressed, member: Member) -> Rollout:
        """Leave out an unclear cluster, as an approver of its environment may."""
        one = rollout.find(pressed.cluster) if pressed.cluster else None
        if one is None or one.progress is not Progress.UNCLEAR:
            raise WrongState(ClusterWentOn())
        name = one.planned.environment
        rules = {name: self.policy.rule(rollout.plan.organisation, name)}
        if not await self._may_approve(member, rollout, rules):
            raise NotAnApprover(await self._only_approvers(rollout, rules))
        return rollout.skip(one.identity, Why.BY_A_PERSON, at=self.now(), detail=f"<@{member.id}>")

    async def _withdraw(self, work: UnitOfWork, rollout: Rollout, pressed: RolloutPressed) -> None:
        """End the unclear request of a cluster that is skipped, so that nothing sends it again."""
        one = rollout.find(pressed.cluster) if pressed.cluster else None
        if one is None or one.request is None:
            return
        request, now = await work.requests.get(one.request), self.now()
        change = Change(audit="request withdrawn", at=now, actor=pressed.member, facts={"rollout": rollout.id})
        await store_request(work, request, request.withdraw(by=pressed.member, at=now), change)

    async def _only_approvers(self, rollout: Rollout, rules: Mapping[str, Rule]) -> OnlyApproversOfWave:
        """Say who could: the approvers that the rules name, and where none are named the requester."""
        able: set[MemberId] = set()
        everyone = False
        for rule in rules.values():
            people = await self.permissions.people(rule.approvers)
            everyone = everyone or people.everyone
            able |= people.members if rule.self_approval else people.members - {rollout.requester}
            able |= frozenset() if rule.approvers else {rollout.requester}
        return OnlyApproversOfWave(environments=tuple(rules), everyone=everyone, able=tuple(sorted(able)))

    def _wave_rules(self, rollout: Rollout, wave: int) -> dict[str, Rule]:
        """Return the rules of a wave's environments, also when nothing of it waits any more."""
        names = _environments(one.planned for one in rollout.of_wave(wave))
        return {one: self.policy.rule(rollout.plan.organisation, one) for one in names}

    async def _may_approve(self, member: Member, rollout: Rollout, rules: Mapping[str, Rule]) -> list[str]:
        """Return the environments in which somebody's approval counts."""
        found = []
        for environment, rule in rules.items():
            own = member.id == rollout.requester
            if not rule.approvers:
                if own and member.counts:
                    found.append(environment)
            elif (not own or rule.self_approval) and (await self.permissions.people(rule.approvers)).includes(member):
                found.append(environment)
        return found

    async def _check_may_brake(self, rollout: Rollout, member: Member) -> None:
        if member.id == rollout.requester:
            return
        able, everyone = {rollout.requester}, False
        for environment in _environments(rollout.plan.clusters):
            rule = self.policy.rule(rollout.plan.organisation, environment)
            people = await self.permissions.people(rule.approvers)
            if people.includes(member):
                return
            able |= people.members
            everyone = everyone or people.everyone
        raise NotAnApprover(OnlyOfRollout(requester=rollout.requester, everyone=everyone, able=tuple(sorted(able))))

    # --- what runs by itself ---

    async def followed(self) -> tuple[RolloutId, ...]:
        """Return the rollouts of which more will become."""
        async with self.read() as work:
            return await work.rollouts.followed()

    async def advance(self, rollout_id: RolloutId, lease: Lease) -> None:
        """Move a rollout on as far as is possible now. What somebody changed meanwhile is seen the next time."""
        for _ in range(_MOST_STEPS):
            try:
                async with self.read() as work:
                    await self.catalog_cache.renew_from(work)
                    rollout = await work.rollouts.get(rollout_id)
                    freezes = await work.freezes.standing()
                    after = self._timed(await self._followed(work, rollout), freezes)
                    others = await self.turns.others(work, rollout, freezes)
                after, requests = await self._go_on(after, others)
                if find_news(rollout, after, self.policy, now=self.now()).rollout == rollout:
                    return
                async with self.begin(lease) as work:
                    after = await self._hand_over(work, after, requests)
                    await self._store(work, rollout, after)
                    await work.commit()
            except (Stale, Missing):
                return

    async def _store(
        self,
        work: UnitOfWork,
        before: Rollout,
        after: Rollout,
        *,
        actor: str = "",
        facts: Mapping[str, object] | None = None,
    ) -> Rollout:
        """Store a change; whoever is to act because of it is mentioned."""
        mention: tuple[str, ...] = ()
        now = self.now()
        if after.state is not before.state:
            rules = self._wave_rules(after, after.wave if after.asked_wave is None else after.asked_wave).values()
            if after.state is RolloutState.ASKING or may_vote_now(before, after):
                mention = tuple(who for rule in rules for who in rule.notify)
            elif after.state in {RolloutState.HALTED, RolloutState.EXPIRED}:
                mention = (after.requester, *(who for rule in rules for who in rule.on_call))
        elif after.reminders > before.reminders or (after.warned_at and not before.warned_at):
            mention = tuple(who for rule in self._wave_rules(after, after.wave).values() for who in rule.notify)
        mention = tuple(dict.fromkeys(mention))
        news = find_news(before, after, self.policy, now=now)
        stored = await store_rollout(work, before, news.rollout, at=now, actor=actor, mention=mention, facts=facts)
        await work.outbox.put(*news.messages)
        return stored

    async def _followed(self, work: ReadOnlyWork, rollout: Rollout) -> Rollout:
        """Take over what became of the clusters that were handed over."""
        under_way = {one.request: one for one in rollout.clusters if one.progress in IN_PLACE and one.request}
        requests = await work.requests.these(*under_way)
        known = [one.upgrade for one in requests.values() if one.upgrade]
        upgrades = await work.upgrades.find_many(rollout.plan.organisation, known) if known else {}
        for request_id, one in under_way.items():
            if (request := requests.get(request_id)) is None:
                continue
            upgrade = upgrades.get(request.upgrade) if request.upgrade else None
            if upgrade is not None and (one.status, one.window) != (upgrade.status, upgrade.window):
                rollout = rollout.follow(one.identity, status=upgrade.status, window=upgrade.window)
            rollout = await self._outcome(work, rollout, one, request, upgrade)
        return rollout

    async def _outcome(  # noqa: C901, PLR0911 - one line for each thing that can become of it
        self,
        work: ReadOnlyWork,
        rollout: Rollout,
        one: RolloutCluster,
        request: UpgradeRequest,
        upgrade: ScheduledUpgrade | None,
    ) -> Rollout:
        now, identity = self.now(), one.identity
        match request.state:
            case State.SUBMISSION_FAILED:
                return rollout.fail(identity, Why.REFUSED, at=now, detail=request.outcome)
            case State.SUBMISSION_UNCLEAR:
                return rollout if one.progress is Progress.UNCLEAR else rollout.unclear(identity, at=now)
            case State.REPLACED:
                by = await work.requests.get(request.replaced_by) if request.replaced_by else None
                return rollout.skip(identity, Why.TAKEN_OVER, at=now, detail=f"<@{by.requester}>" if by else "")
            case State.WITHDRAWN | State.EXPIRED | State.REJECTED:
                if rollout.has_ended:
                    return rollout.skip(identity, Why.BY_A_PERSON, at=now, detail="never sent")
                back = rollout.give_back(identity, at=now)
                until = now + _PAUSE_AFTER_GIVEN_BACK
                return back.wait(identity, Why.RULE, until=until, at=now, detail=request.outcome)
            case _:
                pass
        if upgrade is None:
            return rollout.clear(identity, at=now) if one.progress is Progress.UNCLEAR else rollout
        if upgrade.status in DONE:
            return rollout.succeed(identity, at=now)
        if upgrade.status == Status.SUPERSEDED:
            return rollout.skip(identity, Why.SUPERSEDED, at=now)
        if upgrade.status in {Status.FAILED, Status.MISSED, NOT_UPGRADED}:
            why = Why.MISSED if upgrade.status == Status.MISSED else Why.FAILED
            return rollout.fail(identity, why, at=now, detail=upgrade.reason)
        window = upgrade.window
        latest = window.end + STATUS_AFTER_WINDOW if window else request.state_since + STATUS_AFTER_SUBMISSION
        if now >= latest:
            return rollout.fail(identity, Why.NO_STATUS, at=now)
        return rollout.clear(identity, at=now) if one.progress is Progress.UNCLEAR else rollout

    def _timed(self, rollout: Rollout, freezes: Collection[UpgradeFreeze]) -> Rollout:
        """Do what the time brings, but for handing over."""
        now = self.now()
        if rollout.has_ended:
            return rollout
        if rollout.rests_too_long(now):
            return rollout.stop(by=None, reason="nobody came back to it for 14 days", at=now)
        if rollout.is_to_be_warned(now):
            rollout = rollout.warned(at=now)
        if rollout.state is RolloutState.ASKING:
            counted = rollout.count_down(frozen_until=self._frozen_until(rollout, freezes), at=now)
            if counted.is_overdue:
                return counted.expire(at=now)
            if now - rollout.counted_at >= _COUNT_EVERY or counted.frozen_until != rollout.frozen_until:
                rollout = counted
            rollout = self._reminded(rollout)
        return rollout

    def _reminded(self, rollout: Rollout) -> Rollout:
        rules = self.rules(rollout, rollout.wave).values()
        gap = min((rule.remind_approvers_after for rule in rules), default=None)
        since = rollout.reminded_at or rollout.state_since
        due = gap is not None and self.now() >= since + gap * 2**rollout.reminders
        return rollout.remind(at=self.now()) if due else rollout

    def _frozen_until(self, rollout: Rollout, freezes: Collection[UpgradeFreeze]) -> datetime | None:
        """Return when the freeze ends that lasts now in an environment of the wave; None while there is none."""
        now, organisation = self.now(), rollout.plan.organisation
        moment = Window(start=now, end=now)
        found = []
        for one in self.rules(rollout, rollout.wave).values():
            rule = frozen_rule(one, organisation, freezes, now=now)
            if freeze := rule.frozen_by(moment):
                found.append(freeze.end(rule.zone))
        return max(found, default=None)

    async def _go_on(
        self, rollout: Rollout, others: Others
    ) -> tuple[Rollout, list[tuple[ClusterIdentity, UpgradeRequest]]]:
        """Open a wave whose approvals are there, give each waiting cluster its turn, and settle what that leads to."""
        now = self.now()
        following = min(rollout.wave + 1, len(rollout.plan.waves) - 1)
        if rollout.has_ended:
            return rollout, []
        try:
            rollout = await self._opened(rollout)
            valid = await self._votes_held(rollout) if rollout.state is RolloutState.RUNNING else rollout
        except MembersUnavailable:
            return rollout.settle(time_to_vote=self._time_to_vote(rollout, following), at=now), []
        requests: list[tuple[ClusterIdentity, UpgradeRequest]] = []
        if rollout.state is RolloutState.RUNNING and rollout.to_hand_over:
            needed = {name: rule.required_approvals for name, rule in self.rules(rollout, rollout.wave).items()}
            if valid.lacking(needed):
                time = self._time_to_vote(rollout, rollout.wave)
                return valid.ask_again("approvals are missing now", time_to_vote=time, at=now), []
            rollout, requests = await self.turns.give(valid, others)
        return rollout.settle(time_to_vote=self._time_to_vote(rollout, following), at=now), requests

    async def _opened(self, rollout: Rollout) -> Rollout:
        wave, now = rollout.asked_wave, self.now()
        if wave is None or not rollout.votes:
            return rollout
        rules = self.rules(rollout, wave)
        held = await self._votes_held(rollout)
        if held.lacking({name: rule.required_approvals for name, rule in rules.items()}):
            return held
        if rollout.state is RolloutState.SOAKING and not rollout.has_soaked(now):
            return held
        return held.open(at=now)

    async def _votes_held(self, rollout: Rollout) -> Rollout:
        """Keep of the votes what their givers may still approve now."""
        wave = rollout.asked_wave if rollout.asked_wave is not None else rollout.wave
        rules = self._wave_rules(rollout, wave)
        may: dict[MemberId, list[str]] = {}
        for voter in rollout.voters:
            may[voter] = await self._may_approve(await self.permissions.members.find(voter), rollout, rules)
        return rollout.hold_votes_to(may)

    def _time_to_vote(self, rollout: Rollout, wave: int) -> timedelta:
        return min(rule.request_expires_after for rule in self._wave_rules(rollout, wave).values())

    async def _hand_over(
        self, work: UnitOfWork, rollout: Rollout, requests: Iterable[tuple[ClusterIdentity, UpgradeRequest]]
    ) -> Rollout:
        """Store the requests of the clusters that are handed over; one for which somebody just asked waits again."""
        now = self.now()
        for identity, request in requests:
            for older in await work.requests.of_cluster(identity, State.SUBMISSION_FAILED):
                if older.rollout:  # an earlier attempt, which its rollout counted as failed
                    await replace_request(work, older, by=request, at=now)
            facts = request_facts(request, self.policy.rule(request.organisation, request.environment)) | {
                "rollout": rollout.id,
                "wave": rollout.wave + 1,
                "votes": [{"member": vote.member, "at": vote.at.isoformat()} for vote in request.votes],
            }
            change = Change(audit="upgrade requested", at=now, actor=request.requester, submit=True, facts=facts)
            try:
                await store_request(work, None, request, change)
            except Taken:
                rollout = rollout.give_back(identity, at=now).wait(identity, Why.OTHER_UPGRADE, until=None, at=now)
        return rollout

    async def _refuse(
        self, number: int, member: MemberId, text: str, about: About, lease: Lease, *, url: str | None = None
    ) -> None:
        async with self.begin(lease) as work:
            await work.outbox.put(outbox.answer(member, text, key=f"inbox:{number}", about=about, response_url=url))
            await work.inbox.done(number)
            await work.commit()


def _environments(planned: Iterable[PlannedCluster]) -> list[str]:
    return list(dict.fromkeys(one.environment for one in planned))


def _about(plan: Plan) -> About:
    return About(organisation=plan.organisation, environment="", cluster="", from_version="", to_version=plan.version)
