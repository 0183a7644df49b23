"""Messages as Slack keeps them: in channels and direct messages, in threads, and those only one person sees."""

from collections import defaultdict
from dataclasses import dataclass, field, fields
from typing import Any, Self

from bot.sandbox.slack.errors import Json


@dataclass(slots=True, kw_only=True)
class Message:
    """One message. `only_for` names the one person who sees an ephemeral one."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    edited: str | None = None
    only_for: str | None = None
    subtype: str | None = None
    from_app: bool = False
    metadata: Json | None = None
    attachments: list[Json] = field(default_factory=list)
    parse: str | None = None
    link_names: bool = False
    broadcast: bool = False

    def as_saved(self) -> Json:
        """As plain data."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_saved(cls, saved: dict[str, Any]) -> Self:
        """From `as_saved`."""
        return cls(**saved)


class Messages:
    """All messages of the workspace, each conversation's in the order of their stamps."""

    def __init__(self) -> None:
        self._all: dict[str, dict[str, Message]] = defaultdict(dict)
        self._replies: dict[tuple[str, str], list[str]] = defaultdict(list)

    def put(self, message: Message) -> Message:
        """Store a new message."""
        self._all[message.channel][message.ts] = message
        if message.thread_ts and message.thread_ts != message.ts and message.only_for is None:
            self._replies[message.channel, message.thread_ts].append(message.ts)
        return message

    def find(self, channel: str, ts: str) -> Message | None:
        """One message, or None."""
        return self._all[channel].get(ts) if channel in self._all else None

    def remove(self, message: Message) -> Message | None:
        """Delete one; a parent with replies stays as a placeholder, which is returned."""
        replies = self._replies.get((message.channel, message.ts), [])
        if replies:
            message.text = "This message was deleted."
            message.subtype = "tombstone"
            message.blocks, message.attachments, message.metadata = [], [], None
            message.from_app = False
            return message
        del self._all[message.channel][message.ts]
        siblings = self._replies.get((message.channel, message.thread_ts or ""), [])
        if message.ts in siblings:
            siblings.remove(message.ts)
        return None

    def replies(self, channel: str, ts: str) -> list[str]:
        """Give the stamps of the replies in a thread."""
        return list(self._replies.get((channel, ts), []))

    def thread_of(self, channel: str, ts: str | None) -> str | None:
        """Give the thread that a message posted under `ts` joins: threads are one level deep."""
        parent = self.find(channel, ts) if ts else None
        return parent.thread_ts or ts if parent else ts

    def seen_in(self, channel: str, person: str) -> list[Message]:
        """Tell what somebody sees in the main part of a conversation, oldest first."""
        return [
            message
            for message in self._all.get(channel, {}).values()
            if message.only_for in {None, person} and (not in_thread(message) or message.broadcast)
        ]

    def thread(self, channel: str, ts: str, person: str) -> list[Message]:
        """Give a thread as somebody sees it, parent first."""
        return [
            message
            for message in self._all.get(channel, {}).values()
            if message.only_for in {None, person} and ts in {message.ts, message.thread_ts}
        ]

    def everything(self) -> list[Message]:
        """Every message, conversation by conversation."""
        return [message for channel in self._all.values() for message in channel.values()]


def in_thread(message: Message) -> bool:
    """Whether a message is a reply."""
    return message.thread_ts is not None and message.thread_ts != message.ts
