"""The card of a rollout, drawn from what is stored and from nothing else, its thread, and the list of its clusters."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from bot.domain.events import RolloutMoved
from bot.domain.people import EVERYONE
from bot.domain.policy import Policy
from bot.domain.rollout import (
    FINISHED,
    LONGEST_REST,
    NextWave,
    Progress,
    Rollout,
    RolloutCluster,
    RolloutState,
    Why,
)
from bot.notifications.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    context,
    header,
    message,
    plain,
    section,
    turning,
)
from bot.notifications.text import clip, escape, link, mention, mentions, span, trusted, when
from bot.workflow.inbox import RolloutPress

CLUSTERS: Final = "rollout_clusters"
"""The action id of the button that opens the list of clusters."""
PLAN_AGAIN: Final = "rollout_plan_again"
"""The action id of the button that opens the form filled in with what is left."""
PAGE: Final = 40
_LINE: Final = 2800
_SAID_STEPS: Final = 30
_MOST_PLACES: Final = 8
_LABELS: Final = {
    RolloutPress.APPROVE: "Approve wave",
    RolloutPress.REJECT: "Reject",
    RolloutPress.PAUSE: "Pause",
    RolloutPress.RESUME: "Resume",
    RolloutPress.STOP: "Stop",
    RolloutPress.RETRY: "Retry failed",
    RolloutPress.GO_ON: "Go on without",
    RolloutPress.SKIP: "Skip",
}
_STYLES: Final[dict[RolloutPress, Literal["primary", "danger"]]] = {
    RolloutPress.APPROVE: "primary",
    RolloutPress.REJECT: "danger",
    RolloutPress.STOP: "danger",
}
_MARKS: Final = {
    RolloutState.ASKING: "🟡",
    RolloutState.RUNNING: "🟣",
    RolloutState.SOAKING: "🔵",
    RolloutState.PAUSED: "🟠",
    RolloutState.HALTED: "🔴",
    RolloutState.DONE: "🟢",
}
_SAYS: Final = {
    Why.FROZEN: "a freeze",
    Why.NOT_ALLOWED: "a time at which upgrades are allowed",
    Why.AFTER: "the version to have run long enough in another environment",
    Why.LEAD_TIME: "the lead time",
    Why.OTHER_UPGRADE: "another request or upgrade of the cluster to end",
    Why.AT_ONCE: "a place: only so many go at once",
    Why.CLOUD: "another look at Avisi Cloud",
    Why.SLACK: "Slack to say who may approve",
    Why.REQUESTER: "the requester's right to request upgrades there",
    Why.RULE: "a rule of its environment",
}
_DETAILED: Final = frozenset({Why.FROZEN, Why.AFTER, Why.RULE})
_WHO: Final = {
    Why.FROZEN: "whoever may lift it, or keeps the policy,",
    Why.NOT_ALLOWED: "nobody before that time",
    Why.AFTER: "nobody before that time",
    Why.LEAD_TIME: "nobody before that time",
    Why.OTHER_UPGRADE: "whoever asked for the other upgrade",
    Why.REQUESTER: "whoever keeps the policy",
    Why.RULE: "whoever keeps the policy",
}
_BY_ITSELF: Final = frozenset({Why.AT_ONCE, Why.CLOUD, Why.SLACK})
"""Waits that end without anybody: nobody needs to do anything."""
_NO_END: Final = {Why.AT_ONCE: "until one of those under way has ended"}


def rollout_card(rollout: Rollout, policy: Policy) -> Message:
    """Draw the card for what is true now; the policy says who can decide."""
    plan = rollout.plan
    title = f"{_MARKS.get(rollout.state, '⚪')} Rollout {plan.name} to {plan.version}"
    status = clip(status_line(rollout, policy), _LINE)
    waves = [_wave_line(rollout, number) for number in range(len(plan.waves))]
    facts = _facts(rollout, policy)
    blocks: list[Block] = [header(title), section(status)]
    if waiting := _why_it_waits(rollout):
        blocks.append(section(waiting))
    blocks.append(section("\n".join(waves)))
    if plan.reason.strip():
        blocks.append(section(f"> {escape(plan.reason, 600)}"))
    if plan.ignore_windows:
        blocks.append(section("*Starts outside maintenance windows.*"))
    blocks.append(actions(*_buttons(rollout), block_id=f"rollout:{rollout.id}"))
    blocks.append(context(facts))
    return message("\n".join([escape(title, 200), status, *([waiting] if waiting else []), *waves, facts]), *blocks)


def rollout_thread(events: Sequence[RolloutMoved]) -> Message:
    """Tell what happened, gathered into one message."""
    for_whom = mentions(tuple(who for event in events for who in event.mention))
    steps = [trusted(step, 600) for event in events for step in event.steps]
    more = len(steps) - _SAID_STEPS
    told = "\n".join([*steps[:_SAID_STEPS], *([f"and {more} more."] if more > 0 else [])])
    shown = clip(f"{for_whom}: {told}" if for_whom else told, _LINE)
    name = escape(events[0].name, 100) if events else ""
    return message(f"Rollout {name}. {shown}", section(shown))


def status_line(rollout: Rollout, policy: Policy) -> str:  # noqa: PLR0911 - one for each state
    """Say what it waits for, who can act and until when."""
    wave = rollout.wave + 1
    match rollout.state:
        case RolloutState.ASKING:
            again = f" {_sentence(rollout.outcome)}" if rollout.outcome else ""
            retried = [one for one in rollout.of_wave(rollout.wave) if one.attempt > 1]
            names = f" It tries again: {_names(retried)}." if retried else ""
            still = rollout.frozen_until
            until = (
                f"Its environments are frozen until {when(still)}; the time to approve stands still."
                if still
                else f"Approve by {when(rollout.deadline)}."
            )
            return f"Wave {wave} waits for approval: {_tally(rollout, rollout.wave, policy)}. {until}{again}{names}"
        case RolloutState.RUNNING:
            return (
                f"Wave {wave} of {len(rollout.plan.waves)} is open. The requester and approvers can pause or stop it."
            )
        case RolloutState.SOAKING:
            until = f" until {when(rollout.soaked_at)}" if rollout.soaked_at else ""
            opens = rollout.plan.next_wave is NextWave.OPENS
            if opens:
                tally = _tally(rollout, rollout.wave + 1, policy)
                return (
                    f"Wave {wave} is done and soaks{until}. Wave {wave + 1} opens then, once it is approved: {tally}."
                )
            return f"Wave {wave} is done and soaks{until}. Then wave {wave + 1} asks for approval."
        case RolloutState.PAUSED:
            end = when(rollout.state_since + LONGEST_REST)
            who = _approvers(rollout, policy)
            return f"Paused in wave {wave}. {who} can resume it; otherwise it is stopped {end}.{_standing(rollout)}"
        case RolloutState.HALTED:
            end = when(rollout.state_since + LONGEST_REST)
            why = escape(rollout.outcome, 200)
            return (
                f"Halted in wave {wave}: {why}. {_approvers(rollout, policy)} can retry what failed or go on without "
                f"it; otherwise it is stopped {end}.{_standing(rollout)}"
            )
        case RolloutState.DONE:
            return f"Done. Every cluster has ended.{_unsuccessful(rollout)}"
        case RolloutState.EXPIRED:
            return f"Expired: nobody decided on wave {wave} in time.{_standing(rollout)}"
        case state:
            by = f" by {mention(rollout.ended_by)}" if rollout.ended_by else ""
            why = f": {escape(rollout.outcome, 600)}" if rollout.outcome else ""
            return f"{state.value.capitalize()}{by}{why}.{_standing(rollout)}"


def clusters_view(rollout: Rollout, *, page: int = 0) -> View:
    """Draw the modal with every cluster of a rollout, in pages."""
    pages = max(1, -(-len(rollout.clusters) // PAGE))
    page = min(max(page, 0), pages - 1)
    shown = rollout.clusters[page * PAGE : (page + 1) * PAGE]
    blocks: list[Block] = [
        section("\n".join(_cluster_line(one) for one in shown[first : first + 10]))
        for first in range(0, len(shown), 10)
    ]
    blocks.extend(turning(action_id=CLUSTERS, about=rollout.id, page=page, pages=pages))
    return View(type="modal", title="Clusters", close="Close", blocks=tuple(blocks))


def list_line(rollout: Rollout, policy: Policy, *, card: str | None = None) -> str:
    """Say in one line where a rollout is; `card` is the address of its card."""
    mark = _MARKS.get(rollout.state, "⚪")
    name = f"{mark} *{link(card, escape(rollout.plan.name, 100))}* to {escape(rollout.plan.version, 80)}"
    ended = sum(one.progress in FINISHED for one in rollout.clusters)
    count = f"{ended} of {len(rollout.clusters)} clusters have ended"
    line = f"{name}: {status_line(rollout, policy)} {count}. Planned by {mention(rollout.requester)}."
    return clip(line, _LINE)


def presses(rollout: Rollout) -> tuple[RolloutPress, ...]:  # noqa: PLR0911 - one for each state
    """Return the buttons that a rollout has now."""
    match rollout.state:
        case RolloutState.ASKING:
            return (RolloutPress.APPROVE, RolloutPress.REJECT, RolloutPress.STOP)
        case RolloutState.RUNNING:
            return (RolloutPress.PAUSE, RolloutPress.STOP)
        case RolloutState.SOAKING if rollout.asked_wave is not None:
            return (RolloutPress.APPROVE, RolloutPress.REJECT, RolloutPress.PAUSE, RolloutPress.STOP)
        case RolloutState.SOAKING:
            return (RolloutPress.PAUSE, RolloutPress.STOP)
        case RolloutState.PAUSED:
            return (RolloutPress.RESUME, RolloutPress.STOP)
        case RolloutState.HALTED:
            return (RolloutPress.RETRY, RolloutPress.GO_ON, RolloutPress.STOP)
        case _:
            return ()


def _buttons(rollout: Rollout) -> list[Block]:
    value = f"{rollout.id}:{rollout.seal}"
    found = []
    for press in presses(rollout):
        label = _LABELS[press]
        drawn = button(
            label, action_id=press, value=value, style=_STYLES.get(press), says=f"{label}: {rollout.plan.name}"
        )
        found.append({**drawn, "confirm": _confirm(rollout, press)} if press in _CONFIRMED else drawn)
    if rollout.has_ended and rollout.left:
        says = f"Plan again: {rollout.plan.name}"
        found.append(button("Plan again", action_id=PLAN_AGAIN, value=rollout.id, says=says))
    says = f"Clusters of {rollout.plan.name}"
    return [*found, button("Clusters", action_id=CLUSTERS, value=f"{rollout.id}:0", says=says)]


_CONFIRMED: Final = frozenset({RolloutPress.APPROVE, RolloutPress.STOP})


def _confirm(rollout: Rollout, press: RolloutPress) -> Block:
    if press is RolloutPress.STOP:
        text = "Nothing more is submitted. What Avisi Cloud already has goes on: it offers no way to cancel."
    else:
        wave = (rollout.asked_wave or 0) + 1
        count = len(rollout.of_wave(rollout.asked_wave or 0))
        text = f"Wave {wave}: {count} clusters to {rollout.plan.version}. Avisi Cloud offers no way to cancel."
    label = _LABELS[press]
    return {
        "title": plain(label, 100),
        "text": plain(text, 300),
        "confirm": plain(label, 30),
        "deny": plain("Cancel", 30),
    }


def _wave_line(rollout: Rollout, number: int) -> str:
    counts: Counter[Progress] = rollout.counts(number)
    words = {
        Progress.SUCCEEDED: "succeeded",
        Progress.RUNNING: "running",
        Progress.UNCLEAR: "unclear",
        Progress.WAITING: "waiting",
        Progress.SKIPPED: "skipped",
        Progress.FAILED: "failed",
    }
    told = [f"{counts[one]} {word}" for one, word in words.items() if one is not Progress.UNCLEAR or counts[one]]
    names = dict.fromkeys(one.planned.environment for one in rollout.of_wave(number))
    where = ", ".join(escape(one, 60) for one in list(names)[:5])
    return clip(f"*Wave {number + 1}* ({where}): {', '.join(told)}", 600)


def _why_it_waits(rollout: Rollout) -> str:
    """Say for each reason how many clusters wait, until when, and who can unblock it."""
    if rollout.state is not RolloutState.RUNNING:
        return ""
    groups: dict[Why, list[RolloutCluster]] = {}
    for one in rollout.of_wave(rollout.wave):
        if one.progress is Progress.WAITING and one.why is not None:
            groups.setdefault(one.why, []).append(one)
    lines = []
    for why, ones in groups.items():
        moments = [one.until for one in ones if one.until]
        until = f"until {when(min(moments))}" if moments else _NO_END.get(why, "no known end")
        who = "; it goes on by itself" if why in _BY_ITSELF else f"; {_WHO[why]} can change that"
        named = ", ".join(dict.fromkeys(escape(one.detail, 100) for one in ones if why in _DETAILED and one.detail))
        what = f"{_SAYS[why]} ({named})" if named else _SAYS[why]
        lines.append(f"{_names(ones)} wait{'s' if len(ones) == 1 else ''} for {what}, {until}{who}.")
    if unclear := [one for one in rollout.of_wave(rollout.wave) if one.progress is Progress.UNCLEAR]:
        lines.append(f"🟠 We could not confirm that {_names(unclear)} was scheduled; approvers decide in the thread.")
    return clip("\n".join(lines), _LINE)


def _standing(rollout: Rollout) -> str:
    """Say what the cloud has, which nothing takes back."""
    there = [one for one in rollout.clusters if one.progress in {Progress.RUNNING, Progress.UNCLEAR}]
    if not there:
        return ""
    named = [
        f"{escape(one.planned.full_name, 100)} ({span(one.window) if one.window else 'no window known'})"
        for one in there[:5]
    ]
    more = f" and {len(there) - 5} more" if len(there) > 5 else ""  # noqa: PLR2004 - as many are named
    count = "1 upgrade of it goes on" if len(there) == 1 else f"{len(there)} upgrades of it go on"
    return f" {count}, as Avisi Cloud offers no cancel: {', '.join(named)}{more}."


def _unsuccessful(rollout: Rollout) -> str:
    """Say how many did not succeed: done is not the same as upgraded."""
    counted = Counter(one.progress for one in rollout.clusters)
    told = [f"{counted[one]} {one}" for one in (Progress.FAILED, Progress.SKIPPED) if counted[one]]
    return f" {counted[Progress.SUCCEEDED]} succeeded, {', '.join(told)}." if told else ""


def _tally(rollout: Rollout, wave: int, policy: Policy) -> str:
    """Say for each environment of a wave how many approvals it has and needs, and who can give them."""
    organisation, names = rollout.plan.organisation, _places(rollout, wave)
    if not any(policy.rule(organisation, one).required_approvals for one in names):
        people = ", ".join(dict.fromkeys(_who(rollout, one, policy) for one in names[:_MOST_PLACES]))
        return f"it needs one press by {people}"
    told = []
    for name in names[:_MOST_PLACES]:
        given = sum(name in vote.environments for vote in rollout.votes)
        needed = policy.rule(organisation, name).required_approvals
        told.append(f"{escape(name, 60)} {given} of {needed} ({_who(rollout, name, policy)})")
    more = f" and {len(names) - _MOST_PLACES} more" if len(names) > _MOST_PLACES else ""
    return f"{', '.join(told)}{more}"


def _approvers(rollout: Rollout, policy: Policy) -> str:
    """Name the approvers of the wave's environments."""
    found = dict.fromkeys(_who(rollout, one, policy) for one in _places(rollout, rollout.wave))
    return f"An approver ({', '.join(list(found)[:_MOST_PLACES])})"


def _who(rollout: Rollout, environment: str, policy: Policy) -> str:
    approvers = policy.rule(rollout.plan.organisation, environment).approvers
    return "any full member" if EVERYONE in approvers else mentions(approvers) or mention(rollout.requester)


def _places(rollout: Rollout, wave: int) -> list[str]:
    return list(dict.fromkeys(one.planned.environment for one in rollout.of_wave(wave)))


def _facts(rollout: Rollout, policy: Policy) -> str:
    plan = rollout.plan
    rules = [policy.rule(plan.organisation, one) for one in dict.fromkeys(one.environment for one in plan.clusters)]
    address = next((found for rule in rules if (found := rule.change_address(plan.change))), None)
    hours = plan.soak.total_seconds() / 3600
    soak = f"soak {hours:g} hour{'' if hours == 1 else 's'}" if hours else "no soak"
    not_before = f" · not before {when(plan.not_before)}" if plan.not_before else ""
    change = f" · change {link(address, escape(plan.change, 64))}" if plan.change else ""
    return (
        f"Planned by {mention(rollout.requester)} · {len(plan.clusters)} clusters · {plan.at_once} at once · {soak} · "
        f"{plan.may_fail} may fail{not_before}{change}"
    )


def _cluster_line(one: RolloutCluster) -> str:
    why = f" ({escape(one.why, 100)})" if one.why and one.why.lower() != one.progress else ""
    ours = one.why in {Why.TAKEN_OVER, Why.BY_A_PERSON}
    detail = f": {trusted(one.detail, 150) if ours else escape(one.detail, 150)}" if one.detail else ""
    until = f", until {when(one.until)}" if one.until else ""
    if one.progress is Progress.RUNNING and one.window:
        until = f", {span(one.window)}"
    return clip(f"Wave {one.wave + 1} · {escape(one.planned.full_name, 100)} · {one.progress}{why}{detail}{until}", 280)


def _names(ones: Sequence[RolloutCluster]) -> str:
    names = [escape(one.planned.full_name, 100) for one in ones[:5]]
    more = len(ones) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _sentence(text: str) -> str:
    return f"{escape(text[:1].upper() + text[1:], 200)}."
