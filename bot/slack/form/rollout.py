"""The modal "Plan rollout": what it holds, drawn and read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from bot.domain.change import LONGEST, ChangeRule
from bot.domain.cluster import Cluster, ClusterIdentity, Organisation
from bot.domain.foreign import clean
from bot.domain.form import LONGEST_REASON
from bot.domain.policy import RolloutRule, Rule
from bot.domain.rollout import MOST_WAVES, SOAKS, NextWave, Plan, PlannedCluster, Rollout
from bot.notifications import blocks
from bot.notifications.blocks import Block, View
from bot.notifications.text import escape
from bot.slack.form.choices import option
from bot.slack.form.directory import MOST, Index
from bot.slack.payload import Payload, pick, text

TITLE: Final = "Plan rollout"
PLAN: Final = "plan_rollout"
REJECT: Final = "reject_rollout"
WAVE: Final = "rollout_wave"
VERSION: Final = "rollout_version"
CHANGE: Final = "rollout_change"
ENVIRONMENT: Final = "env:"
_TICKED: Final = "yes"
_MOST_WINDOWS: Final = 8
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
FIELDS: Final = {
    "name": "rollout_name",
    "at once": "rollout_at_once",
    "may fail": "rollout_may_fail",
    "soak": "rollout_soak",
    **{f"wave {number + 1}": f"{WAVE}_{number}" for number in range(MOST_WAVES)},
}
"""The block of each field that a problem names."""


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
    change: str = ""


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
            change=filled.change,
        )


def prefilled(rule: RolloutRule, index: Index) -> Filled:
    """Return what a new plan is filled in with by the policy; environments that no catalog has are left out.

    A rollout stays in one organisation: of several, the one in which the policy's waves name the most environments.
    """
    known = dict.fromkeys((one.organisation, one.environment) for one in index.clusters)
    waves: list[tuple[str, ...]] = []
    for organisation in dict.fromkeys(one for one, _ in known):
        names = [name for one, name in known if one == organisation]
        found = [
            tuple(
                f"{ENVIRONMENT}{organisation}/{name}"
                for wanted in wave
                for name in names
                if wanted in {name, f"{organisation}/{name}"}
            )
            for wave in rule.waves
        ]
        waves = max(waves, [wave for wave in found if wave], key=lambda some: sum(map(len, some)))
    return Filled(
        waves=(*waves, *((),) * (MOST_WAVES - len(waves))),
        at_once=rule.at_once,
        soak=rule.soak,
        next_wave=rule.next_wave,
        may_fail=rule.may_fail,
    )


def again(rollout: Rollout, index: Index) -> Filled:
    """Return what a plan is filled in with to finish a rollout that has ended: what is left, wave by wave."""
    plan = rollout.plan
    waves = []
    for number in range(len(plan.waves)):
        left = [one.planned for one in rollout.left if one.wave == number]
        chosen: list[str] = []
        for name in dict.fromkeys(one.environment for one in left):
            here = {one.identity for one in left if one.environment == name}
            every = {
                one.identity
                for one in index.clusters
                if (one.organisation, one.environment) == (plan.organisation, name) and one.version != plan.version
            }
            chosen += [f"{ENVIRONMENT}{plan.organisation}/{name}"] if here == every else sorted(here)
        if chosen:
            waves.append(tuple(chosen))
    return Filled(
        name=plan.name,
        version=plan.version,
        waves=(*waves, *((),) * (MOST_WAVES - len(waves))),
        at_once=plan.at_once,
        soak=plan.soak,
        next_wave=plan.next_wave,
        may_fail=plan.may_fail,
        not_before=plan.not_before,
        ignore_windows=plan.ignore_windows,
        reason=plan.reason,
        change=plan.change,
    )


def draw(
    filled: Filled, counted: Counted, index: Index, versions: Sequence[str], rules: Sequence[Rule] = ()
) -> dict[str, object]:
    """Draw the modal for what is filled in; `rules` are those of the environments of the clusters that are chosen."""
    change = next((one.change for one in rules if one.change), None)
    needs_reason = any(one.reason_required for one in rules)
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
            VERSION,
            _select(VERSION, {one: one for one in versions[:MOST]}, filled.version),
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
        _input("Reason", "rollout_reason", _with(reason, "initial_value", filled.reason), optional=not needs_reason),
        *([_change(change, filled.change)] if change else []),
    ]
    return View(
        type="modal", callback_id=PLAN, title=TITLE, submit="Plan", close="Cancel", blocks=tuple(parts)
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
        version=text(values, VERSION, VERSION, "selected_option", "value"),
        waves=tuple(
            tuple(text(one, "value") for one in pick(values, f"{WAVE}_{number}", WAVE, "selected_options") or [])
            for number in range(MOST_WAVES)
        ),
        at_once=whole(text(values, "rollout_at_once", "rollout_at_once", "value"), otherwise=5),
        soak=soaks.get(chosen, timedelta(days=1)),
        next_wave=NextWave(following) if following in set(NextWave) else NextWave.ASKS,
        may_fail=whole(text(values, "rollout_may_fail", "rollout_may_fail", "value"), otherwise=0),
        not_before=datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) else None,
        ignore_windows=bool(pick(values, "rollout_ignore", "rollout_ignore", "selected_options")),
        reason=clean(text(values, "rollout_reason", "rollout_reason", "value")).strip(),
        change=clean(text(values, CHANGE, CHANGE, "value")).strip(),
    )


def options(index: Index, typed: str = "") -> list[Block]:
    """Return what a wave can hold, environments first: at most 100 in all, as many as a select or an answer takes."""
    wanted = typed.strip().casefold()
    places = dict.fromkeys((one.organisation, one.environment) for one in index.clusters)
    environments = [_environment_option(f"{ENVIRONMENT}{org}/{name}", index) for org, name in places]
    environments = [one for one in environments if wanted in json.dumps(one).casefold()]
    clusters = [option(one, index) for one in index.search(typed, limit=MOST)]
    environments = environments[: max(MOST // 2, MOST - len(clusters))]
    clusters = clusters[: MOST - len(environments)]
    groups = (("Environments", environments), ("Clusters", clusters))
    return [{"label": blocks.plain(label, 75), "options": found} for label, found in groups if found]


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
        callback_id=REJECT,
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
        many = f" ⚠️ More than {_MOST_WINDOWS} windows: raise At once, or use more waves."
        warning = many if windows > _MOST_WINDOWS and not filled.ignore_windows else ""
        needs = "" if filled.ignore_windows else f", at least {_counted(windows, 'window')}"
        yield f"Wave {number + 1}: {_counted(len(wave), 'cluster')}{needs}{left}.{warning}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _wave(number: int, chosen: Sequence[str], index: Index) -> Block:
    known = {one.identity: one for one in index.clusters}
    places = {f"{ENVIRONMENT}{one.organisation}/{one.environment}" for one in index.clusters}
    searched = len(places) + len(known) > MOST
    initial = [
        _environment_option(value, index) if value in places else option(known[ClusterIdentity(value)], index)
        for value in chosen
        if value in places or value in known
    ]
    element: dict[str, object] = {
        "type": "multi_external_select" if searched else "multi_static_select",
        "action_id": WAVE,
        "placeholder": blocks.plain("Choose environments or clusters", 150),
        **({"min_query_length": 0} if searched else {"option_groups": options(index)}),
        **({"initial_options": initial} if initial else {}),
    }
    label = f"Wave {number + 1}"
    return _input(label, f"{WAVE}_{number}", element, optional=number > 0, dispatch_action=True)


def _environment_option(value: str, index: Index) -> Block:
    place = value.removeprefix(ENVIRONMENT)
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


def _change(rule: ChangeRule, filled_in: str) -> Block:
    element: dict[str, object] = {"type": "plain_text_input", "action_id": CHANGE, "max_length": LONGEST}
    hint = blocks.plain(f"such as {rule.pattern.example}")
    return _input("Change", CHANGE, _with(element, "initial_value", filled_in), hint=hint)


def _soaks() -> dict[str, str]:
    return {str(int(one.total_seconds())): name for one, name in _SOAK_NAMES.items()}


def _with(element: dict[str, object], key: str, value: str) -> dict[str, object]:
    return {**element, key: value} if value else element


def whole(written: str, *, otherwise: int) -> int:
    """Read a whole number of up to four digits."""
    return int(written) if written.isascii() and written.isdigit() and len(written) < len("10000") else otherwise
