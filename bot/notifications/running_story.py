"""What the cloud says of a scheduled upgrade, in sentences of safe mrkdwn, worded by what is true when it is told."""

from typing import Final

from bot.domain.events import (
    AnyEvent,
    SawAgain,
    StatusMoved,
    UpgradeOverran,
    WentBlind,
    WindowBrokeRule,
    WindowMoved,
    WindowNear,
)
from bot.domain.request import State
from bot.domain.scheduled import APPEARS_UPGRADED, NOT_FOLLOWED, NOT_REPORTED, NOT_UPGRADED, PENDING
from bot.domain.windows import Window
from bot.notifications import phrases
from bot.notifications.context import MessageContext, ahead
from bot.notifications.standing import stop
from bot.notifications.text import escape, span, when

_HEADINGS: Final = {
    "SCHEDULED_NOTIFIED": "Reminder of an upgrade",
    "FAILED": "Upgrade failed",
    "MISSED": "Upgrade missed its window",
    NOT_UPGRADED: "Not upgraded by the end of its window",
    APPEARS_UPGRADED: "Appears upgraded",
    NOT_FOLLOWED: "Upgrade cannot be followed",
    NOT_REPORTED: "Upgrade no longer reported",
}
_INFERRED: Final = "Avisi Cloud gives no status here: this is concluded from the version that the cluster runs."

_MAYBE: Final = (
    "It gave no reason. Another upgrade, a moved update channel or a changed status of the cluster may be behind it."
)


def heading(event: AnyEvent, current: MessageContext) -> str | None:  # noqa: PLR0911 - one line for each event
    """Say in a few words what happened; None for events of other stories."""
    match event:
        case StatusMoved():
            known = "Upgrade " + phrases.status(event.status)
            unknown = f"Upgrade with the status {phrases.status(event.status)}"
            return _HEADINGS.get(event.status, known if phrases.is_known(event.status) else unknown)
        case WindowMoved():
            return "Window moved"
        case WindowBrokeRule():
            return "The window breaks a rule"
        case WindowNear():
            window = _window(event.window, current) or event.window
            return (
                "Upgrade window has begun"
                if has_begun(event, current)
                else f"Upgrade window begins {ahead(window.start, current.now)}"
            )
        case UpgradeOverran():
            return "Upgrade is overrunning"
        case WentBlind():
            return "Upgrade statuses cannot be read"
        case SawAgain():
            return "Upgrade statuses can be read again"
        case _:
            return None


def lines(event: AnyEvent, current: MessageContext) -> tuple[str, ...] | None:
    """Tell it; None for events of other stories."""
    match event:
        case StatusMoved():
            return (*_status(event, current), *_since(event.status, current))
        case WindowMoved():
            return (*_moved(event, current), *_since(event.status, current))
        case WindowBrokeRule():
            return (
                f"Avisi Cloud chose the window {span(event.window)}. {stop(escape(event.rule))}",
                f"{phrases.NO_CANCEL} Otherwise it runs in that window.",
            )
        case WindowNear():
            return (*_near(event, current), *_since_near(current))
        case UpgradeOverran():
            return (
                f"Its window ended {when(event.window.end)}, and Avisi Cloud says that it is still in progress.",
                *_since("IN_PROGRESS", current),
            )
        case _:
            return _sight(event)


def has_begun(event: WindowNear, current: MessageContext) -> bool:
    """Whether a countdown is told so late that its window has begun."""
    window = _window(event.window, current) or event.window
    return window.start <= current.now


def _sight(event: AnyEvent) -> tuple[str, ...] | None:
    match event:
        case WentBlind():
            return (
                (
                    f"No upgrade status of {escape(event.about.organisation, 200)} could be read since "
                    f"{when(event.since)}. Upgrades may be starting or failing unseen; look in Avisi Cloud."
                ),
                "The bot keeps trying, and says here when it sees again.",
            )
        case SawAgain():
            return (
                (
                    f"The bot was blind for {escape(event.about.organisation, 200)} from {when(event.since)} to "
                    f"{when(event.until)}. What moved meanwhile is announced as the state it is in now."
                ),
            )
        case _:
            return None


def _status(event: StatusMoved, current: MessageContext) -> tuple[str, ...]:
    window = _window(event.window, current)
    says = (f"Avisi Cloud says: {stop(escape(event.reason))}",) if event.reason else ()
    match event.status:
        case "FAILED":
            return (
                "Avisi Cloud began this upgrade and reports the status failed.",
                *(says or ("It gave no reason.",)),
                "The cluster may be partly upgraded. This attempt is over and nothing more is scheduled by it.",
                "Check the cluster; then the upgrade can be rescheduled.",
            )
        case "MISSED":
            return (
                (
                    f"{'Its window, ' + span(window) + ',' if window else 'Its window'} passed and it did not start: "
                    "its status is missed."
                ),
                *says,
                f"{_still(event)} Nothing more is scheduled by it; it can be rescheduled for the next window.",
            )
        case "SUPERSEDED" if current.request and current.request.state is State.REPLACED:
            return ("Its status is superseded: a newer request for this cluster took its place.", *says)
        case "SUPERSEDED":
            return (
                "Avisi Cloud does not carry it out any more: its status is superseded.",
                *(says or (_MAYBE,)),
                "Nothing more is scheduled by it; if it is still wanted, it can be rescheduled.",
            )
        case "SUCCEEDED":
            return (f"Its status is succeeded: the cluster runs {escape(event.about.to_version, 80)}.", *says)
        case _:
            return (*_under_way(event, window, current), *says)


def _under_way(event: StatusMoved, window: Window | None, current: MessageContext) -> tuple[str, ...]:
    begins = (f"Its window is {span(window)}.",) if window else ("Avisi Cloud gave no window yet.",)
    there = escape(event.about.to_version, 80)
    match event.status:
        case "SCHEDULED_NOTIFIED":
            planned = f"in its window, {span(window)}" if window else "in a window that it has not given yet"
            if window and window.start > current.now:
                planned += f", which begins {ahead(window.start, current.now)}"
            return (f"Avisi Cloud is going to upgrade this cluster {planned}. The status is scheduled notified.",)
        case "IN_PROGRESS":
            return (f"It has started: its status is in progress.{f' {begins[0]}' if window else ''}",)
        case "APPEARS_UPGRADED":
            return (f"The cluster runs {there} now, so it appears upgraded.", _INFERRED)
        case "NOT_UPGRADED":
            return (
                (
                    f"More than 30 minutes after its window{', ' + span(window) + ',' if window else ''} "
                    f"the cluster is not running at {there}."
                ),
                _INFERRED,
                "It may have failed, been missed, or still be running: check the cluster. It can be rescheduled.",
            )
        case "NOT_FOLLOWED" | "NOT_REPORTED":
            return _not_known(event)
        case _:
            return (f"Its status is {phrases.status(event.status)}{_before(event)}.", *begins[: bool(window)])


def _not_known(event: StatusMoved) -> tuple[str, ...]:
    if event.status == NOT_FOLLOWED:
        return ("Avisi Cloud gives neither status nor window here, so nothing can be followed.",)
    last = (f"Its last status was {phrases.status(event.from_status)}.",) if event.from_status else ()
    return (*last, phrases.FORGOTTEN)


def _near(event: WindowNear, current: MessageContext) -> tuple[str, ...]:
    says = f"Its window is {span(_window(event.window, current) or event.window)}."
    if event.unread_since is None:
        return (says,)
    return (says, f"This was read {when(event.unread_since)}; Avisi Cloud could not be read since.")


def _moved(event: WindowMoved, current: MessageContext) -> tuple[str, ...]:
    window = _window(event.window, current)
    before = f" It was {span(event.from_window)}." if event.from_window else ""
    return (f"Its window is now {span(window)}.{before}" if window else f"It has no window any more.{before}",)


def _window(told: Window | None, current: MessageContext) -> Window | None:
    """Return the window that is true now: what an event says may have moved again."""
    return (current.upgrade.window if current.upgrade else None) or told


def _since(status: str, current: MessageContext) -> tuple[str, ...]:
    """Say it when the status has moved on since."""
    if current.upgrade is None or current.upgrade.status == status:
        return ()
    return (f"By now its status is {phrases.status(current.upgrade.status)}.",)


def _since_near(current: MessageContext) -> tuple[str, ...]:
    if current.upgrade is None or current.upgrade.status in PENDING:
        return ()
    return (f"By now its status is {phrases.status(current.upgrade.status)}.",)


def _before(event: StatusMoved) -> str:
    known = event.from_status and event.from_status != event.status
    return f"; it was {phrases.status(event.from_status or '')}" if known else ""


def _still(event: StatusMoved) -> str:
    here = event.about.from_version
    return f"As far as is known, the cluster still runs {escape(here, 80)}." if here else "The cluster was not touched."
