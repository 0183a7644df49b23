"""What Slack gives away for a short time: trigger ids and response URLs. Lifetimes are real time, never simulated."""

import secrets
import time
from dataclasses import dataclass, field

from bot.sandbox.slack.errors import SlackError

TRIGGER_LIFE = 3.0
URL_LIFE = 30 * 60.0
URL_USES = 5


@dataclass(slots=True)
class Trigger:
    """Leave to open a view for one person, once."""

    person: str
    until: float
    view_id: str = ""
    """The view it came from, when it came from one."""
    used: bool = False


class Triggers:
    """Every trigger id handed out."""

    def __init__(self, life: float = TRIGGER_LIFE) -> None:
        self.life = life
        self._all: dict[str, Trigger] = {}

    def issue(self, person: str, *, view_id: str = "") -> str:
        """Give a new trigger id for something that this person just did."""
        name = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._all[name] = Trigger(person, time.monotonic() + self.life, view_id)
        return name

    def exchange(self, name: object) -> Trigger:
        """Use a trigger id up."""
        trigger = self._all.get(name) if isinstance(name, str) else None
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if time.monotonic() > trigger.until:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """Where a response URL leads: a conversation, one person, and the message that it answers."""

    channel: str
    person: str
    until: float
    thread_ts: str | None = None
    answers: str | None = None
    """The stamp of the message that ``replace_original`` replaces."""
    uses: int = field(default=0)


class ResponseUrls:
    """Every response URL handed out."""

    def __init__(self, life: float = URL_LIFE) -> None:
        self.life = life
        self._all: dict[str, ResponseUrl] = {}

    def issue(self, channel: str, person: str, *, answers: str | None = None, thread_ts: str | None = None) -> str:
        """Give the secret last part of a new response URL."""
        name = secrets.token_urlsafe(18)
        self._all[name] = ResponseUrl(
            channel=channel, person=person, answers=answers, thread_ts=thread_ts, until=time.monotonic() + self.life
        )
        return name

    def use(self, name: str) -> ResponseUrl:
        """Count one use; refuse when it is unknown, too old or used up."""
        url = self._all.get(name)
        if url is None:
            raise SlackError("invalid_url")
        if time.monotonic() > url.until:
            raise SlackError("expired_url")
        if url.uses >= URL_USES:
            raise SlackError("used_url")
        url.uses += 1
        return url
