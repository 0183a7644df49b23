"""The Messenger over Slack's Web API and response URLs. Each call is made once: nothing is repeated here."""

from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import MemberId
from bot.notifications.blocks import Message, View
from bot.notifications.delivery.errors import BadPayload, MessengerError, OutcomeUnknown, TooLate
from bot.slack.web.calls import call, messenger_error, response_url_error, waiting_time
from bot.workflow.inbox import MessageRef

_SLACK_HOSTS: Final = ("slack.com", "slack-gov.com")


class SlackMessenger:
    """Sends messages through one client and its session."""

    def __init__(self, *, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> MessageRef:
        """Post in a channel or under a message; raises MessengerError."""
        return await self._post(channel, message, thread_ts=thread_ts)

    async def follow_up(self, place: MessageRef, message: Message) -> MessageRef:
        """Post under a message and show it in the channel, too; raises MessengerError."""
        return await self._post(place.channel, message, thread_ts=place.ts, reply_broadcast=True)

    async def _post(self, channel: str, message: Message, **where: Any) -> MessageRef:  # noqa: ANN401 - as Slack's client
        posted = self._client.chat_postMessage(
            channel=channel,
            **where,
            text=message.text,
            blocks=_blocks(message) or None,
            parse="none",
            unfurl_links=False,
            unfurl_media=False,
        )
        answer = await call("chat.postMessage", posted, error=messenger_error)
        channel_id, ts = answer.get("channel"), answer.get("ts")
        if not (isinstance(channel_id, str) and isinstance(ts, str)):
            raise OutcomeUnknown("no_place")
        return MessageRef(channel=channel_id, ts=ts)

    async def update(self, place: MessageRef, message: Message) -> None:
        """Replace a message including its blocks; raises MessengerError."""
        updated = self._client.chat_update(
            channel=place.channel, ts=place.ts, text=message.text, blocks=_blocks(message), parse="none"
        )
        await call("chat.update", updated, error=messenger_error)

    async def remove(self, place: MessageRef) -> None:
        """Delete one of our messages; raises MessengerError."""
        deleted = self._client.chat_delete(channel=place.channel, ts=place.ts)
        await call("chat.delete", deleted, error=messenger_error)

    async def respond(self, response_url: str, message: Message) -> None:
        """Answer privately where somebody pressed, and leave the message as it is; raises MessengerError.

        An address that is not Slack's is not used: somebody who forged one could make us post anywhere.
        """
        await call("response_url", self._respond(response_url, message), error=messenger_error)

    async def direct(self, member: MemberId, message: Message) -> MessageRef:
        """Send a direct message; raises MessengerError."""
        return await self.post(member, message)

    async def permalink(self, place: MessageRef) -> str:
        """Return the address of a message; raises MessengerError."""
        asked = self._client.chat_getPermalink(channel=place.channel, message_ts=place.ts)
        try:
            address: Any = (await call("chat.getPermalink", asked, error=messenger_error)).get("permalink")
        except MessengerError as error:
            if error.code.startswith("http_4"):
                raise BadPayload(error.code) from error  # waiting does not cure it; the message goes without its link
            raise
        if not isinstance(address, str):
            raise BadPayload("no_permalink")
        return address

    async def publish_home(self, member: MemberId, view: View) -> None:
        """Publish a person's App Home; raises MessengerError."""
        published = self._client.views_publish(user_id=member, view=view.payload())
        await call("views.publish", published, error=messenger_error)

    async def _respond(self, response_url: str, message: Message) -> None:
        if not is_slacks(response_url, self._client.base_url):
            raise TooLate("foreign_url")
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": message.text,
            **({"blocks": _blocks(message)} if message.blocks else {}),
        }
        async with self._session.post(response_url, json=body, allow_redirects=False) as answer:
            said = (await answer.text(errors="replace"))[:200]
            status, wait = answer.status, waiting_time(answer.headers)
        if status != 200 or '"ok":false' in said.replace(" ", ""):  # noqa: PLR2004 - the one status that means yes
            raise response_url_error(status, said, wait=wait)


def is_slacks(response_url: str, api_url: str) -> bool:
    """Whether a response URL leads to Slack over https, or to the host of its Web API (SLACK_API_URL)."""
    if (
        set(response_url) & set("@\\") or not response_url.isprintable()
    ):  # programs disagree on the host that such an address names
        return False
    try:
        asked, api = urlsplit(response_url), urlsplit(api_url)
    except ValueError:
        return False
    host = asked.hostname or ""
    if asked.scheme == "https" and any(host == one or host.endswith(f".{one}") for one in _SLACK_HOSTS):
        return True
    return (asked.scheme, host) in {(api.scheme, api.hostname), ("https", api.hostname)}


def _blocks(message: Message) -> list[dict[str, object]]:
    return [dict(block) for block in message.blocks]
