"""The Messenger over Slack's Web API and response URLs. Each call once; Slack's codes become our errors.

Codes: the method pages of docs.slack.dev. A message is posted twice only by whoever calls twice.
"""

from collections.abc import Awaitable
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import MemberId
from bot.notifications.blocks import Message, View
from bot.notifications.delivery.errors import BadPayload, MessengerError, OutcomeUnknown, TooLate
from bot.slack.web.codes import counted, not_responded, sorted_out
from bot.slack.web.failures import FAILURES, failure, waiting_time
from bot.workflow.inbox import MessageRef

_SLACKS: Final = ("slack.com", "slack-gov.com")


class SlackMessenger:
    """Sends over one client and its session."""

    def __init__(self, *, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> MessageRef:
        """Post in a channel or under a message; raises MessengerError."""
        answer = await _call(
            "chat.postMessage",
            self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread_ts,
                text=message.text,
                blocks=_blocks(message) or None,
                parse="none",
                unfurl_links=False,
                unfurl_media=False,
            ),
        )
        channel_id, ts = answer.get("channel"), answer.get("ts")
        if not (isinstance(channel_id, str) and isinstance(ts, str)):
            raise OutcomeUnknown("no_place")
        return MessageRef(channel=channel_id, ts=ts)

    async def update(self, place: MessageRef, message: Message) -> None:
        """Replace a message, its blocks included; raises MessengerError."""
        await _call(
            "chat.update",
            self._client.chat_update(
                channel=place.channel, ts=place.ts, text=message.text, blocks=_blocks(message), parse="none"
            ),
        )

    async def remove(self, place: MessageRef) -> None:
        """Delete a message of ours; raises MessengerError."""
        await _call("chat.delete", self._client.chat_delete(channel=place.channel, ts=place.ts))

    async def respond(self, response_url: str, message: Message) -> None:
        """Answer privately where somebody pressed, leaving the message as it is; raises MessengerError.

        An address that is not Slack's is not used: whoever could forge one would have us post anywhere.
        """
        if not is_slacks(response_url, self._client.base_url):
            not_slacks = TooLate("foreign_url")
            counted("response_url", not_slacks)
            raise not_slacks
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": message.text,
            **({"blocks": _blocks(message)} if message.blocks else {}),
        }
        try:
            async with self._session.post(response_url, json=body, allow_redirects=False) as answer:
                said = (await answer.text(errors="replace"))[:200]
                status, wait = answer.status, waiting_time(answer.headers)
        except FAILURES as error:
            problem = sorted_out(failure(error))
            counted("response_url", problem)
            raise problem from error
        if status == 200 and '"ok":false' not in said.replace(" ", ""):  # noqa: PLR2004 - the one status that means yes
            counted("response_url")
            return
        refusal = not_responded(status, said, wait=wait)
        counted("response_url", refusal)
        raise refusal

    async def direct(self, member: MemberId, message: Message) -> MessageRef:
        """Send a direct message; raises MessengerError."""
        return await self.post(member, message)

    async def permalink(self, place: MessageRef) -> str:
        """Return the address of a message; raises MessengerError."""
        asked = self._client.chat_getPermalink(channel=place.channel, message_ts=place.ts)
        try:
            address = (await _call("chat.getPermalink", asked)).get("permalink")
        except MessengerError as error:
            if error.code.startswith("http_4"):
                raise BadPayload(error.code) from error  # no waiting mends it; a message goes without its link then
            raise
        if not isinstance(address, str):
            raise BadPayload("no_permalink")
        return address

    async def publish_home(self, member: MemberId, view: View) -> None:
        """Publish a person's App Home; raises MessengerError."""
        await _call("views.publish", self._client.views_publish(user_id=member, view=view.payload()))


def is_slacks(response_url: str, api_url: str) -> bool:
    """Whether a response URL leads to Slack over https, or to where its Web API is (SLACK_API_URL)."""
    if set(response_url) & set("@\\") or not response_url.isprintable():  # programs differ in which host that names
        return False
    try:
        asked, api = urlsplit(response_url), urlsplit(api_url)
    except ValueError:
        return False
    host = asked.hostname or ""
    if asked.scheme == "https" and any(host == one or host.endswith(f".{one}") for one in _SLACKS):
        return True
    return (asked.scheme, host) in {(api.scheme, api.hostname), ("https", api.hostname)}


async def _call(method: str, asked: Awaitable[Any]) -> Any:  # noqa: ANN401 - an answer of Slack
    try:
        answer = await asked
    except FAILURES as error:
        problem = sorted_out(failure(error))
        counted(method, problem)
        raise problem from error
    counted(method)
    return answer


def _blocks(message: Message) -> list[dict[str, object]]:
    return [dict(block) for block in message.blocks]
