"""Describes a policy in words: the rules of each environment for `policy check`, the main ones for `doctor`."""

from collections.abc import Iterator
from datetime import date, timedelta

from bot.domain.people import EVERYONE
from bot.domain.policy import ALWAYS_ANNOUNCED, NO_ROLLOUT_RULE, Policy, RolloutRule, Rule
from bot.domain.rollout import NextWave


def in_full(policy: Policy) -> dict[str, list[str]]:
    """Return each environment's effective rules; after those with a table come all others, then rollouts."""
    rules = {name: _clauses(rule) for name, rule in _rules(policy)}
    return rules if policy.rollout == NO_ROLLOUT_RULE else rules | {"rollouts": _planned(policy.rollout)}


def in_short(policy: Policy) -> list[str]:
    """Return one line for each environment: who approves, when it is frozen, and where it is posted."""
    return [f"{name}: {'; '.join([_approvals(rule), *_frozen(rule), _channel(rule)])}" for name, rule in _rules(policy)]


def _rules(policy: Policy) -> list[tuple[str, Rule]]:
    others = "every other environment" if policy.environments else "every environment"
    return [*((name, policy.environments[name]) for name in sorted(policy.environments)), (others, policy.default)]


def over_already(policy: Policy, *, today: date) -> list[str]:
    """Return a line for each freeze that has ended: the year may be a mistake."""
    ended = {freeze for rule in policy.rules for freeze in rule.freeze if freeze.last < today}
    return [f"the freeze {one.dated} is over" for one in sorted(ended, key=lambda freeze: freeze.first)]


def out_of_reach(policy: Policy) -> list[str]:
    """Return a line for each environment where overriding a freeze needs more approvals than there are approvers."""
    return [
        f"{rule.environment or 'any environment without a table'}: overriding a freeze needs "
        f"{rule.approvals_needed(override=True)} approvals, and only {' and '.join(rule.approvers)} may give one"
        for rule in policy.rules
        if rule.override and 0 < (most_approvers(rule) or 0) < rule.approvals_needed(override=True)
    ]


def most_approvers(rule: Rule) -> int | None:
    """Return how many people may approve, None when that depends on a user group or everybody may."""
    if any(who == EVERYONE or who.startswith("S") for who in rule.approvers):
        return None
    return len(rule.approvers)


def _clauses(rule: Rule) -> list[str]:
    clauses = [_approvals(rule)]
    clauses += _frozen(rule)
    if rule.freeze:
        clauses.append(_override(rule))
    if rule.allowed:
        clauses.append(f"upgrades only {' or '.join(span.text for span in rule.allowed)} ({rule.zone})")
    clauses += [f"{length(wait)} after the same version succeeded in {earlier}" for earlier, wait in rule.after]
    clauses += _of_requests(rule)
    if rule.allow_downgrade:
        clauses.append("patch downgrades allowed")
    clauses.append(f"a request expires after {length(rule.request_expires_after)}")
    if rule.required_approvals:
        clauses.append(_asked(rule))
    clauses.append(_reminders(rule))
    clauses.append(
        f"said in the channel when Avisi Cloud has not scheduled an upgrade after {length(rule.stale_after)}"
    )
    if more := sorted(rule.announce - ALWAYS_ANNOUNCED):
        clauses.append(f"also announced: {', '.join(more)}")
    if rule.on_call:
        clauses.append(f"{' and '.join(rule.on_call)} mentioned on failures")
    clauses.append(_channel(rule))
    return clauses


def _of_requests(rule: Rule) -> Iterator[str]:
    """Yield who may ask, and with what."""
    if rule.requesters != (EVERYONE,):
        yield f"requested by {_people(rule.requesters)}"
    if rule.reason_required:
        yield "a reason is required"
    if rule.change:
        leads = f", which leads to {rule.change.url}" if rule.change.url else ""
        yield f"a change number like {rule.change.pattern.example} is required ({rule.change.pattern.text}){leads}"
    if rule.emergency:
        yield "approvers may submit an emergency without approval, which another approver has to acknowledge"


def _frozen(rule: Rule) -> list[str]:
    return [f"frozen {freeze.dated}" for freeze in rule.freeze]


def _channel(rule: Rule) -> str:
    return f"in channel {rule.channel}" if rule.channel else "no channel yet (BOT_CHANNEL)"


def _planned(rule: RolloutRule) -> list[str]:
    waves = [", ".join(wave) for wave in rule.waves]
    asks = rule.next_wave is NextWave.ASKS
    return [
        *([f"waves {' then '.join(waves)}"] if waves else []),
        f"{rule.at_once} at once",
        f"a soak of {length(rule.soak)}" if rule.soak else "no soak",
        "each wave asks a person" if asks else "each wave opens by itself once it is approved",
        f"{rule.may_fail} may fail in a wave",
        *([f"in channel {rule.channel}"] if rule.channel else []),
    ]


def _approvals(rule: Rule) -> str:
    if rule.required_approvals == 0:
        return "no approval needed"
    count = f"{rule.required_approvals} approval{'s' if rule.required_approvals > 1 else ''}"
    own = "the requester's own counts" if rule.self_approval else "not the requester"
    return f"{count} from {_people(rule.approvers) or 'nobody yet (BOT_APPROVERS)'}, {own}"


def _override(rule: Rule) -> str:
    if not rule.override:
        return "no freeze can be overridden"
    needed = rule.approvals_needed(override=True)
    return f"a freeze can be overridden with a reason and {needed} approval{'s' if needed > 1 else ''}"


def _asked(rule: Rule) -> str:
    after = length(rule.remind_approvers_after)
    if not rule.notify:
        return f"nobody notified by name, a reminder after {after}"
    who = "approvers" if rule.notify == rule.approvers else " and ".join(rule.notify)
    return f"{who} notified at once and reminded after {after}"


def _reminders(rule: Rule) -> str:
    if not rule.reminders:
        return "no reminders before a window"
    return f"reminders {' and '.join(length(before) for before in rule.reminders)} before a window"


def _people(ids: tuple[str, ...]) -> str:
    return "any full member" if ids == (EVERYONE,) else " or ".join(ids)


def length(duration: timedelta) -> str:
    """Write a duration as in the policy file: `3d`, `48h`, `30m`, `45s`."""
    seconds = int(duration.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0 and (unit != "d" or seconds // size > 2):  # noqa: PLR2004 - 48h reads better than 2d
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
