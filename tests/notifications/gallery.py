"""Prints every message and view that the bot can make, to be read: python -m tests.notifications.gallery [NAME].

With --write it writes docs/messages.md: every message that is sent, with its moment, its readers and its plain text.
"""

import html
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from bot.doctor.examples import RULE, messages, views
from bot.notifications.blocks import Message
from bot.notifications.text import said

PAGE: Final = Path(__file__).parents[2] / "docs" / "messages.md"
THREAD, CHANNEL, DIRECT = "thread", "channel", "direct"
PLACES: Final = {
    THREAD: "the card's thread",
    CHANNEL: "the environment's channel",
    DIRECT: "the requester, directly",
}
EVENTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "UpgradeRequested": ("A request is accepted", (THREAD, DIRECT)),
    "EmergencyRequested": ("An approver submits an emergency without approval", (CHANNEL,)),
    "EmergencyAcknowledged": ("Another approver pressed `Acknowledge`", (THREAD,)),
    "AcknowledgementMissing": ("Nobody has acknowledged an emergency for a while", (THREAD,)),
    "VoteCast": ("Somebody approves", (THREAD,)),
    "VoteTakenBack": ("Somebody takes their approval back", (THREAD,)),
    "RequestApproved": ("Fewer approvals are needed now, or somebody pressed `Try again` or `Submit again`", (THREAD,)),
    "RequestRejected": ("An approver rejects", (THREAD, DIRECT)),
    "RequestWithdrawn": ("The requester withdraws", (THREAD, DIRECT)),
    "RequestExpired": ("The deadline passes", (THREAD, DIRECT)),
    "RequestReplaced": ("A newer request takes its place", (THREAD, DIRECT)),
    "VotesVoided": ("What was voted on has changed, or somebody may no longer approve", (THREAD,)),
    "ApproversReminded": ("A request still waits for approval", (THREAD,)),
    "UpgradeSubmitted": ("Avisi Cloud has answered, and there is more to say than that it has it", (THREAD,)),
    "SubmissionFailed": ("Avisi Cloud, or a rule right before submission, says no", (THREAD,)),
    "SubmissionUnclear": ("Nobody can tell whether Avisi Cloud has it", (THREAD, DIRECT)),
    "StatusMoved REQUESTED": ("A rescheduled upgrade waits for a window again", (THREAD,)),
    "StatusMoved SCHEDULED": ("Avisi Cloud schedules it", (THREAD,)),
    "StatusMoved SCHEDULED_NOTIFIED": ("Avisi Cloud notifies the contacts: the reminder", (CHANNEL,)),
    "StatusMoved IN_PROGRESS": ("The upgrade starts", (THREAD,)),
    "StatusMoved SUCCEEDED": ("The upgrade is done", (THREAD, DIRECT)),
    "StatusMoved SUPERSEDED": ("Avisi Cloud will not carry it out", (THREAD, DIRECT)),
    "StatusMoved FAILED": ("The upgrade fails", (CHANNEL, DIRECT)),
    "StatusMoved MISSED": ("The upgrade misses its window", (CHANNEL, DIRECT)),
    "StatusMoved APPEARS_UPGRADED": ("Without statuses: the cluster runs the version", (THREAD, DIRECT)),
    "StatusMoved NOT_UPGRADED": ("Without statuses: the cluster does not run the version", (CHANNEL, DIRECT)),
    "StatusMoved NOT_FOLLOWED": ("Avisi Cloud gives neither window nor status", (THREAD, DIRECT)),
    "StatusMoved NOT_REPORTED": ("No list has shown the upgrade for half an hour", (THREAD, DIRECT)),
    "StatusMoved FROBNICATED": ("Avisi Cloud gives a status that the bot does not know", (THREAD,)),
    "WindowMoved SCHEDULED_NOTIFIED": ("Its window moves after the reminder", (CHANNEL,)),
    "WindowMoved SCHEDULED": ("Its window moves before the reminder", (THREAD,)),
    "WindowBrokeRule": ("Avisi Cloud chooses a window in which nothing may run", (CHANNEL,)),
    "WindowNear": ("24 hours and 1 hour before the window, or as the policy says", (CHANNEL,)),
    "UpgradeStale": ("Avisi Cloud has not scheduled the upgrade for a day, or as the policy says", (CHANNEL,)),
    "UpgradeOverran": ("The upgrade still runs after its window", (CHANNEL,)),
    "WentBlind": ("Statuses could not be read for 10 minutes", (CHANNEL,)),
    "SawAgain": ("Statuses can be read again; under the message that they could not, and in the channel", (CHANNEL,)),
    "StatusMoved SUCCEEDED, all clear": ("An upgrade is done after an alarm; under it, and in the channel", (CHANNEL,)),
    "WindowMoved SCHEDULED, all clear": (
        "Its window breaks a rule no more; under the alarm, and in the channel",
        (CHANNEL,),
    ),
    "ReadinessChanged": ("The last approval is given, and readiness is another than at the request", (THREAD,)),
    "AlertsBegan": ("15 minutes after success, alerts fire that began since the start", (THREAD, CHANNEL)),
}
"""When each event happens, and where it is posted. An announced status goes to the channel instead of the thread."""
OTHERS: Final = (
    ("card struck", "A card was posted twice", "the channel, in place of the second one"),
    ("card without buttons", "Slack does not let a card be updated", "the channel, in place of the old card"),
    (
        "card",
        "The request has come to this state, or its upgrade to this status",
        "the environment's channel, in place",
    ),
    ("digest", "More than five messages wait for a channel", "that channel"),
    ("rollout, channel", "Something happens to clusters of a rollout, gathered per poll", "each environment's channel"),
    (
        "rollout, unclear",
        "Nobody can tell whether Avisi Cloud has a cluster's upgrade",
        "the thread of the rollout's card",
    ),
    ("rollout card", "The rollout has come to this state", "the rollout's channel, in place"),
    ("rollout thread", "Something happens to a rollout", "the thread of its card"),
    ("rollouts", "Somebody types `/schedule-upgrade rollouts`", "that person, privately"),
    ("freezes", "Somebody types `/schedule-upgrade freezes`", "that person, privately"),
    ("freeze, thread", "A freeze is set, lifted or ends", "the thread of its message"),
    ("freeze", "A freeze is set, and again when it is lifted or ends", "each environment's channel, in place"),
    ("private", "Somebody pressed a button or submitted a form", "that person, privately"),
    ("list", "Somebody types `/schedule-upgrade list`", "that person, privately"),
    ("status", "Somebody types `/schedule-upgrade status CLUSTER`", "that person, privately"),
    ("fleet", "Somebody types `/schedule-upgrade fleet`", "that person, privately"),
    ("not understood", "Somebody types something that cannot be understood", "that person, privately"),
    ("help", "Somebody types `/schedule-upgrade help`", "that person, privately"),
)
_LINK: Final = re.compile(r"<(https?://[^<>|]*)\|([^<>]*)>")
_NAMES: Final = {"<@U0ROOS>": "@roos", "<@U0SEM>": "@sem", "<@U0KIM>": "@kim"} | {
    f"<!subteam^{group}>": f"@{name}" for group, name in (("S0PLATFORM", "platform-team"), ("S0ONCALL", "on-call"))
}
_INTRODUCTION: Final = """# Messages

Every message that the bot sends: when, to whom, what it looks like, and the plain text that notifications and screen
readers use. The page is written by `python -m tests.notifications.gallery --write` from the examples of
`doctor --blocks`; a test fails when it is out of date. In Slack every reader sees times in their own zone; here they
are in the policy's `timezone`, as in the plain text.
"""


def words(blocks: Iterable[Any]) -> Iterable[str]:
    """Yield what a reader of the blocks sees, line by line."""
    for block in blocks:
        match block["type"]:
            case "header":
                yield f"# {block['text']['text']}"
            case "section":
                texts = [block["text"]] if "text" in block else block["fields"]
                yield from (text["text"] for text in texts)
                if "accessory" in block:
                    yield f"  [{block['accessory']['text']['text']}]"
            case "context":
                yield from (f"  ({element['text']})" for element in block["elements"])
            case "actions":
                yield "  " + " ".join(f"[{_label(element)}]" for element in block["elements"])
            case "input":
                yield f"  {block['label']['text']}: ({block['element']['type']})"
            case _:
                yield "----"


def moment(name: str) -> tuple[str, str] | None:
    """Say when a message is sent and to whom; None for one that is only drawn. KeyError when nobody has said it."""
    place, _, rest = name.partition(" ")
    if place == "channel,":  # of an upgrade that was scheduled elsewhere
        event = rest.removeprefix("outside Slack ").partition(" ")[2]
        is_one = event.startswith(("StatusMoved SCHEDULED", "WindowNear", "StatusMoved FAILED"))
        return (f"{_event(event)[0]}, and it was scheduled outside Slack", PLACES[CHANNEL]) if is_one else None
    if name.endswith((", long", "everything")):
        return None  # only its size is of interest
    if place in PLACES:
        when, places = _event(rest.partition(" ")[2])
        return (when, PLACES[place]) if place in places else None
    found = next((other for other in OTHERS if name.startswith(other[0])), None)
    if found is None:
        raise KeyError(name)
    return found[1], found[2]


def page() -> str:
    """Return docs/messages.md."""
    return "\n".join([_INTRODUCTION, *_entries()])


def _entries() -> Iterator[str]:
    for name, message in messages():
        if (sent := moment(name)) is not None:
            yield _entry(name, message, *sent)


def _entry(name: str, message: Message, when: str, to: str) -> str:
    title = re.sub(r"^(thread|channel|channel, outside Slack|direct|private) \d+ ", r"\1: ", name)
    shown = "\n".join(_read(line) for line in words(message.blocks)).rstrip()
    return "\n".join(
        [
            f"## {title[:1].upper()}{title[1:]}",
            "",
            f"{when}. To {to}.",
            "",
            *_fenced(shown),
            "",
            "Plain text:",
            "",
            *_fenced(_read(message.text)),
            "",
        ]
    )


def _fenced(text: str) -> list[str]:
    return ["````text", text, "````"]


def _read(markup: str) -> str:
    text = _LINK.sub(r"\2 (link)", said(markup, zone=RULE.zone) if "<!date" in markup else markup)
    for token, name in _NAMES.items():
        text = text.replace(token, name)
    return html.unescape(text).replace("\u2060", "")


def _event(event: str) -> tuple[str, tuple[str, ...]]:
    return EVENTS.get(event) or EVENTS[event.partition(" ")[0]]


def _label(element: Any) -> str:  # noqa: ANN401 - an element of a block
    return "⋯" if element["type"] == "overflow" else str(element["text"]["text"])


def main() -> None:
    """Print what matches the words given, or everything; or write the page."""
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
        return
    wanted = " ".join(sys.argv[1:])
    for name, message in messages():
        if wanted in name:
            lines = [f"=== {name}", *words(message.blocks), "--- text:", message.text, ""]
            sys.stdout.write("\n".join(lines) + "\n")
    for name, view in views():
        if wanted in name:
            title = [f"# {view['title']['text']}"] if "title" in view else []
            sys.stdout.write("\n".join([f"=== {name}", *title, *words(view["blocks"]), ""]) + "\n")


if __name__ == "__main__":
    main()
