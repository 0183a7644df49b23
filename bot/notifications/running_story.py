"""What the cloud says of a scheduled upgrade, in sentences of safe mrkdwn, worded by what is true when it is told."""

from dataclasses import dataclass, replace
from typing import Final

from bot.domain.events import (
    AnyEvent,
    SawAgain,
    StatusMoved,
    UpgradeOverran,
    UpgradeStale,
    WentBlind,
    WindowBrokeRule,
    WindowMoved,
    WindowNear,
)
from bot.domain.request import State
from bot.domain.scheduled import ALARMING, APPEARS_UPGRADED, DONE, NOT_FOLLOWED, NOT_REPORTED, PENDING, Status
from bot.domain.windows import Window
from bot.notifications import phrases
from bot.notifications.context import MessageContext
from bot.notifications.standing import SAID_BY_STATUS, stop
from bot.notifications.text import escape, span, span_with_date, when

_CONCLUDED: Final = "Avisi Cloud gives no status here: this is concluded from the version that the cluster runs."
_MAYBE: Final = (
    "It gave no reason. Another upgrade, a moved update channel or a changed status of the cluster may be behind it."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Something told: a headline for where nothing else names the cluster, a line for below its card, and details."""

    headline: str
    line: str
    more: tuple[str, ...] = ()


def tell(event: AnyEvent, current: MessageContext) -> Told | None:  # noqa: PLR0911 - one for each event
    """Tell it; None for events of other stories."""
    match event:
        case StatusMoved():
            told = _status(event, current)
            tells_more = event.reason and event.status not in SAID_BY_STATUS
            says = (f"Avisi Cloud: {stop(escape(event.reason))}",) if tells_more else ()
            return replace(told, more=(*says, *told.more, *_by_now(event.status, current)))
        case WindowMoved():
            return _moved(event, current)
        case WindowBrokeRule():
            return Told(
                headline=f"{_name(event, current)}: the window of its upgrade breaks a rule",
                line="The window that Avisi Cloud chose breaks a rule.",
                more=(
                    f"Avisi Cloud chose {span(event.window)}. {stop(escape(event.rule))}",
                    f"{phrases.NO_CANCEL} Otherwise it runs then.",
                ),
            )
        case WindowNear():
            return _near(event, current)
        case UpgradeOverran():
            return Told(
                headline=f"{_what(event, current)} is still running after its window",
                line="Still running after its window.",
                more=(f"Its window ended {when(event.window.end)}.", *_by_now("IN_PROGRESS", current)),
            )
        case UpgradeStale():
            return Told(
                headline=f"{_what(event, current)} still waits for Avisi Cloud to schedule it",
                line="Avisi Cloud has not scheduled it yet.",
                more=(
                    f"Avisi Cloud has had it since {when(event.since)} and has not given it a window.",
                    "Please look in Avisi Cloud, or ask its support. It can be rescheduled.",
                    *_by_now(Status.REQUESTED, current),
                ),
            )
        case _:
            return _sight(event)


def has_begun(event: WindowNear, current: MessageContext) -> bool:
    """Whether a countdown is told so late that its window has begun."""
    window = _window(event.window, current) or event.window
    return window.start <= current.now


def _sight(event: AnyEvent) -> Told | None:
    organisation = escape(event.about.organisation, 200)
    match event:
        case WentBlind():
            line = f"Statuses of {organisation} cannot be read"
            return Told(
                headline=line,
                line=f"{line}.",
                more=(
                    f"Since {when(event.since)}, upgrades may start or fail unseen: look in Avisi Cloud.",
                    "The bot keeps trying, and says here when it can read them again.",
                ),
            )
        case SawAgain():
            line = f"Statuses of {organisation} can be read again"
            return Told(
                headline=line,
                line=f"{line}.",
                more=(
                    f"Statuses of {organisation} could not be read from {when(event.since)} to {when(event.until)}.",
                    "What moved meanwhile is announced as the state it is in now.",
                ),
            )
        case _:
            return None


def _status(event: StatusMoved, current: MessageContext) -> Told:
    if event.status in DONE:
        return _done(event, current)
    if event.status in ALARMING:
        return _went_wrong(event, current)
    if event.status == "SUPERSEDED":
        return _superseded(event, current)
    if event.status in {NOT_FOLLOWED, NOT_REPORTED}:
        return _out_of_sight(event, current)
    return _under_way(event, current)


def _under_way(event: StatusMoved, current: MessageContext) -> Told:
    window, what = _window(event.window, current), _what(event, current)
    at = f": {span(window)}" if window else ""
    no_window = () if window else ("Avisi Cloud has not given its window yet.",)
    match event.status:
        case "REQUESTED":
            line = "Submitted to Avisi Cloud, waiting for its window."
            return Told(headline=f"{what} is waiting for its window", line=line)
        case "SCHEDULED":
            return Told(headline=f"{what} is scheduled{at}", line=f"Avisi Cloud has scheduled it{at}.", more=no_window)
        case "SCHEDULED_NOTIFIED":
            line = f"Scheduled{at}."
            more = ("Reminder: contacts have been notified.", *no_window)
            return Told(headline=_upcoming(event, window, current), line=line, more=more)
        case "IN_PROGRESS":
            return Told(headline=f"{what} has started", line="The upgrade has started.")
        case unknown:
            word = escape(unknown, 100)
            line = f"Avisi Cloud gives a status that the bot does not know: {word}."
            return Told(headline=f"{what} has the status {word}", line=line)


def _done(event: StatusMoved, current: MessageContext) -> Told:
    there = escape(event.about.to_version, 80)
    concluded = (_CONCLUDED,) if event.status == APPEARS_UPGRADED else ()
    line = f"Appears upgraded: the cluster now runs {there}." if concluded else f"Done: the cluster now runs {there}."
    verb = "appears done" if concluded else "is done"
    headline = f"{_what(event, current)} {verb}"
    if event.ends_alarm:
        headline = f"All clear: {_name(event, current)} now runs {there}"
    return Told(headline=headline, line=line, more=concluded)


def _went_wrong(event: StatusMoved, current: MessageContext) -> Told:
    window, there = _window(event.window, current), escape(event.about.to_version, 80)
    again = "No further attempt is scheduled."
    match event.status:
        case "FAILED":
            reason = () if event.reason else ("Avisi Cloud gave no reason.",)
            return Told(
                headline=f"{_what(event, current)} failed",
                line="The upgrade failed.",
                more=(
                    *reason,
                    f"The cluster may be partly upgraded: check it, then reschedule the upgrade. {again}",
                ),
            )
        case "MISSED":
            passed = f"Its window, {span(window)}, passed and it did not start." if window else "It did not start."
            return Told(
                headline=f"{_what(event, current)} missed its window",
                line="The upgrade missed its window.",
                more=(passed, f"{_still(event)} {again} It can be rescheduled for the next window."),
            )
        case _:
            ended = f", {span(window)}," if window else ""
            return Told(
                headline=f"{_what(event, current)} was not done by the end of its window",
                line="Not upgraded by the end of its window.",
                more=(
                    f"More than 30 minutes after its window{ended} the cluster does not run {there}. {_CONCLUDED}",
                    "It may have failed, been missed, or still be running: check the cluster. It can be rescheduled.",
                ),
            )


def _superseded(event: StatusMoved, current: MessageContext) -> Told:
    headline = f"{_what(event, current)} was superseded"
    if current.request and current.request.state is State.REPLACED:
        return Told(headline=headline, line="Superseded: a newer request for this cluster took its place.")
    return Told(
        headline=headline,
        line="Superseded: Avisi Cloud will not carry it out.",
        more=(
            *(() if event.reason else (_MAYBE,)),
            "No further attempt is scheduled. If the upgrade is still wanted, it can be rescheduled.",
        ),
    )


def _out_of_sight(event: StatusMoved, current: MessageContext) -> Told:
    if event.status == NOT_FOLLOWED:
        return Told(
            headline=f"{_what(event, current)} cannot be followed",
            line="Avisi Cloud gives neither status nor window here, so nothing can be followed.",
        )
    last = (f"Last known: {phrases.status(event.from_status)}.",) if event.from_status else ()
    return Told(
        headline=f"{_what(event, current)} is no longer reported",
        line="No longer reported by Avisi Cloud.",
        more=(*last, phrases.FORGOTTEN),
    )


def _near(event: WindowNear, current: MessageContext) -> Told:
    window = _window(event.window, current) or event.window
    headline = _upcoming(event, window, current)
    if has_begun(event, current):
        headline = f"{_name(event, current)}: the window of its upgrade has begun"
    more = [f"Its window is {span(window)}."] if has_begun(event, current) else []
    if event.unread_since:
        more.append(f"This was read {when(event.unread_since)}; Avisi Cloud could not be read since.")
    if current.upgrade and current.upgrade.status not in PENDING:
        more += _by_now("", current)
    return Told(headline=headline, line=f"Its window is {span(window)}.", more=tuple(more))


def _moved(event: WindowMoved, current: MessageContext) -> Told:
    window = _window(event.window, current)
    before = (f"It was {span(event.from_window)}.",) if event.from_window else ()
    clear = ("It breaks no rule any more.",) if event.ends_alarm else ()
    to = f"moved to {span(window)}" if window else "has lost its window"
    line = f"Its window is now {span(window)}." if window else "It has no window any more."
    return Told(
        headline=f"{_what(event, current)} {to}", line=line, more=(*before, *clear, *_by_now(event.status, current))
    )


def _upcoming(event: AnyEvent, window: Window | None, current: MessageContext) -> str:
    on = f" on {span_with_date(window)}" if window else ""
    return f"Upcoming: {_name(event, current)} will be upgraded to {escape(event.about.to_version, 80)}{on}"


def _window(told: Window | None, current: MessageContext) -> Window | None:
    """Return the window that is true now: what an event says may have moved again."""
    return (current.upgrade.window if current.upgrade else None) or told


def _by_now(status: str, current: MessageContext) -> tuple[str, ...]:
    """Say it when the status has moved on since."""
    if current.upgrade is None or current.upgrade.status == status:
        return ()
    return (f"By now: {phrases.status(current.upgrade.status)}.",)


def _still(event: StatusMoved) -> str:
    here = event.about.from_version
    return f"The cluster probably still runs {escape(here, 80)}." if here else "The cluster was not touched."


def _name(event: AnyEvent, current: MessageContext) -> str:
    return phrases.name(event.about, current.naming)


def _what(event: AnyEvent, current: MessageContext) -> str:
    return phrases.what(event.about, current.naming)
