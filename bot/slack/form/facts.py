"""What stands below the cluster in the modal: facts, the estimate, and what to note. Drawing only."""

from collections.abc import Iterable

from bot.domain.cluster import Cluster
from bot.notifications import blocks, phrases, text
from bot.notifications.blocks import Block
from bot.workflow.viewing import FormView

SENTENCE = 2000
"""The longest sentence that the modal shows."""


def facts(shown: FormView) -> Iterable[Block]:
    """Draw what is known about the chosen cluster, and what a person should note before asking."""
    cluster = shown.cluster
    if cluster is None:
        return
    channel = text.escape(cluster.channel) if cluster.channel else "none"
    if cluster.channel and cluster.channel_version:
        channel += f" ({text.escape(cluster.channel_version)})"
    yield blocks.fields(
        f"*Current version*\n{text.escape(cluster.version)}",
        f"*Update channel*\n{channel}",
        f"*Maintenance windows*\n{_windows(cluster)}",
        f"*{_estimate_label(shown)}*\n{_estimate(shown)}",
    )
    for sentence in _warnings(shown):
        yield blocks.section(f"*Please note:* {sentence}")


def _warnings(shown: FormView) -> Iterable[str]:
    if (scheduled := shown.scheduled) is not None:
        status = phrases.status(scheduled.status)
        window = f", window {text.span(scheduled.window)}" if scheduled.window else ""
        yield (
            f"An upgrade to {text.escape(scheduled.to_version)} is already scheduled ({status}{window}). "
            "A new request reschedules it."
        )
    if (waiting := shown.waiting) is not None:
        yield (
            f"{text.mention(waiting.requester)} has already asked for {text.escape(waiting.to_version)} "
            f"({text.escape(waiting.state.words)}). A new request replaces that one."
        )
    yield from (text.escape(warning, SENTENCE) for warning in shown.warnings)


def _windows(cluster: Cluster) -> str:
    schedule = cluster.schedule
    if schedule is None:
        return "none"
    listed = [window.words for window in schedule.windows[:7]]
    if more := len(schedule.windows) - len(listed):
        listed.append(f"{more} more")
    if not schedule.is_complete:
        listed.append("others could not be read" if listed else "could not be read")
    name = f" ({text.escape(schedule.name)})" if schedule.name else ""
    return ("; ".join(listed) or "none") + (name if listed else "")


def _estimate(shown: FormView) -> str:
    if shown.estimate:
        return text.span(shown.estimate)
    return "choose one below" if shown.form.ignore_windows else "none can be given"


def _estimate_label(shown: FormView) -> str:
    return "Start" if shown.form.ignore_windows else "Window (an estimate; Avisi Cloud decides)"
