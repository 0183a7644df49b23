"""Where the documentation leaves room, the simulated cloud can be either way. Each field is one such choice."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(kw_only=True, slots=True)
class Quirks:
    """Switches for tests.

    `list_status`: the list of upgrades answers this status (404, 405, 403), None offers it.
    `ignore_filters`: the list returns everything, whatever was asked for.
    `reschedule`: a second request moves the same record, or supersedes it with a new one.
    `no_window`: without a window a request is refused with 400, or stays REQUESTED.
    `past_date`: a date in the past means now, or is refused with 400.
    `window_in_answer`: the answer to the POST already holds the window; else it comes with SCHEDULED.
    `version_after_failure`: after FAILED the cluster is back at its old version, or at the target.
    `skip_notified`: SCHEDULED goes straight to IN_PROGRESS.
    `slug_objects`: environments write their slug as {"slugValue": ...}.
    `fractions`, `offset_hours`: times with fractions of a second, with another offset than Z.
    `nulls`: what has no value is null instead of left out; `leave_out`: fields never sent; `extra`: fields added.
    `page_size`: of every paged list; `max_page_size`: the most that `size` can ask for.
    `window_zone`: the zone in which the platform reads its windows.
    """

    list_status: int | None = None
    ignore_filters: bool = False
    reschedule: str = "move"
    no_window: str = "refuse"
    past_date: str = "now"
    window_in_answer: bool = True
    version_after_failure: str = "from"
    skip_notified: bool = False
    slug_objects: bool = False
    fractions: bool = False
    offset_hours: int = 0
    nulls: bool = False
    leave_out: set[str] = field(default_factory=set)
    extra: dict[str, object] = field(default_factory=dict)
    page_size: int = 50
    max_page_size: int = 1000
    window_zone: str = "UTC"


@dataclass(kw_only=True, slots=True)
class Pace:
    """How long the platform takes, in simulated time.

    `notice`: how long before its window an upgrade is notified. `ignored_window`: the length of a window
    that ignores the maintenance schedule.
    """

    scheduling: timedelta = timedelta(minutes=2)
    notifying: timedelta = timedelta(minutes=2)
    notice: timedelta = timedelta(hours=36)
    starting: timedelta = timedelta(minutes=2)
    running: timedelta = timedelta(minutes=40)
    ignored_window: timedelta = timedelta(hours=2)
