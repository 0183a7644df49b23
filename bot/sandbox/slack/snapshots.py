"""The workspace's contents as plain data, so that they survive a restart."""

from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.state import State
from bot.sandbox.slack.views import View


def taken(state: State) -> Json:
    """Messages, Homes and what everybody has read; modals are left out."""
    return {
        "messages": [message.as_saved() for message in state.messages.everything()],
        "homes": [
            {"owner": view.owner, "id": view.id, "sent": view.sent, "hash": view.hash, "values": view.values}
            for view in state.views.homes.values()
        ],
        "homes_opened": sorted(state.homes_opened),
        "reads": {person: dict(reads) for person, reads in state.reads.items()},
    }


def restored(state: State, saved: Json) -> None:
    """Put it all back; new stamps come after every old one."""
    for message in sorted((Message.from_saved(one) for one in saved["messages"]), key=lambda one: one.ts):
        state.messages.put(message)
        state.stamps.later_than(message.edited or message.ts)
    for home in saved["homes"]:
        state.views.homes[home["owner"]] = View(root_id=home["id"], **home)
    state.homes_opened.update(saved["homes_opened"])
    state.reads.update(saved["reads"])
