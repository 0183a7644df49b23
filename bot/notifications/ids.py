"""Names that a drawn element and the listener behind it share, and what a button carries."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.request import RequestId, Seal, UpgradeRequest
from bot.workflow.inbox import Press

PRESSES: Final = tuple(Press)
"""The action ids of the buttons on cards, alerts and App Home are the values of Press."""


_LONGEST_NUMBER: Final = 18


class ActionId(StrEnum):
    """Action ids of everything else that can be pressed, chosen or typed."""

    SCHEDULE = "schedule"
    """The button `Schedule upgrade` in App Home."""
    HOME_PAGE = "home_page"
    """The buttons that turn App Home's page; the value is the page, counted from 0."""
    RETRY_LOADING = "retry_loading"
    """The button of the error view: try to load the catalog again."""
    FLEET = "fleet"
    """The button `Show fleet`."""
    FLEET_PAGE = "fleet_page"
    """The buttons that turn the fleet's page; each has what it is called behind this."""
    PLAN_ROLLOUT = "open_plan_rollout"
    """The button `Plan rollout`, wherever it is drawn."""
    READINESS = "readiness"
    """The button `Readiness` of a card."""
    MORE = "more"
    """The menu `More` of a card; each option names its press and carries what a button does."""
    OPEN_LINK = "open_link"
    """Buttons that only open a link; Slack reports the press, and nothing is done."""
    CLUSTER = "cluster"
    VERSION = "version"
    START = "start"
    SLOT = "slot"
    """The buttons that fill in a start; each has its number behind this, as they stand in one block."""
    IGNORE_WINDOWS = "ignore_windows"
    OVERRIDE = "override"
    EMERGENCY = "emergency"
    CHANGE = "change"
    REASON = "reason"
    COMMENT = "comment_text"
    WINDOW_START = "window_start"
    WINDOW_END = "window_end"


class CallbackId(StrEnum):
    """Callback ids of views."""

    SCHEDULE_UPGRADE = "schedule_upgrade"
    REJECT_UPGRADE = "reject_upgrade"
    APPROVE_UPGRADE = "approve_upgrade"
    STATE_WINDOW = "state_window"
    LOADING = "loading"
    FLEET = "fleet"
    READINESS = "readiness"
    HOME = "home"


class BlockId(StrEnum):
    """Block ids of the fields in the modals; an error belongs to one of these."""

    CLUSTER = "cluster_block"
    VERSION = "version_block"
    START = "start_block"
    SLOTS = "slots_block"
    IGNORE_WINDOWS = "ignore_windows_block"
    OVERRIDE = "override_block"
    EMERGENCY = "emergency_block"
    CHANGE = "change_block"
    REASON = "reason_block"
    COMMENT = "comment_block"
    WINDOW_START = "window_start_block"
    WINDOW_END = "window_end_block"


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What a button carries: which request, the seal of what was shown beside it, and the number of its readiness."""

    request_id: RequestId
    seal: Seal
    readiness: int = 0


class NotOurs(ValueError):
    """A button's value that we never wrote."""


def carry(request: UpgradeRequest, readiness: int = 0) -> str:
    """Return the value of a button about a request as it is drawn now, beside a reading of this number."""
    return value(request_id=request.id, seal=request.seal, readiness=readiness)


def value(*, request_id: RequestId, seal: Seal, readiness: int = 0) -> str:
    """Return the value of a button."""
    return f"{request_id}:{seal}#{readiness}" if readiness else f"{request_id}:{seal}"


def option(press: Press, carried: str) -> str:
    """Return the value of an option in the menu `More`: a press, and what its button would carry."""
    return f"{press}:{carried}"


def read_option(text: str) -> tuple[Press, str]:
    """Read an option's value; raises NotOurs."""
    press, colon, carried = text.partition(":")
    if not colon or press not in PRESSES:
        raise NotOurs("This menu carries nothing that can be read.")
    return Press(press), carried


def read(text: str) -> Carried:
    """Read a button's value; raises NotOurs."""
    rest, _, number = text.partition("#")
    request_id, colon, seal = rest.rpartition(":")
    if not (request_id and colon):
        raise NotOurs("This button carries nothing that can be read.")
    readiness = int(number) if number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER else 0
    return Carried(request_id=RequestId(request_id), seal=Seal(seal), readiness=readiness)
