"""The methods that post, change and delete messages."""

from bot.sandbox.slack.api.methods import Call, Method, RateLimitedError, visible_channel
from bot.sandbox.slack.blockkit.elements import completed
from bot.sandbox.slack.blockkit.limits import (
    LARGEST_MESSAGE,
    MESSAGE_BLOCKS,
    check_blocks,
    counted_size,
    too_long_to_update,
)
from bot.sandbox.slack.errors import Json, SlackError, invalid
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.state import State, dm_of
from bot.sandbox.slack.workspace import Channel

LONGEST_POST = 40_000
_PARSE = frozenset({None, "none", "full", "client"})
_ATTACHMENTS = 100


def as_slack(state: State, message: Message) -> Json:
    """Give the message object that Slack sends in answers and payloads."""
    found: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": state.workspace.team_id,
    }
    if message.from_app:
        found |= {"bot_id": state.app.bot_id, "app_id": state.app.id}
    if message.blocks:
        found["blocks"] = message.blocks
    replies = state.messages.replies(message.channel, message.ts)
    if message.thread_ts or replies:
        found["thread_ts"] = message.thread_ts or message.ts
    if replies:
        found |= {"reply_count": len(replies), "latest_reply": replies[-1]}
    if message.edited:
        found["edited"] = {"user": message.user, "ts": message.edited}
    if message.metadata:
        found["metadata"] = message.metadata
    if message.subtype:
        found["subtype"] = message.subtype
    return found


def read_content(state: State, given: Json, *, blocks: object) -> tuple[str, list[Json]]:
    """Give the text and the checked, completed blocks of a message about to be posted."""
    text = given.get("text")
    if text is not None and not isinstance(text, str):
        raise invalid("invalid_arguments", ["[ERROR] text must be a string"])
    if blocks is not None and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = check_blocks(blocks or [], most=MESSAGE_BLOCKS)
    if problems:
        raise invalid("invalid_blocks", problems)
    if counted_size(blocks) > LARGEST_MESSAGE:
        raise SlackError("msg_blocks_too_long")
    if not (text or "").strip() and (state.strict_text or not blocks):
        raise SlackError("no_text")
    return text or "", completed(blocks or [])


def _target(call: Call) -> Channel:
    """Where a post goes: a channel the bot may post in, or the direct conversation with a person."""
    state, name = call.state, call.given.text("channel") or ""
    person = state.workspace.people.get(name)
    if person is not None:
        if person.deleted or person.is_bot:
            raise SlackError("channel_not_found")
        name = dm_of(name)
    channel = visible_channel(call, name)
    if channel.id.startswith("D") and not state.app.messages_tab:
        raise SlackError("messages_tab_disabled")
    if channel.archived:
        raise SlackError("is_archived")
    if state.app.bot_user_id not in channel.members and "chat:write.public" not in state.app.scopes:
        raise SlackError("not_in_channel")
    if channel.restricted:
        raise SlackError("restricted_action")
    return channel


def _composed(call: Call, channel: Channel) -> Message:
    given = call.given
    parse = given.text("parse")
    if parse not in _PARSE:
        raise invalid("invalid_arguments", ["[ERROR] parse must be none, client or full"])
    if given.text("markdown_text") is not None:
        if given.text("text") is not None or given.given.get("blocks") is not None:
            raise SlackError("markdown_text_conflict")
        given.given["text"] = given.text("markdown_text")
    text, blocks = read_content(
        call.state, given.given, blocks=given.structure("blocks", error="invalid_blocks_format")
    )
    attachments = given.structure("attachments", error="invalid_attachments") or []
    if len(attachments) > _ATTACHMENTS:
        raise SlackError("too_many_attachments")
    return Message(
        channel=channel.id,
        ts=call.state.stamps.next(),
        user=call.state.app.bot_user_id,
        text=text[:LONGEST_POST],
        blocks=blocks,
        attachments=attachments,
        thread_ts=call.state.messages.thread_of(channel.id, given.text("thread_ts") or None),
        from_app=True,
        parse=parse,
        link_names=given.flag("link_names"),
        metadata=_metadata(call),
        broadcast=given.flag("reply_broadcast"),
    )


def _metadata(call: Call) -> Json | None:
    metadata = call.given.structure("metadata", error="invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    return metadata


def post_message(call: Call) -> Json:
    """chat.postMessage."""
    channel = _target(call)
    wait = call.state.limits.wait_to_post(channel.id)
    if wait is not None:
        raise RateLimitedError(wait)
    message = call.state.post(_composed(call, channel))
    answer = {"channel": channel.id, "ts": message.ts, "message": as_slack(call.state, message)}
    if len(call.given.text("text") or "") > LONGEST_POST:
        answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return answer


def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral."""
    channel, person = _target(call), call.given.needed("user")
    if person not in channel.members:
        raise SlackError("user_not_in_channel")
    message = _composed(call, channel)
    message.only_for = person
    call.state.post(message)
    return {"message_ts": message.ts}


def _own(call: Call, *, refused: str) -> Message:
    """Give the bot's own message that an update or a deletion speaks of."""
    channel = visible_channel(call, call.given.needed("channel"))
    if channel.archived:
        raise SlackError("is_inactive")
    message = call.state.messages.find(channel.id, call.given.needed("ts"))
    if message is None or message.only_for is not None or message.subtype == "tombstone":
        raise SlackError("message_not_found")
    if not message.from_app:
        raise SlackError(refused)
    return message


def update(call: Call) -> Json:
    """chat.update: text without blocks takes the blocks away; parse and link_names start anew."""
    state, given = call.state, call.given
    message = _own(call, refused="cant_update_message")
    blocks = given.structure("blocks", error="invalid_blocks_format")
    text = given.text("text")
    if too_long_to_update(text or ""):
        raise SlackError("msg_too_long")
    metadata = _metadata(call)
    if text is not None or blocks is not None or metadata is None:
        message.text, message.blocks = read_content(state, {"text": text}, blocks=blocks)
    message.parse, message.link_names = given.text("parse") or "client", given.flag("link_names")
    message.metadata = metadata or message.metadata
    message.edited = state.stamps.next()
    state.changed(message)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": as_slack(state, message)}


def delete(call: Call) -> Json:
    """chat.delete."""
    message = _own(call, refused="cant_delete_message")
    call.state.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    """chat.getPermalink."""
    channel = visible_channel(call, call.given.needed("channel"))
    message = call.state.messages.find(channel.id, call.given.needed("message_ts"))
    if message is None or message.only_for is not None:
        raise SlackError("message_not_found")
    return {"channel": channel.id, "permalink": call.state.permalink(message)}


METHODS = {
    "chat.postMessage": Method(work=post_message, scopes=("chat:write",)),
    "chat.postEphemeral": Method(work=post_ephemeral, scopes=("chat:write",), tier=4),
    "chat.update": Method(work=update, scopes=("chat:write",), tier=3),
    "chat.delete": Method(work=delete, scopes=("chat:write",), tier=3),
    "chat.getPermalink": Method(work=get_permalink, json=False),
}
