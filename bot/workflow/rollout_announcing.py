"""What a rollout posts besides its card and thread: one message per wave, moment and channel, and its alerts."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.domain.events import (
    About,
    AnyEvent,
    RolloutAsks,
    RolloutFailed,
    RolloutMovedOn,
    RolloutNear,
    SubmissionUnclear,
    ToldCluster,
)
from bot.domain.policy import ALWAYS_ANNOUNCED, Policy, Rule
from bot.domain.rollout import Progress, Rollout, RolloutCluster, RolloutState, Why
from bot.domain.scheduled import ALARMING, Status
from bot.workflow import outbox
from bot.workflow.outbox import OutboxMessage
from bot.workflow.reminding import nearest_reminder

_ALERTED_HERE = frozenset({Why.REFUSED, Why.VERSION_WITHDRAWN, Why.NO_STATUS})
"""Failures without a status of the cloud that raises the alert by itself."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """The rollout, with a note of what is posted about it, and what is to be posted."""

    rollout: Rollout
    messages: tuple[OutboxMessage, ...]


def find_news(before: Rollout | None, after: Rollout, policy: Policy, *, now: datetime) -> News:
    """Find what a change of a rollout posts in channels, and what it asks in its thread."""
    found = [*_asks(before, after, policy), *_failed(before, after, policy)]
    moved, after = _moved_on(after, policy)
    near, after = _near(after, policy, now=now)
    messages = [
        outbox.rollout_channel(after, channel, event, key=f"{type(event).__name__}:{number}")
        for number, (channel, event) in enumerate([*found, *moved, *near])
        if channel
    ]
    questions = [outbox.rollout_question(after, event) for event in _unclear(before, after, policy)]
    return News(rollout=after, messages=(*messages, *questions))


def may_vote_now(before: Rollout | None, after: Rollout) -> bool:
    """Whether approvals of a wave may be given that could not be given before; a pause during its soak is no news."""
    if before is None or after.asked_wave is None or before.state is RolloutState.PAUSED:
        return before is None
    again = before.state is RolloutState.ASKING and before.round != after.round
    return again or before.asked_wave != after.asked_wave


def _asks(before: Rollout | None, after: Rollout, policy: Policy) -> Iterator[tuple[str, AnyEvent]]:
    """Yield a line for the channels of a wave's other environments, whenever its approvals may be given from now on."""
    wave = after.asked_wave
    if wave is None or not may_vote_now(before, after):
        return
    channels: dict[str, list[str]] = {}
    for name in after.environments(wave):
        channels.setdefault(_rule(after, name, policy).channel, []).append(name)
    for channel, names in channels.items():
        if channel and channel != after.channel:
            yield (
                channel,
                RolloutAsks(
                    about=_about(after),
                    rollout=after.id,
                    name=after.plan.name,
                    wave=wave + 1,
                    environments=tuple(names),
                ),
            )


def _failed(before: Rollout | None, after: Rollout, policy: Policy) -> Iterator[tuple[str, AnyEvent]]:
    """Yield an alert for what failed without a status of the cloud that is alerted by itself."""
    failed = [one for one in _new(before, after, Progress.FAILED) if one.why in _ALERTED_HERE]
    for (channel, wave, why), ones in _groups(
        ((_rule(after, one.planned.environment, policy).channel, one.wave, str(one.why)), one) for one in failed
    ):
        on_call = [who for one in ones for who in _rule(after, one.planned.environment, policy).on_call]
        event = RolloutFailed(
            about=_about(after),
            mention=tuple(dict.fromkeys((after.requester, *on_call))),
            rollout=after.id,
            name=after.plan.name,
            wave=wave + 1,
            why=why,
            clusters=_told(ones),
        )
        yield channel, event


def _moved_on(after: Rollout, policy: Policy) -> tuple[list[tuple[str, AnyEvent]], Rollout]:
    """Return the statuses that are announced and new, but for those that are alerts, one message for each status."""
    fresh = []
    for one in after.clusters:
        rule = _rule(after, one.planned.environment, policy)
        if one.status in (rule.announce | ALWAYS_ANNOUNCED) - ALARMING and one.standing != one.announced:
            fresh.append(((rule.channel, one.wave, one.status), one))
            after = after.announce(one.identity)
    found: list[tuple[str, AnyEvent]] = []
    for (channel, wave, status), ones in _groups(fresh):
        event = RolloutMovedOn(
            about=_about(after),
            rollout=after.id,
            name=after.plan.name,
            wave=wave + 1,
            status=status,
            clusters=_told(ones),
        )
        found.append((channel, event))
    return found, after


def _near(after: Rollout, policy: Policy, *, now: datetime) -> tuple[list[tuple[str, AnyEvent]], Rollout]:
    """Return the countdowns that are due, one message for each lead."""
    due = []
    for one in after.clusters:
        rule = _rule(after, one.planned.environment, policy)
        if one.progress is not Progress.RUNNING or one.window is None or one.status == Status.IN_PROGRESS:
            continue
        ahead = nearest_reminder(one.window, rule, now=now)
        countdown = f"{one.window.start.isoformat()} {ahead}"
        if ahead is None or countdown == one.counted_down:
            continue
        due.append(((rule.channel, one.wave, ahead.total_seconds() / 3600), one))
        after = after.note_countdown(one.identity, countdown)
    found: list[tuple[str, AnyEvent]] = []
    for (channel, wave, hours), ones in _groups(due):
        event = RolloutNear(
            about=_about(after),
            rollout=after.id,
            name=after.plan.name,
            wave=wave + 1,
            hours=hours,
            clusters=_told(ones),
        )
        found.append((channel, event))
    return found, after


def _unclear(before: Rollout | None, after: Rollout, policy: Policy) -> Iterator[SubmissionUnclear]:
    """Yield the clusters of which nobody can tell whether the cloud has them: people are asked, one by one."""
    for one in _new(before, after, Progress.UNCLEAR):
        about = About(
            organisation=after.plan.organisation,
            environment=one.planned.environment,
            cluster=one.planned.cluster,
            from_version="",
            to_version=after.plan.version,
            request_id=one.request,
            requester=after.requester,
        )
        yield SubmissionUnclear(
            about=about, mention=_rule(after, one.planned.environment, policy).notify, reason=one.detail
        )


def _new(before: Rollout | None, after: Rollout, progress: Progress) -> list[RolloutCluster]:
    known = {one.identity: one.progress for one in before.clusters} if before else {}
    return [one for one in after.clusters if one.progress is progress and known.get(one.identity) is not progress]


def _groups(ones: Iterable[tuple[Key, RolloutCluster]]) -> list[tuple[Key, list[RolloutCluster]]]:
    found: dict[Key, list[RolloutCluster]] = {}
    for key, one in ones:
        found.setdefault(key, []).append(one)
    return list(found.items())


def _told(ones: Sequence[RolloutCluster]) -> tuple[ToldCluster, ...]:
    return tuple(ToldCluster(name=one.planned.full_name, window=one.window, detail=one.detail) for one in ones)


def _rule(rollout: Rollout, environment: str, policy: Policy) -> Rule:
    return policy.rule(rollout.plan.organisation, environment)


def _about(rollout: Rollout) -> About:
    return About(
        organisation=rollout.plan.organisation,
        environment="",
        cluster="",
        from_version="",
        to_version=rollout.plan.version,
        requester=rollout.requester,
    )
