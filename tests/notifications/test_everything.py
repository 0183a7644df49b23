"""Whatever is in the texts, no message is refused by Slack, and none mentions or links what we did not mean."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.doctor.examples import RULE, in_state, messages, views, with_status
from bot.domain.request import State, UpgradeRequest
from bot.notifications.blocks import Message, actions, button, message, section
from bot.notifications.card import card
from bot.notifications.home import home
from bot.notifications.standing import MARKS
from bot.notifications.text import said
from bot.sandbox.slack.blockkit.limits import check_view
from bot.sandbox.slack.blockkit.mrkdwn import possible_mentions
from bot.workflow.repositories import Feed, Source
from bot.workflow.viewing import HomeView
from tests.builders import ACME, NOON, SEM, a_policy, a_scheduled_upgrade
from tests.notifications.checks import as_sent, complaints, labels, unsendable, view_complaints, whom
from tests.notifications.gallery import PAGE, moment, page, words

MEANT = {"U0ROOS", "U0SEM", "U0KIM"}
OURS = (
    "https://team.slack.com/",
    "https://console.avisi.cloud/",
    "https://itsm.example.com/",
    "https://docs.avisi.cloud/docs/product/overview/release-notes",
    "https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-1.",
)
GROUPS = {"S0PLATFORM", "S0ONCALL"}
ATTACKS = (
    "<!channel>",
    "<@U0VICTIM>",
    "<!subteam^S0VICTIM>",
    "<https://evil.example|click>",
    "https://evil.example",
    "@here @channel @everyone #general",
    "```fence``` *b* _i_ ~s~ :tada:",
    "&amp;lt;!here&amp;gt; &lt;!here&gt;",
    "<!date^1^{date}^https://evil.example|x>",
    "\u202egnp.exe",
    "&" * 700,
    "😀" * 700,
    "a\n> b\n* c",
    "\ud83d",
    "a\x00b\u2066c\u2069d\u061ce\x9bf\udfffg",
    "_" * 500 + "\u0800" * 200,
    "",
)
HOSTILE = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(st.one_of(st.characters(), st.sampled_from("<>&|*_~`@#!:^ \n")), max_size=600),
)
QUICKLY = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
"""An example is every message; the attacks are short already, so nothing is gained by shrinking."""
MESSAGES = list(messages())
VIEWS = list(views())


@pytest.mark.parametrize(("name", "message"), MESSAGES, ids=[name for name, _ in MESSAGES])
def test_every_message_keeps_slacks_limits_and_says_all_in_its_text(name: str, message: Message) -> None:
    """No exclamation marks, no emoji, no date token in what screen readers read."""
    assert complaints(message) == [], name
    assert "!" not in message.text.replace("<!subteam", "")
    assert "!date" not in message.text
    assert "None" not in message.text
    assert ".." not in message.text.replace("…", "")
    assert "  " not in message.text


BANNED = (
    r"\b[Mm]end",
    r"asked for by",
    r"asks for this",
    r"is going to",
    r"[Ii]t takes",
    r"[Aa]s far as is known",
    r"pair of eyes",
    r"\bblind",
    r"Reminder of",
    r"overrunning",
    r"Something went wrong",
    r"\bis no (?!longer)",
    r"nobody asked",
    r"Its status is",
    r"[Nn]othing more is scheduled",
    r"Nobody can tell",
    r"OVERRIDES",
    r"Avisi Cloud says",
    r"\bDeadline\b",
    r"Window of Avisi Cloud",
    r"Drawn ",
    r"was not made",
)
"""What nobody would say; voice and words are those of a colleague who writes well."""
DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{1,2} [A-Z][a-z]{2}, \d\d:\d\d"
PLAIN_TIME = re.compile(rf"{DAY}(?: [A-Z]{{3,5}})?(?: ?– ?(?:{DAY}|\d\d:\d\d))? [A-Z]{{3,5}}")
AGES = re.compile(r"\bin (?:about )?(?:\d+|an?) (?:minute|hour|day)s?\b|\bago\b|\btomorrow\b|\btoday\b")
STAYS = ("card", "thread", "channel", "direct", "digest", "freeze", "rollout")
"""Messages that are not private: they stay where they are."""


@pytest.mark.parametrize(("name", "message"), MESSAGES, ids=[name for name, _ in MESSAGES])
def test_every_message_is_worded_as_people_write(name: str, message: Message) -> None:
    """No word that reads as translated; each plain time with its weekday and zone; nothing that ages in what stays.

    Readiness on a card says how long ago a version ended, and is drawn again.
    """
    shown = f"{message.text}\n{words_of(message)}"

    assert [word for word in BANNED if re.search(word, shown)] == []
    if name != "help":  # which shows what may be typed
        assert re.findall(r".{0,30}(?:\d\d:\d\d|\d{4}-\d\d-\d\d)", PLAIN_TIME.sub("", message.text)) == []
    if name.startswith(STAYS) and name != "card with readiness":
        assert AGES.findall(shown) == []


@pytest.mark.parametrize("time", ["at 21:00 UTC", "Sat 5 Dec, 21:00", "2026-12-05 21:00 UTC", "Sat 5 Dec, 21:00–23:00"])
def test_a_plain_time_without_weekday_or_zone_is_found(time: str) -> None:
    """The check above looks for it."""
    assert re.search(r"\d\d:\d\d|\d{4}-", PLAIN_TIME.sub("", time))
    assert PLAIN_TIME.sub("", "Sat 5 Dec, 21:00–23:00 CET, Sat 5 Dec, 21:00 – Sun 6 Dec, 02:00 CET") == ", "


@pytest.mark.parametrize(("name", "message"), MESSAGES, ids=[name for name, _ in MESSAGES])
def test_every_message_about_an_upgrade_names_its_cluster_first_and_has_a_mark(name: str, message: Message) -> None:
    """Within five words, in what a notification shows; the mark stands in what is drawn."""
    place = name.split(" ", maxsplit=1)[0].strip(",")
    if place not in {"card", "thread", "channel", "direct"} or "struck" in name or "without buttons" in name:
        return
    if "WentBlind" not in name and "SawAgain" not in name:
        assert "production/web" in " ".join(message.text.split()[:5])
    if place != "thread":
        assert words_of(message).lstrip("*# ").startswith(MARKS)


def words_of(message: Message) -> str:
    """Return what a reader of the blocks sees."""
    return said("\n".join(words(message.blocks)))


def test_each_message_has_a_moment_and_readers() -> None:
    """Whoever adds one says when it is sent, and to whom."""
    sent = [name for name, _ in MESSAGES if moment(name)]

    assert len(sent) > 100
    with pytest.raises(KeyError):
        moment("something new")


def test_the_page_of_all_messages_is_up_to_date() -> None:
    """Write it with `python -m tests.notifications.gallery --write`."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize(("name", "view"), VIEWS, ids=[name for name, _ in VIEWS])
def test_every_view_keeps_slacks_limits(name: str, view: dict[str, Any]) -> None:
    assert [*check_view(view), *unsendable(view)] == [], name


def test_there_is_a_message_for_each_state_status_and_event() -> None:
    """The list that the other tests go through is complete."""
    assert len(MESSAGES) > 150
    assert len({name for name, _ in [*MESSAGES, *VIEWS]}) == len(MESSAGES) + len(VIEWS)


@QUICKLY
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_breaks_no_message_and_mentions_nobody(
    cluster: str, environment: str, version: str, words: str
) -> None:
    """Names, versions, reasons and the API's words, in every message that there is."""
    request = hostile(cluster, environment, version, words)

    for name, drawn in messages(request):
        assert complaints(drawn) == [], name
        found = whom(drawn)
        if not name.startswith("private"):  # in a private answer a mention calls nobody
            assert found.users <= MEANT, name
            assert found.groups <= GROUPS, name
            assert not found.channels, name
        assert not found.broadcasts, name
        assert not found.names, name
        assert not [one for one in found.links if one and not one.startswith(OURS)], name
    for name, view in views(request):
        assert [*check_view(view), *unsendable(view)] == [], name
        found = possible_mentions(view)
        assert found.users <= MEANT, name
        assert not found.channels | found.broadcasts | found.names, name


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_card_can_be_edited_until_the_end_of_its_life_whatever_is_in_it(attack: str) -> None:
    """In every state its text fits into chat.update, all of it fits into one message, and its buttons are there."""
    request = hostile(attack, attack, attack, attack)

    for state in State:
        drawn = card(replace(request, state=state, decided_by=SEM), None, rule=RULE)
        assert complaints(drawn) == [], state
        assert len(drawn.text.encode()) < 4000
        assert bool(labels(drawn)) is (state is not State.REPLACED), state
    for status in ("FAILED", "SUCCEEDED", attack):
        ended = card(replace(request, state=State.SUBMITTED), with_status(status, reason=attack), rule=RULE)
        assert complaints(ended) == [], status
        assert json.loads(json.dumps(as_sent(ended), ensure_ascii=False).encode()) == as_sent(ended)


def test_a_message_of_too_many_long_paragraphs_is_shortened_and_keeps_its_buttons() -> None:
    """The longest first; nothing is cut inside an entity."""
    long = message("-", *(section("&amp;" * count) for count in (600, 600, 60)), actions(button("Go", action_id="go")))

    assert complaints(long) == []
    assert labels(long) == ["Go"]
    texts = [block["text"]["text"] for block in as_sent(long)["blocks"][:3]]
    assert texts == ["&amp;" * 299 + "…", "&amp;" * 600, "&amp;" * 60]


@QUICKLY
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from([0, 1, 20, 200]), st.integers(0, 20))
def test_hostile_text_breaks_no_home(  # noqa: PLR0917 - hypothesis gives them in order
    cluster: str, environment: str, version: str, words: str, many: int, page: int
) -> None:
    """However much there is, on whatever page."""
    one = hostile(cluster, environment, version, words)
    upgrade = a_scheduled_upgrade(cluster=cluster, environment=environment, to_version=version, reason=words)
    seen = HomeView(
        member=SEM,
        upgrades=(upgrade,) * many,
        waiting=tuple(replace(one, id=type(one.id)(f"w{number}")) for number in range(many)),
        own=tuple(replace(one, id=type(one.id)(f"o{number}"), state=State.SUBMITTED) for number in range(many)),
        feeds=(Feed(organisation=ACME, source=Source.ORGANISATION, read_at=NOON),),
        now=datetime(2026, 12, 1, tzinfo=UTC),
        policy=a_policy(),
    )

    drawn = home(replace(seen, page=page))

    assert view_complaints(drawn) == []
    found = whom(Message("-", drawn.blocks))
    assert found.users <= MEANT
    assert not found.groups | found.channels | found.broadcasts | found.names | found.links


def hostile(cluster: str, environment: str, version: str, words: str) -> UpgradeRequest:
    """Build a request whose every text is somebody else's."""
    return in_state(
        State.PENDING_APPROVAL,
        organisation=words,
        cluster=cluster,
        environment=environment,
        to_version=version,
        from_version=version,
        reason=words,
        outcome=words,
        changes=(words, words),
        override=True,
    )
