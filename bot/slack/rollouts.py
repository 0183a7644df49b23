"""Rollouts in Slack: the modal "Plan rollout", the buttons of the card, and the list of clusters."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.cluster import Cluster, ClusterIdentity, Organisation
from bot.domain.errors import Refused
from bot.domain.findings import PlanProblem, ReasonMissing
from bot.domain.foreign import clean
from bot.domain.form import HORIZON, LEAD, LONGEST_REASON
from bot.domain.people import Member
from bot.domain.policy import RolloutRule, Rule
from bot.domain.request import Seal
from bot.domain.rollout import MOST_WAVES, SOAKS, NextWave, Plan, PlannedCluster, Rollout, RolloutId
from bot.domain.versions import KubernetesVersion, Step, step
from bot.notifications import blocks, rollout_card, rules
from bot.notifications.blocks import Block, Message, View
from bot.notifications.text import escape, one_line
from bot.slack.answers import Answers
from bot.slack.errors import Listener
from bot.slack.form.choices import option
from bot.slack.form.directory import MOST, Directory, Index
from bot.slack.form.opening import NOT_OPENED, TOO_LATE
from bot.slack.payload import Payload, action_of, member_of, pick, text
from bot.slack.storing import Storing
from bot.slack.supervisor import Supervisor
from bot.slack.web.members import AccessGate
from bot.slack.web.views import TriggerGone, ViewFailed, Views
from bot.workflow import queues
from bot.workflow.errors import MembersUnavailable, Missing
from bot.workflow.inbox import RolloutPlanned, RolloutPress, RolloutPressed
from bot.workflow.rollouts import Rollouts
from bot.workflow.viewing import Viewing

_log = structlog.get_logger(__name__)
NOT_LOADED = "The clusters have not been read from Avisi Cloud yet. Please try again in a moment."
TITLE: Final = "Plan rollout"
_PLAN: Final = "plan_rollout"
_REJECT: Final = "reject_rollout"
_WAVE: Final = "rollout_wave"
_VERSION: Final = "rollout_version"
_TICKED: Final = "yes"
_ENVIRONMENT: Final = "env:"
_MOST_WINDOWS: Final = 8
_LISTED: Final = 20
_WITHIN: Final = 1.0
_MOST_VIEWS: Final = 1000
_SOAK_NAMES: Final = {
    timedelta(0): "none",
    timedelta(hours=1): "1 hour",
    timedelta(hours=4): "4 hours",
    timedelta(hours=12): "12 hours",
    timedelta(days=1): "1 day",
    timedelta(days=2): "2 days",
    timedelta(days=3): "3 days",
    timedelta(days=7): "7 days",
}
_NEXT_NAMES: Final = {
    NextWave.ASKS: "asks a person after the soak",
    NextWave.OPENS: "opens by itself when its approvals are there",
}
_FIELDS: Final = {"name": "rollout_name", "at once": "rollout_at_once", "may fail": "rollout_may_fail"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """What is filled in so far; `waves` holds the values that were chosen in each."""

    name: str = ""
    version: str = ""
    waves: tuple[tuple[str, ...], ...] = ((),) * MOST_WAVES
    at_once: int = 5
    soak: timedelta = timedelta(days=1)
    next_wave: NextWave = NextWave.ASKS
    may_fail: int = 0
    not_before: datetime | None = None
    ignore_windows: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What the waves come to: the clusters of each that are upgraded, and why others are left out."""

    waves: tuple[tuple[Cluster, ...], ...]
    left_out: tuple[Mapping[str, int], ...]

    def plan(self, filled: Filled) -> Plan:
        """Return the plan; waves after the last that holds anything are none."""
        waves = [
            tuple(PlannedCluster(identity=one.identity, environment=one.environment, cluster=one.slug) for one in wave)
            for wave in self.waves
        ]
        while len(waves) > 1 and not waves[-1]:
            waves.pop()
        first = next((one for wave in self.waves for one in wave), None)
        return Plan(
            organisation=first.organisation if first else Organisation(""),
            name=filled.name,
            version=filled.version,
            waves=tuple(waves),
            at_once=filled.at_once,
            soak=filled.soak,
            next_wave=filled.next_wave,
            may_fail=filled.may_fail,
            not_before=filled.not_before,
            ignore_windows=filled.ignore_windows,
            reason=filled.reason,
        )


def prefilled(rule: RolloutRule, index: Index) -> Filled:
    """Return what a new plan is filled in with by the policy; environments that no catalog has are left out."""
    known = dict.fromkeys((one.organisation, one.environment) for one in index.clusters)
    waves = [
        tuple(f"{_ENVIRONMENT}{org}/{name}" for wanted in wave for org, name in known if name == wanted)
        for wave in rule.waves
    ]
    return Filled(
        waves=(*waves, *((),) * (MOST_WAVES - len(waves))),
        at_once=rule.at_once,
        soak=rule.soak,
        next_wave=rule.next_wave,
        may_fail=rule.may_fail,
    )


def draw(filled: Filled, counted: Counted, index: Index, versions: Sequence[str]) -> dict[str, object]:
    """Draw the modal for what is filled in."""
    name = {"type": "plain_text_input", "action_id": "rollout_name", "max_length": 60}
    reason = {
        "type": "plain_text_input",
        "action_id": "rollout_reason",
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    ticked = {"text": blocks.plain("Start at the chosen time, even outside maintenance windows", 75), "value": _TICKED}
    not_before: dict[str, object] = {"type": "datetimepicker", "action_id": "rollout_not_before"}
    if filled.not_before:
        not_before["initial_date_time"] = int(filled.not_before.timestamp())
    ignore = {"type": "checkboxes", "action_id": "rollout_ignore", "options": [ticked]}
    parts = [
        _input("Name", "rollout_name", _with(name, "initial_value", filled.name)),
        _input(
            "Version",
            _VERSION,
            _select(_VERSION, {one: one for one in versions[:MOST]}, filled.version),
            dispatch_action=True,
        ),
        *(_wave(number, filled.waves[number], index) for number in range(MOST_WAVES)),
        *(blocks.context(line) for line in _count_lines(filled, counted)),
        _input("At once", "rollout_at_once", _number("rollout_at_once", filled.at_once, least=1, most=50)),
        _input("Soak", "rollout_soak", _select("rollout_soak", _soaks(), str(int(filled.soak.total_seconds())))),
        _input(
            "Next wave",
            "rollout_next_wave",
            _select("rollout_next_wave", {key.value: name for key, name in _NEXT_NAMES.items()}, filled.next_wave),
        ),
        _input("May fail", "rollout_may_fail", _number("rollout_may_fail", filled.may_fail, least=0, most=20)),
        _input("Not before", "rollout_not_before", not_before, optional=True),
        _input(
            "Ignore maintenance windows",
            "rollout_ignore",
            {**ignore, "initial_options": [ticked]} if filled.ignore_windows else ignore,
            optional=True,
        ),
        _input("Reason", "rollout_reason", _with(reason, "initial_value", filled.reason), optional=True),
    ]
    return View(
        type="modal", callback_id=_PLAN, title=TITLE, submit="Plan", close="Cancel", blocks=tuple(parts)
    ).payload()


def read(view: Payload) -> Filled:
    """Read what is filled in so far."""
    values = pick(view, "state", "values")
    moment = pick(values, "rollout_not_before", "rollout_not_before", "selected_date_time")
    chosen = text(values, "rollout_soak", "rollout_soak", "selected_option", "value")
    soaks = {str(int(one.total_seconds())): one for one in SOAKS}
    following = text(values, "rollout_next_wave", "rollout_next_wave", "selected_option", "value")
    return Filled(
        name=clean(text(values, "rollout_name", "rollout_name", "value")).strip(),
        version=text(values, _VERSION, _VERSION, "selected_option", "value"),
        waves=tuple(
            tuple(text(one, "value") for one in pick(values, f"{_WAVE}_{number}", _WAVE, "selected_options") or [])
            for number in range(MOST_WAVES)
        ),
        at_once=_whole(text(values, "rollout_at_once", "rollout_at_once", "value"), otherwise=5),
        soak=soaks.get(chosen, timedelta(days=1)),
        next_wave=NextWave(following) if following in set(NextWave) else NextWave.ASKS,
        may_fail=_whole(text(values, "rollout_may_fail", "rollout_may_fail", "value"), otherwise=0),
        not_before=datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) else None,
        ignore_windows=bool(pick(values, "rollout_ignore", "rollout_ignore", "selected_options")),
        reason=clean(text(values, "rollout_reason", "rollout_reason", "value")).strip(),
    )


def options(index: Index, typed: str = "") -> list[Block]:
    """Return what a wave can hold, environments first; at most 100 in all when it is searched."""
    wanted = typed.strip().casefold()
    places = dict.fromkeys((one.organisation, one.environment) for one in index.clusters)
    environments = [_environment_option(f"{_ENVIRONMENT}{org}/{name}", index) for org, name in places]
    environments = [one for one in environments if wanted in json.dumps(one).casefold()][:50]
    clusters = [option(one, index) for one in index.search(typed, limit=MOST)][: MOST - len(environments)]
    groups = (("Environments", environments), ("Clusters", clusters))
    return [{"label": blocks.plain(label, 75), "options": found} for label, found in groups if found]


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
    guard: Callable[[Listener], Listener]
    newest: dict[str, str] = field(default_factory=dict)

    def register(self, app: AsyncApp) -> None:
        """Tell Bolt what is listened to."""
        for action in (_WAVE, _VERSION):
            app.action(action)(self.guard(self.changed))
        app.options(_WAVE)(self.guard(self.typed))
        app.view(_PLAN)(self.guard(self.planned))
        app.view(_REJECT)(self.guard(self.rejected))
        for press in RolloutPress:
            listener = self.asks_why if press is RolloutPress.REJECT else self.pressed
            app.action(press.value)(self.guard(listener))
        app.action(rollout_card.CLUSTERS)(self.guard(self.clusters))
        for turn in ("previous", "next"):
            app.action(f"{rollout_card.CLUSTERS}_{turn}")(self.guard(self.turned))

    def start(self, body: Payload) -> None:
        """Open the modal beside the listener; call it right before the ack."""
        self.tasks.start(self._open(body), name="open-rollout")

    async def listed(self) -> Message:
        """Return what `rollouts` answers."""
        found = await self.rollouts.newest(limit=_LISTED)
        if not found:
            return blocks.message("There are no rollouts.", blocks.section("There are no rollouts."))
        lines = [rollout_card.list_line(one) for one in found]
        return blocks.message("\n".join(lines), *(blocks.section(line) for line in lines))

    async def changed(self, ack: AsyncAck, body: Payload) -> None:
        """Count again for what is filled in now."""
        view = pick(body, "view")
        if isinstance(view, dict):
            stamp, view_id = text(action_of(body), "action_ts"), text(view, "id")
            if len(self.newest) >= _MOST_VIEWS:
                self.newest.clear()
            self.newest[view_id] = max(stamp, self.newest.get(view_id, ""))
            self.tasks.start(self._refresh(view, stamp=stamp), name="refresh-rollout")
        await ack()

    async def typed(self, ack: AsyncAck, body: Payload) -> None:
        """Offer what fits what was typed into the search field of a wave."""
        found = options(self.directory.index, text(body, "value"))
        await (ack(option_groups=[dict(group) for group in found]) if found else ack(options=[]))

    async def planned(self, ack: AsyncAck, body: Payload) -> None:
        """Store the plan, or say at its fields what is wrong with it."""
        view = body["view"]
        filled = read(view)
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
        rollout_id, _, seal = text(action, "value").partition(":")
        entry = RolloutPressed(
            member=member_of(body),
            press=RolloutPress(text(action, "action_id")),
            rollout_id=RolloutId(rollout_id),
            seal=Seal(seal),
            response_url=text(body, "response_url") or None,
        )
        key = f"press:{entry.member}:{text(action, 'action_ts')}:{entry.press}"
        await self.storing.put(entry, key=key, queue=queues.rollout(RolloutId(rollout_id)))
        await ack()

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
            pass  # the rejection itself is judged by the worker
        self.tasks.start(self._show(body, ask_why(rollout_id, seal)), name="open-reject-rollout")
        await ack()

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
            await self.answers.tell(body, "This rollout is not known here any more.")
            return
        view = rollout_card.clusters_view(rollout, page=_whole(page, otherwise=0)).payload()
        if not view_id:
            await self._show(body, view)
            return
        try:
            await self.views.update(view_id, view)
        except ViewFailed as error:
            _log.info("slack.modal_not_updated", code=error.code)

    async def _open(self, body: Payload) -> None:
        index = self.directory.index
        filled = prefilled(self.viewing.policy.rollout, index)
        await self._show(body, draw(filled, await self._count(filled), index, self._versions()))

    async def _show(self, body: Payload, view: dict[str, object]) -> None:
        try:
            await self.views.open(text(body, "trigger_id"), view)
        except ViewFailed as error:
            _log.warning("slack.modal_not_opened", code=error.code)
            await self.answers.tell(body, TOO_LATE if isinstance(error, TriggerGone) else NOT_OPENED)

    async def _refresh(self, view: Payload, *, stamp: str) -> None:
        """Redraw the modal for what was filled in; a later choice in the same modal wins."""
        view_id = text(view, "id")
        filled = read(view)
        drawn = draw(filled, await self._count(filled), self.directory.index, self._versions())
        if self.newest.get(view_id, stamp) != stamp:
            return
        try:
            await self.views.update(view_id, drawn)
        except ViewFailed as error:
            _log.info("slack.modal_not_refreshed", code=error.code)

    def _versions(self) -> list[str]:
        found = {one: KubernetesVersion.parse(one) for catalog in self.viewing.catalogs() for one in catalog.versions}
        return sorted(found, key=lambda one: (found[one].numbers or (), one), reverse=True)

    async def _count(self, filled: Filled) -> Counted:
        """Work out which clusters the waves hold; one that is named itself is in no wave by its environment."""
        taken = await self.rollouts.taken()
        named = {value for wave in filled.waves for value in wave if not value.startswith(_ENVIRONMENT)}
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
        return Counted(waves=tuple(waves), left_out=tuple(left))

    def _of_wave(self, wave: Sequence[str], named: set[str]) -> Iterator[Cluster]:
        clusters = self.directory.index.clusters
        for value in wave:
            if not value.startswith(_ENVIRONMENT):
                if found := self.viewing.find(ClusterIdentity(value)):
                    yield found[1]
                continue
            place = value.removeprefix(_ENVIRONMENT)
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

    async def _errors(self, filled: Filled, counted: Counted, member: Member | None) -> dict[str, str]:
        """Return what is wrong, by the block of the field at which it stands."""
        if not counted.waves[0]:
            return {f"{_WAVE}_0": rules.refusal(PlanProblem(field="wave 1", kind="empty"))}
        organisations = {one.organisation for wave in counted.waves for one in wave}
        if len(organisations) > 1:
            return {
                f"{_WAVE}_0": f"A rollout stays in one organisation; this is {' and '.join(sorted(organisations))}."
            }
        plan = counted.plan(filled)
        errors: dict[str, str] = {}
        for wrong in await self.rollouts.problems(plan):
            where = f"{_WAVE}_{int(wrong.field[5:]) - 1}" if wrong.field.startswith("wave ") else _FIELDS[wrong.field]
            errors.setdefault(where, rules.refusal(wrong))
        now = self.viewing.now()
        if filled.not_before and not now + LEAD <= filled.not_before <= now + HORIZON:
            errors["rollout_not_before"] = "Choose a time at least 5 minutes from now and within a year."
        required = [one for one in plan.clusters if self._rule_of(plan, one).reason_required]
        if required and not filled.reason:
            errors["rollout_reason"] = rules.advice(ReasonMissing(environment=required[0].environment))
        if errors or member is None:
            return errors
        try:
            async with asyncio.timeout(_WITHIN):
                for number, wave in enumerate(plan.waves):
                    try:
                        await self.rollouts.check_people(replace(plan, waves=(wave,)), member)
                    except Refused as refusal:
                        errors[f"{_WAVE}_{number}"] = one_line(rules.refusal(*refusal.why), 500)
        except (MembersUnavailable, TimeoutError):
            return errors  # the worker judges it again
        return errors

    def _rule_of(self, plan: Plan, one: PlannedCluster) -> Rule:
        return self.viewing.policy.rule(plan.organisation, one.environment)


def ask_why(rollout_id: str, seal: str) -> dict[str, object]:
    """Draw the modal that asks why a rollout is rejected."""
    element = {
        "type": "plain_text_input",
        "action_id": "rollout_reason",
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    return View(
        type="modal",
        callback_id=_REJECT,
        title="Reject rollout",
        submit="Reject",
        close="Cancel",
        private_metadata=f"{rollout_id}:{seal}",
        blocks=(
            blocks.section("One rejection ends the rollout. What Avisi Cloud already has goes on."),
            _input("Reason", "rollout_reason", element),
        ),
    ).payload()


def _count_lines(filled: Filled, counted: Counted) -> Iterator[str]:
    """Say for each wave how many clusters it holds, which are left out and why, and how many windows it needs."""
    if not filled.version:
        yield "Choose a version: then this counts the clusters of each wave."
        return
    for number, wave in enumerate(counted.waves):
        out = counted.left_out[number]
        if not wave and not out:
            continue
        windows = ceil(len(wave) / max(1, filled.at_once))
        left = f"; left out: {', '.join(f'{count} {escape(why)}' for why, count in out.items())}" if out else ""
        warning = " Please note: that is many." if windows > _MOST_WINDOWS else ""
        many = "windows" if windows != 1 else "window"
        yield f"Wave {number + 1}: {len(wave)} clusters, at least {windows} {many}{left}.{warning}"


def _wave(number: int, chosen: Sequence[str], index: Index) -> Block:
    searched = len(index.clusters) > MOST
    known = {one.identity: one for one in index.clusters}
    places = {f"{_ENVIRONMENT}{one.organisation}/{one.environment}" for one in index.clusters}
    initial = [
        _environment_option(value, index) if value in places else option(known[ClusterIdentity(value)], index)
        for value in chosen
        if value in places or value in known
    ]
    element: dict[str, object] = {
        "type": "multi_external_select" if searched else "multi_static_select",
        "action_id": _WAVE,
        "placeholder": blocks.plain("Choose environments or clusters", 150),
        **({"min_query_length": 0} if searched else {"option_groups": options(index)}),
        **({"initial_options": initial} if initial else {}),
    }
    label = f"Wave {number + 1}"
    return _input(label, f"{_WAVE}_{number}", element, optional=number > 0, dispatch_action=True)


def _environment_option(value: str, index: Index) -> Block:
    place = value.removeprefix(_ENVIRONMENT)
    name = place if index.naming.several else place.partition("/")[2]
    return {"text": blocks.plain(name, 75), "value": value}


def _input(label: str, block_id: str, element: Mapping[str, object], **more: object) -> Block:
    return {"type": "input", "block_id": block_id, "label": blocks.plain(label), "element": element, **more}


def _select(action_id: str, names: Mapping[str, str], chosen: str) -> dict[str, object]:
    drawn = {value: {"text": blocks.plain(name, 75), "value": str(value)} for value, name in names.items()}
    return {
        "type": "static_select",
        "action_id": action_id,
        "options": list(drawn.values()),
        **({"initial_option": drawn[chosen]} if chosen in drawn else {}),
    }


def _number(action_id: str, value: int, *, least: int, most: int) -> dict[str, object]:
    return {
        "type": "number_input",
        "action_id": action_id,
        "is_decimal_allowed": False,
        "initial_value": str(value),
        "min_value": str(least),
        "max_value": str(most),
    }


def _soaks() -> dict[str, str]:
    return {str(int(one.total_seconds())): name for one, name in _SOAK_NAMES.items()}


def _with(element: dict[str, object], key: str, value: str) -> dict[str, object]:
    return {**element, key: value} if value else element


def _whole(written: str, *, otherwise: int) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < len("10000") else otherwise
