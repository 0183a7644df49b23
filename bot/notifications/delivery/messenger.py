"""The port to Slack for everything that the bot sends by itself. slack/messenger.py fits this shape."""

from typing import Protocol

from bot.domain.people import MemberId
from bot.notifications.blocks import Message, View
from bot.workflow.inbox import MessageRef


class Messenger(Protocol):
    """Sends to Slack, each call once; retrying is the caller's. Every call raises MessengerError.

    Messages are sent with `parse="none"` and without unfurling.
    """

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> MessageRef:
        """Post in a channel or under a message; raises MessageGone when that message is gone."""

    async def follow_up(self, place: MessageRef, message: Message) -> MessageRef:
        """Post under a message and show it in the channel, too; raises MessageGone when that message is gone."""

    async def update(self, place: MessageRef, message: Message) -> None:
        """Replace a message; raises MessageGone."""

    async def remove(self, place: MessageRef) -> None:
        """Delete a message of ours; raises MessageGone."""

    async def respond(self, response_url: str, message: Message) -> None:
        """Answer privately where somebody pressed; raises TooLate."""

    async def direct(self, member: MemberId, message: Message) -> MessageRef:
        """Send a direct message."""

    async def permalink(self, place: MessageRef) -> str:
        """Return the https address of a message; raises MessageGone."""

    async def publish_home(self, member: MemberId, view: View) -> None:
        """Publish a person's App Home."""
