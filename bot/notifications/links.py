"""Where the card of a request and the page of its cluster are found, worked out without asking Slack."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications.console import NO_CONSOLE, Console
from bot.notifications.text import link
from bot.workflow.inbox import MessageRef


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Leads to cards and to the Console. `workspace` returns the workspace's address, empty while it is not known."""

    workspace: Callable[[], str] = str
    console: Console = NO_CONSOLE

    def message(self, place: MessageRef | None) -> str | None:
        """Return the address of a message, None while nobody can tell."""
        workspace = self.workspace().rstrip("/")
        if place is None or not workspace.startswith("https://"):
            return None
        return f"{workspace}/archives/{place.channel}/p{place.ts.replace('.', '')}"

    def to_console(self, one: UpgradeRequest | ScheduledUpgrade) -> str:
        """Return a link to the page of the cluster as the end of a row, empty where there is none."""
        address = self.console.of(one)
        return f" · {link(address, 'Console')}" if address else ""


NO_LINKS: Final = Links()
"""Where nothing can be linked to."""
