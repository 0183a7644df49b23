"""Words for states, statuses, versions and times, the same in card, notes and Home. All of it is safe mrkdwn."""

from datetime import timedelta
from typing import Final

from bot.domain.calendar import AnyFreeze, Freeze, TimedFreeze
from bot.domain.events import About
from bot.domain.naming import Naming, Placed
from bot.domain.request import OPEN, UpgradeRequest
from bot.domain.scheduled import (
    APPEARS_UPGRADED,
    NOT_FOLLOWED,
    NOT_REPORTED,
    NOT_UPGRADED,
    ScheduledUpgrade,
)
from bot.notifications.text import escape, mention, span, when
from bot.workflow.repositories import Feed, Source

NO_CANCEL: Final = "Avisi Cloud offers no way to cancel a scheduled upgrade; it can only be rescheduled."
FORGOTTEN: Final = (
    "Avisi Cloud does not list this upgrade any more, so its outcome is not known here: please look in Avisi Cloud. "
    "If it is listed again, it is followed again."
)
OUTSIDE: Final = "Scheduled outside Slack"
_A_YEAR: Final = timedelta(days=365)
_MEANS: Final = {
    "REQUESTED": "submitted, waiting for its window",
    "SCHEDULED": "scheduled",
    "SCHEDULED_NOTIFIED": "scheduled, contacts notified",
    "IN_PROGRESS": "running",
    "SUCCEEDED": "done",
    "SUPERSEDED": "superseded",
    "FAILED": "failed",
    "MISSED": "missed its window",
    APPEARS_UPGRADED: "appears upgraded",
    NOT_UPGRADED: "not upgraded by the end of its window",
    NOT_FOLLOWED: "cannot be followed",
    NOT_REPORTED: "no longer reported",
}


def status(word: str) -> str:
    """Say what a status means in a few words; one that the bot does not know as it is."""
    return _MEANS.get(word) or escape(word, 100)


def is_known(word: str) -> bool:
    """Whether the word is one of the cloud's eight, or one of ours."""
    return word in _MEANS


def name(about: Placed, naming: Naming) -> str:
    """Say which cluster it is about."""
    return escape(naming.cluster(about), 250)


def what(about: About, naming: Naming) -> str:
    """Say which upgrade it is about: `production/web: upgrade to 1.31.2`."""
    return f"{name(about, naming)}: upgrade to {escape(about.to_version, 80)}"


def versions(about: About | UpgradeRequest | ScheduledUpgrade) -> str:
    """Say `1.30.4 → 1.31.2`."""
    there = escape(about.to_version, 80)
    return f"{escape(about.from_version, 80)} → {there}" if about.from_version else there


def starts(request: UpgradeRequest, upgrade: ScheduledUpgrade | None = None) -> str:
    """Say when the upgrade runs: in the window that the cloud gave, else as far as that is known before its answer."""
    if request.ignore_windows:
        asked = f"at {when(request.start)}" if request.start else "as soon as possible"
        return f"{asked}, outside maintenance windows"
    if given := window_of(request, upgrade):
        return given
    expected = f", expected {span(request.estimate)}" if request.estimate and request.state in OPEN else ""
    if request.start and not request.start_left_out:
        return f"next maintenance window, not before {when(request.start)}{expected}"
    return f"next maintenance window{expected}"


def approvers(request: UpgradeRequest) -> str:
    """Say who approved; empty while nobody did and somebody has to."""
    given = ", ".join(mention(vote.member) for vote in request.votes[:20])
    return given or ("" if request.required else "nobody: no approval is needed")


def emergency(request: UpgradeRequest) -> str:
    """Say that it goes without approval, and who has seen that."""
    goes = "only the extra approval is needed." if request.override else "submitted without approval."
    if request.acknowledged_by:
        return f"{goes} Acknowledged by {mention(request.acknowledged_by)}."
    return f"{goes} Another approver has to acknowledge it."


def freeze_named(freeze: AnyFreeze) -> str:
    """Say which freeze it is: `the freeze of 1–9 Dec (Sinterklaas peak)`, or until when one lasts that people set."""
    reason = f" ({escape(freeze.reason, 150)})" if freeze.reason.strip() else ""
    if isinstance(freeze, TimedFreeze):
        return f"the freeze until {when(freeze.until)}{reason}"
    return f"the freeze of {_days(freeze)}{reason}"


def _days(freeze: Freeze) -> str:
    first, last = freeze.first, freeze.last
    year = f" {last.year}" if last - first >= _A_YEAR else ""
    end = f"{last.day} {last:%b}{year}"
    if first == last:
        days = end
    elif (first.year, first.month) == (last.year, last.month):
        days = f"{first.day}–{end}"
    else:
        days = f"{first.day} {first:%b}{f' {first.year}' if year else ''} – {end}"
    return days


def window_of(request: UpgradeRequest, upgrade: ScheduledUpgrade | None) -> str | None:
    """Say the window that the cloud gave, None while it has given none."""
    window = (upgrade.window if upgrade else None) or request.window
    return span(window) if window else None


def competing(upgrade: ScheduledUpgrade) -> str:
    """Say which other upgrade of a request's cluster there is, and what becomes of it."""
    version = escape(upgrade.to_version, 80) or "a version that is not known"
    if upgrade.status == "IN_PROGRESS":
        return f"Avisi Cloud is upgrading this cluster to {version} at the moment."
    outside = ", outside Slack" if upgrade.request_id is None else ""
    window = f", window {span(upgrade.window)}" if upgrade.window else ""
    return (
        f"This cluster already has an upgrade to {version} (status {status(upgrade.status)}{window}{outside}). "
        f"This request supersedes it when it is approved."
    )


def fresh(feed: Feed) -> str:
    """Say how far the statuses of an organisation can be relied on."""
    name = escape(feed.organisation, 100)
    if feed.blind_since:
        return f"{name}: no status could be read since {when(feed.blind_since)}."
    if feed.source is Source.CLUSTERS:
        return f"{name}: Avisi Cloud gives no status here; outcomes are judged by the clusters' versions."
    return f"{name}: statuses read {when(feed.read_at)}." if feed.read_at else f"{name}: no status has been read yet."


def needed(required: int, *, more: str = "") -> str:
    """Say how many approvals are asked for: `2 approvals`, `1 more approval`."""
    return f"{required} {more}approval{'' if required == 1 else 's'}"
