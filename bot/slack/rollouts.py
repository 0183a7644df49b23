"""Rollouts in Slack: opens the modal, stores what people plan and press, and shows the list of clusters."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.cluster import Cluster, ClusterIdentity
from bot.domain.errors import Refused
from bot.domain.findings import PlanProblem, ReasonMissing, StartMissing
from bot.domain.foreign import clean
from bot.domain.form import HORIZON, LEAD
from bot.domain.people import Member
from bot.domain.policy import Rule
from bot.domain.request import Seal
from bot.domain.rollout import Plan, PlannedCluster, Rollout, RolloutId
from bot.domain.versions import KubernetesVersion, Step, step
from bot.notifications import blocks, rollout_card, rules
from bot.notifications.blocks import Message
from bot.notifications.links import Links
from bot.notifications.text import one_line
from bot.slack.answers import Answers
from bot.slack.errors import Listener
from bot.slack.form import rollout as form
from bot.slack.form.directory import Directory
from bot.slack.form.newest import NewestPress
from bot.slack.form.opening import NOT_OPENED, TOO_LATE
from bot.slack.payload import Payload, action_of, member_of, pick, text
from bot.slack.storing import Storing
from bot.slack.supervisor import Supervisor
from bot.slack.web.members import AccessGate
from bot.slack.web.views import TriggerGone, ViewFailed, Views
from bot.workflow import queues
from bot.workflow.errors import MembersUnavailable, Missing
from bot.workflow.inbox import RolloutPlanned, RolloutPress, RolloutPressed
from bot.workflow.permissions import who_is_it
from bot.workflow.rollouts import Rollouts
from bot.workflow.viewing import Viewing

_log = structlog.get_logger(__name__)
_UNKNOWN: Final = "This rollout is not known here any more."
_LISTED: Final = 20
_WITHIN: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutListeners:
    """Opens and refreshes the modal, and stores what people decide; the worker decides and answers."""

    rollouts: Rollouts
    viewing: Viewing
    directory: Directory
    storing: Storing
    access_gate: AccessGate
    views: Views
    tasks: Supervisor
    answers: Answers
    links: Links
    guard: Callable[[Listener], Listener]
    newest: NewestPress = field(default_factory=NewestPress)

    def register(self, app: AsyncApp) -> None:
        """Tell Bolt what is listened to."""
        for action in (form.WAVE, form.VERSION):
            app.action(action)(self.guard(self.changed))
        app.options(form.WAVE)(self.guard(self.typed))
        app.view(form.PLAN)(self.guard(self.planned))
        app.view(form.REJECT)(self.guard(self.rejected))
        for press in RolloutPress:
            listener = self.asks_why if press is RolloutPress.REJECT else self.pressed
            app.action(press.value)(self.guard(listener))
        app.action(rollout_card.PLAN_AGAIN)(self.guard(self.plan_again))
        app.action(rollout_card.CLUSTERS)(self.guard(self.clusters))
        for turn in ("previous", "next"):
            app.action(f"{rollout_card.CLUSTERS}_{turn}")(self.guard(self.turned))

    def start(self, body: Payload) -> None:
        """Open the modal beside the listener; call it right before the ack."""
        self.tasks.start(self._open(body), name="open-rollout")

    async def listed(self) -> Message:
        """Return what `rollouts` answers."""
        found = await self.rollouts.listed(limit=_LISTED)
        if not found:
            return blocks.message("There are no rollouts.", blocks.section("There are no rollouts."))
        address, policy = self.links.message, self.viewing.policy
        lines = [rollout_card.list_line(one, policy, card=address(place)) for one, place in found]
        return blocks.message("\n".join(lines), *(blocks.section(line) for line in lines))

    async def changed(self, ack: AsyncAck, body: Payload) -> None:
        """Count again for what is filled in now."""
        view = pick(body, "view")
        if isinstance(view, dict):
            stamp, view_id = text(action_of(body), "action_ts"), text(view, "id")
            self.newest.note(view_id, stamp)
            self.tasks.start(self._refresh(view, stamp=stamp), name="refresh-rollout")
        await ack()

    async def typed(self, ack: AsyncAck, body: Payload) -> None:
        """Offer what fits what was typed into the search field of a wave."""
        found = form.options(self.directory.index, text(body, "value"))
        await (ack(option_groups=[dict(group) for group in found]) if found else ack(options=[]))

    async def planned(self, ack: AsyncAck, body: Payload) -> None:
        """Store the plan, or say at its fields what is wrong with it."""
        view = body["view"]
        filled = form.read(view)
        counted = await self._count(filled)
        if errors := await self._errors(filled, counted, await self.access_gate.identify(member_of(body))):
            await ack(response_action="errors", errors=errors)
            return
        entry = RolloutPlanned(member=member_of(body), plan=counted.plan(filled))
        await self.storing.put(entry, key=f"view:{text(view, 'id')}", queue="rollouts")
        await ack()

    async def pressed(self, ack: AsyncAck, body: Payload) -> None:
        """Store a press."""
        action = action_of(body)
        rollout_id, _, carried = text(action, "value").partition(":")
        press = RolloutPress(text(action, "action_id"))
        skips = press is RolloutPress.SKIP
        entry = RolloutPressed(
            member=member_of(body),
            press=press,
            rollout_id=RolloutId(rollout_id),
            seal=Seal("" if skips else carried),
            response_url=text(body, "response_url") or None,
            cluster=ClusterIdentity(carried) if skips else None,
        )
        key = f"press:{entry.member}:{text(action, 'action_ts')}:{entry.press}"
        await self.storing.put(entry, key=key, queue=queues.rollout(RolloutId(rollout_id)))
        await ack()

    async def plan_again(self, ack: AsyncAck, body: Payload) -> None:
        """Open the form filled in with what is left of a rollout that has ended."""
        self.tasks.start(self._open_again(body), name="open-plan-again")
        await ack()

    async def _open_again(self, body: Payload) -> None:
        try:
            rollout = await self.rollouts.get(RolloutId(text(action_of(body), "value")))
        except Missing:
            await self.answers.tell(body, _UNKNOWN)
            return
        try:
            async with asyncio.timeout(_WITHIN):
                await self.rollouts.check_may_plan(rollout, member_of(body))
        except Refused as refusal:
            await self.answers.tell(body, rules.refusal(*refusal.why))
            return
        except (MembersUnavailable, TimeoutError):
            if not self._is_known(body):  # else the plan itself is judged when it is sent
                await self.answers.tell(body, who_is_it(self.access_gate.members))
                return
        index = self.directory.index
        filled = form.again(rollout, index)
        await self._show(body, await self._drawn(filled))

    async def asks_why(self, ack: AsyncAck, body: Payload) -> None:
        """Open the modal that asks why; or have the worker say why not."""
        rollout_id, _, seal = text(action_of(body), "value").partition(":")
        entry = RolloutPressed(
            member=member_of(body), press=RolloutPress.REJECT, rollout_id=RolloutId(rollout_id), seal=Seal(seal)
        )
        try:
            async with asyncio.timeout(_WITHIN):
                await self.rollouts.check_press(entry)
        except (Refused, Missing):
            await self.pressed(ack, body)
            return
        except (MembersUnavailable, TimeoutError):
            if not self._is_known(body):  # else the rejection itself is judged by the worker
                self.tasks.start(self.answers.tell(body, who_is_it(self.access_gate.members)), name="try-again")
                await ack()
                return
        self.tasks.start(self._show(body, form.ask_why(rollout_id, seal)), name="open-reject-rollout")
        await ack()

    def _is_known(self, body: Payload) -> bool:
        """Whether a modal may open for this person while Slack does not say who it is."""
        return self.access_gate.members.recently_full(member_of(body)) is not None

    async def rejected(self, ack: AsyncAck, body: Payload) -> None:
        """Store a rejection; it needs a reason."""
        view = body["view"]
        rollout_id, _, seal = text(view, "private_metadata").partition(":")
        reason = clean(text(pick(view, "state", "values"), "rollout_reason", "rollout_reason", "value")).strip()
        if not reason:
            await ack(response_action="errors", errors={"rollout_reason": "Say why, so that others understand it."})
            return
        entry = RolloutPressed(
            member=member_of(body),
            press=RolloutPress.REJECT,
            rollout_id=RolloutId(rollout_id),
            seal=Seal(seal),
            reason=reason,
        )
        await self.storing.put(entry, key=f"view:{text(view, 'id')}", queue=queues.rollout(RolloutId(rollout_id)))
        await ack()

    async def clusters(self, ack: AsyncAck, body: Payload) -> None:
        """Open the list of clusters."""
        self.tasks.start(self._list(body, view_id=""), name="open-clusters")
        await ack()

    async def turned(self, ack: AsyncAck, body: Payload) -> None:
        """Turn to another page of the list."""
        self.tasks.start(self._list(body, view_id=text(body, "view", "id")), name="turn-clusters")
        await ack()

    async def _list(self, body: Payload, *, view_id: str) -> None:
        if refusal := self.access_gate.refusal(await self.access_gate.identify(member_of(body))):
            await self.answers.tell(body, refusal)
            return
        rollout_id, _, page = text(action_of(body), "value").partition(":")
        try:
            rollout: Rollout = await self.rollouts.get(RolloutId(rollout_id))
        except Missing:
            await self.answers.tell(body, _UNKNOWN)
            return
        view = rollout_card.clusters_view(rollout, page=form.whole(page, otherwise=0)).payload()
        if not view_id:
            await self._show(body, view)
            return
        try:
            await self.views.update(view_id, view)
        except ViewFailed as error:
            _log.info("slack.modal_not_updated", code=error.code)

    async def _open(self, body: Payload) -> None:
        index = self.directory.index
        filled = form.prefilled(self.viewing.policy.rollout, index)
        await self._show(body, await self._drawn(filled))

    async def _show(self, body: Payload, view: dict[str, object]) -> None:
        show = self.views.push if text(body, "view", "type") == "modal" else self.views.open
        try:
            await show(text(body, "trigger_id"), view)
        except ViewFailed as error:
            _log.warning("slack.modal_not_opened", code=error.code)
            await self.answers.tell(body, TOO_LATE if isinstance(error, TriggerGone) else NOT_OPENED)

    async def _refresh(self, view: Payload, *, stamp: str) -> None:
        """Redraw the modal for what was filled in; a later choice in the same modal wins."""
        view_id = text(view, "id")
        filled = form.read(view)
        drawn = await self._drawn(filled)
        if not self.newest.is_newest(view_id, stamp):
            return
        try:
            await self.views.update(view_id, drawn)
        except ViewFailed as error:
            _log.info("slack.modal_not_refreshed", code=error.code)

    async def _drawn(self, filled: form.Filled) -> dict[str, object]:
        counted = await self._count(filled)
        clusters = [one for wave in counted.waves for one in wave]
        places = dict.fromkeys((one.organisation, one.environment) for one in clusters)
        found = [self.viewing.policy.rule(*place) for place in places]
        return form.draw(filled, counted, self.directory.index, self._versions(), found)

    def _versions(self) -> list[str]:
        found = {one: KubernetesVersion.parse(one) for catalog in self.viewing.catalogs() for one in catalog.versions}
        return sorted(found, key=lambda one: (found[one].numbers or (), one), reverse=True)

    async def _count(self, filled: form.Filled) -> form.Counted:
        """Work out which clusters the waves hold; one that is named itself is in no wave by its environment."""
        taken = await self.rollouts.taken()
        named = {value for wave in filled.waves for value in wave if not value.startswith(form.ENVIRONMENT)}
        waves, left = [], []
        for wave in filled.waves:
            kept: list[Cluster] = []
            out: Counter[str] = Counter()
            for one in self._of_wave(wave, named):
                why = self._left_out(one, filled.version, taken) if filled.version else ""
                if why:
                    out[why] += 1
                else:
                    kept.append(one)
            waves.append(tuple(kept))
            left.append(out)
        return form.Counted(waves=tuple(waves), left_out=tuple(left))

    def _of_wave(self, wave: Sequence[str], named: set[str]) -> Iterator[Cluster]:
        clusters = self.directory.index.clusters
        for value in wave:
            if not value.startswith(form.ENVIRONMENT):
                if found := self.viewing.find(ClusterIdentity(value)):
                    yield found[1]
                continue
            place = value.removeprefix(form.ENVIRONMENT)
            yield from (
                one
                for one in clusters
                if f"{one.organisation}/{one.environment}" == place and one.identity not in named
            )

    def _left_out(self, one: Cluster, version: str, taken: Mapping[ClusterIdentity, RolloutId]) -> str:
        rule = self.viewing.policy.rule(one.organisation, one.environment)
        way = step(one.version, version)
        if way is Step.SAME or (way is Step.DOWNGRADE and not rule.allow_downgrade):
            return "already there"
        if one.is_down:
            return one.status.lower()
        if one.identity in taken:
            return "in another rollout"
        found = self.viewing.find(one.identity)
        offered = found and version in found[0].offered_to(one, allow_downgrade=rule.allow_downgrade)
        return "" if offered else "not one allowed step away"

    async def _errors(self, filled: form.Filled, counted: form.Counted, member: Member | None) -> dict[str, str]:
        """Return what is wrong, by the block of the field at which it stands."""
        if not counted.waves[0]:
            return {f"{form.WAVE}_0": rules.at_field(PlanProblem(field="wave 1", kind="empty"))}
        organisations = {one.organisation for wave in counted.waves for one in wave}
        if len(organisations) > 1:
            return {
                f"{form.WAVE}_0": f"A rollout stays in one organisation; this is {' and '.join(sorted(organisations))}."
            }
        plan = counted.plan(filled)
        errors: dict[str, str] = {}
        for wrong in await self.rollouts.problems(plan):
            errors.setdefault(form.FIELDS[wrong.field], rules.at_field(wrong))
        now = self.viewing.now()
        if filled.ignore_windows and not filled.not_before:
            errors["rollout_not_before"] = rules.advice(StartMissing())
        if filled.not_before and not now + LEAD <= filled.not_before <= now + HORIZON:
            errors["rollout_not_before"] = "Choose a time at least 5 minutes from now and within a year."
        required = [one for one in plan.clusters if self._rule_of(plan, one).reason_required]
        if required and not filled.reason:
            errors["rollout_reason"] = rules.advice(ReasonMissing(environment=required[0].environment))
        if wrong_change := self.rollouts.wrong_change(plan):
            # Before the field is there, the modal has not seen yet that one of its environments requires it.
            errors[form.CHANGE if filled.change else f"{form.WAVE}_0"] = rules.advice(wrong_change)
        return errors if errors or member is None else await self._wrong_people(plan, member)

    async def _wrong_people(self, plan: Plan, member: Member) -> dict[str, str]:
        """Return the waves that this person may not plan, or that could never be approved."""
        errors: dict[str, str] = {}
        try:
            async with asyncio.timeout(_WITHIN):
                for number, wave in enumerate(plan.waves):
                    try:
                        await self.rollouts.check_people(replace(plan, waves=(wave,)), member)
                    except Refused as refusal:
                        errors[f"{form.WAVE}_{number}"] = one_line(rules.refusal(*refusal.why), 500)
        except (MembersUnavailable, TimeoutError):
            return errors  # the worker judges it again
        return errors

    def _rule_of(self, plan: Plan, one: PlannedCluster) -> Rule:
        return self.viewing.policy.rule(plan.organisation, one.environment)
