"""All that the simulated Slack knows, in one place; the parts share it."""

from dataclasses import dataclass, field

from bot.sandbox.slack.api.faults import Faults
from bot.sandbox.slack.api.ratelimits import RateLimits
from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.broadcaster import Broadcaster
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message, Messages, in_thread
from bot.sandbox.slack.short_lived_tokens import ResponseUrls, Triggers
from bot.sandbox.slack.stamps import Clock, Stamps
from bot.sandbox.slack.views import View, Views
from bot.sandbox.slack.wire import Wire
from bot.sandbox.slack.workspace import Channel, Person, Workspace


@dataclass(slots=True, kw_only=True)
class State:
    """One workspace with one app in it."""

    workspace: Workspace
    app: InstalledApp
    clock: Clock
    strict_text: bool = True
    """Refuse messages that have blocks but no text; Slack only warns about them."""
    unsupported_blocks: set[str] = field(default_factory=set)
    """Block types that this workspace refuses in views, such as ``alert`` before Slack offered it."""
    address: str = ""
    """Where this server listens, such as ``http://127.0.0.1:8080``."""
    stamps: Stamps = field(init=False)
    broadcaster: Broadcaster = field(init=False)
    wire: Wire = field(init=False)
    messages: Messages = field(init=False)
    views: Views = field(init=False)
    triggers: Triggers = field(init=False)
    urls: ResponseUrls = field(init=False)
    faults: Faults = field(init=False)
    limits: RateLimits = field(init=False)
    reads: dict[str, dict[str, str]] = field(default_factory=dict)
    homes_opened: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.stamps = Stamps(self.clock)
        self.broadcaster = Broadcaster()
        self.wire = Wire(self.clock, self._secrets)
        self.messages = Messages()
        self.views = Views(self.workspace, self.app, self.stamps)
        self.triggers, self.urls = Triggers(), ResponseUrls()
        self.faults, self.limits = Faults(), RateLimits()

    def _secrets(self) -> tuple[str, ...]:
        app = self.app
        return (app.bot_token, app.app_token, app.signing_secret, app.verification_token)

    def person(self, person: str) -> Person:
        """Somebody, or KeyError."""
        return self.workspace.people[person]

    def channel(self, channel: object) -> Channel | None:
        """Give a channel by id or name; a direct message with the bot is a private channel of two."""
        for known in self.workspace.channels.values():
            if channel in {known.id, known.name, f"#{known.name}"}:
                return known
        for person in self.workspace.people.values():
            if channel == dm_of(person.id):
                return Channel(id=dm_of(person.id), name=person.name, members={person.id, self.app.bot_user_id})
        return None

    def members(self, channel: str) -> set[str]:
        """Who is in a conversation, the bot included."""
        found = self.channel(channel)
        return set(found.members) if found else set()

    def permalink(self, message: Message) -> str:
        """Give the link to a message, as chat.getPermalink gives it."""
        link = f"{self.workspace.url}archives/{message.channel}/p{message.ts.replace('.', '')}"
        return f"{link}?thread_ts={message.thread_ts}&cid={message.channel}" if in_thread(message) else link

    def post(self, message: Message) -> Message:
        """Store a message and show it to everybody who may see it."""
        self.messages.put(message)
        self._show("message", message)
        return message

    def changed(self, message: Message) -> None:
        """Show an edited message."""
        self._show("message_changed", message)

    def delete(self, message: Message) -> None:
        """Delete a message."""
        left = self.messages.remove(message)
        if left is not None:
            self._show("message_changed", left)
            return
        for person in self._audience(message):
            self.broadcaster.tell(person, {"type": "message_deleted", "channel": message.channel, "ts": message.ts})
        self._refresh_parent(message)

    def show_workspace(self) -> None:
        """Let everybody read the workspace anew: channels, groups and people changed."""
        for person in self.workspace.people:
            self.broadcaster.tell(person, {"type": "workspace"})

    def show_modals(self, person: str) -> None:
        """Show a person's modals as they are now."""
        self.broadcaster.tell(person, {"type": "modals", "modals": self.modals(person)})

    def modals(self, person: str) -> list[Json]:
        """Give a person's modals, bottom first."""
        return [self.views.as_slack(view) for view in self.views.stack(person)]

    def show_home(self, view: View) -> None:
        """Show a person's Home as it is now."""
        self.broadcaster.tell(view.owner, {"type": "home", "view": self.views.as_slack(view)})

    def seen(self, message: Message) -> Json:
        """Give a message as the people API gives it."""
        replies = self.messages.replies(message.channel, message.ts)
        return {
            "ts": message.ts,
            "thread_ts": message.thread_ts,
            "user": message.user,
            "text": message.text,
            "blocks": message.blocks,
            "edited": message.edited is not None,
            "ephemeral": message.only_for is not None,
            "reply_count": len(replies),
            "latest_reply": replies[-1] if replies else None,
            "subtype": message.subtype,
            "parse": message.parse,
            "link_names": message.link_names,
            "permalink": self.permalink(message),
        }

    def _show(self, kind: str, message: Message) -> None:
        event = {"type": kind, "channel": message.channel, "message": self.seen(message)}
        for person in self._audience(message):
            self.broadcaster.tell(person, event)
        self._refresh_parent(message)

    def _refresh_parent(self, message: Message) -> None:
        if in_thread(message) and message.only_for is None:
            parent = self.messages.find(message.channel, message.thread_ts or "")
            if parent is not None:
                event = {"type": "message_changed", "channel": parent.channel, "message": self.seen(parent)}
                for person in self._audience(parent):
                    self.broadcaster.tell(person, event)

    def _audience(self, message: Message) -> set[str]:
        return {message.only_for} if message.only_for else self.members(message.channel) - {self.app.bot_user_id}


def dm_of(person: str) -> str:
    """Give the id of the direct conversation between a person and the bot."""
    return f"D{person[1:]}"
