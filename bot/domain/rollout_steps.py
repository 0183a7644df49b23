"""What changed between two values of a rollout, in sentences: for its thread and for the audit trail."""

from collections.abc import Iterable

from bot.domain.rollout import Progress, Rollout, RolloutCluster, RolloutState, WaveVote, Why

_MOST_NAMED = 10
_STATES = {
    RolloutState.ASKING: "Wave {wave} waits for approval.",
    RolloutState.RUNNING: "Wave {wave} is open.",
    RolloutState.SOAKING: "Wave {wave} is done and soaks now.",
    RolloutState.PAUSED: "Paused: nothing more is submitted.",
    RolloutState.HALTED: "Halted: nothing more is submitted.",
    RolloutState.REJECTED: "Rejected.",
    RolloutState.EXPIRED: "Expired: nobody decided in time.",
    RolloutState.STOPPED: "Stopped: nothing more is submitted.",
    RolloutState.DONE: "Done.",
}
_PROGRESS = {
    Progress.RUNNING: "Handed to Avisi Cloud",
    Progress.UNCLEAR: "We could not confirm that the upgrade was scheduled",
    Progress.SUCCEEDED: "Succeeded",
    Progress.SKIPPED: "Skipped",
    Progress.FAILED: "Failed",
    Progress.WAITING: "Waiting again",
}


def steps(before: Rollout | None, after: Rollout) -> tuple[str, ...]:
    """Return a sentence for each thing that happened; none when only waiting, or counting the time, went on."""
    if before is None:
        return (f"<@{after.requester}> planned this rollout.",)
    found = [
        f"<@{vote.member}> approved wave {(after.asked_wave or after.wave) + 1}." for vote in _new_votes(before, after)
    ]
    found += _moved(before, after)
    if after.state is not before.state or (after.state is RolloutState.ASKING and after.round != before.round):
        by = f" By <@{after.ended_by}>." if after.ended_by and not before.ended_by else ""
        why = f" {after.outcome[0].upper()}{after.outcome[1:]}." if after.outcome and not by else ""
        soaks = after.state is RolloutState.SOAKING and after.asked_wave is not None
        meanwhile = f" Wave {after.wave + 2} can be approved meanwhile." if soaks else ""
        found.append(_STATES[after.state].format(wave=after.wave + 1) + meanwhile + by + why)
    elif after.reminders > before.reminders:
        found.append(f"Wave {after.wave + 1} still waits for approval.")
    elif after.warned_at and not before.warned_at:
        found.append(f"Still {after.state.lower()}: it will be stopped in a day unless an approver lets it go on.")
    return tuple(found)


def kind_of_change(before: Rollout | None, after: Rollout) -> str:
    """Name a change for the audit trail; empty when there is nothing to record."""
    if before is None:
        return "rollout planned"
    if after.state is not before.state:
        return f"rollout {after.state.lower()}"
    if _new_votes(before, after):
        return "rollout wave approved"
    return "rollout moved" if steps(before, after) else ""


def named(ones: Iterable[RolloutCluster]) -> str:
    """Name clusters: the first ten, and how many more."""
    names = [one.planned.full_name for one in ones]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _new_votes(before: Rollout, after: Rollout) -> list[WaveVote]:
    known = {(vote.member, vote.at) for vote in before.votes}
    return [vote for vote in after.votes if (vote.member, vote.at) not in known]


def _moved(before: Rollout, after: Rollout) -> list[str]:
    groups: dict[tuple[Progress, Why | None], list[RolloutCluster]] = {}
    for was, now in zip(before.clusters, after.clusters, strict=True):
        if was.progress is not now.progress:
            groups.setdefault((now.progress, now.why), []).append(now)
    return [
        f"{_PROGRESS[progress]}{f' ({why})' if why else ''}: {named(ones)}." for (progress, why), ones in groups.items()
    ]
