"""Text from people and from the API is shown as it is and does nothing."""

import re
from datetime import UTC, datetime, timedelta, timezone
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.windows import Window
from bot.notifications.text import (
    JOINER,
    clip,
    cut,
    cut_middle,
    day,
    escape,
    link,
    mention,
    mentions,
    one_line,
    said,
    sentence,
    size,
    span,
    trusted,
    units,
    when,
)
from tests.builders import NOON

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("<>&|*_~`@#!:^/\\ \n\u202e\U0001f600")), min_size=0, max_size=300
)
STRAY = re.compile(r"&(?!amp;|lt;|gt;)|<(?!@[UW][A-Z0-9]+>|!subteam\^S[A-Z0-9]+>|!date\^|https://)")


def test_the_ampersand_is_escaped_first() -> None:
    """What was escaped by a hostile writer already is shown as they wrote it."""
    assert escape("a & b &lt;!channel&gt;") == "a &amp; b &amp;lt;!channel&amp;gt;"


def test_foreign_text_keeps_to_one_line() -> None:
    """A name with a line break cannot begin a quotation or another line."""
    assert escape("web\n> quoted\tword") == "web &gt; quoted word"
    assert escape("> quoted").startswith(f"{JOINER}&gt;")


@pytest.mark.parametrize("text", ["*bold*", "_slanted_", "~struck~", ":tada:", "`code`", "```fence```"])
def test_formats_and_emoji_are_broken(text: str) -> None:
    """What would format text stands as it was typed, by an invisible joiner or a look-alike."""
    assert escape(text) != text
    assert "`" not in escape(text)


def test_names_with_underscores_and_times_with_colons_stay_as_they_are() -> None:
    """Only what would format is touched, so that names can be copied."""
    assert escape("my_cluster_x 22:00 v1.31.4-u-ame.2") == "my_cluster_x 22:00 v1.31.4-u-ame.2"


@given(HOSTILE, st.integers(min_value=20, max_value=400))
def test_escaped_text_never_does_anything_and_never_grows_beyond_its_limit(text: str, limit: int) -> None:
    """No mention, no link, no entity cut in two, no lone half of a character; whatever was typed."""
    escaped = escape(text, limit)

    assert units(escaped) <= limit
    assert "<" not in escaped
    assert ">" not in escaped
    assert not STRAY.search(escaped)
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x08]", escaped)
    escaped.encode()


@given(HOSTILE, st.integers(min_value=10, max_value=80))
def test_markup_is_never_cut_inside_a_mention_a_date_or_an_entity(text: str, limit: int) -> None:
    """A cut message still says what it said, and ends with an ellipsis."""
    markup = f"{mention('U0SEM')} {escape(text)} {when(datetime(2026, 12, 5, 21, tzinfo=UTC))} {escape(text)}"

    clipped = clip(markup, limit)

    assert units(clipped) <= limit
    assert not STRAY.search(clipped)
    assert clipped == markup or clipped.endswith("…")


@pytest.mark.parametrize("text", [":" * 300_000, "a:" * 150_000, ":a" * 150_000, "_" * 300_000, "<" * 300_000])
def test_a_text_of_any_length_is_escaped_at_once(text: str) -> None:
    """The whole bot waits for it: what is not shown is not looked at again and again."""
    began = perf_counter()

    assert units(escape(text)) <= 600
    assert units(one_line(text)) <= 200
    assert units(clip(text, 600)) <= 600
    assert perf_counter() - began < 1.0


def test_markup_can_be_cut_to_a_number_of_bytes() -> None:
    """Slack counts those when it changes a message; an ellipsis takes three."""
    markup = escape("_" * 500, 10_000)

    clipped = clip(markup, 999, counted=size)

    assert (size(markup), size(clipped)) == (3500, 997)
    assert clipped.endswith("_\u2060…")


def test_a_cut_never_halves_a_character() -> None:
    """Characters beyond the basic plane count twice, and are kept or dropped whole."""
    assert cut("ab😀😀", 5) == "ab😀…"
    assert cut("ab😀", 4) == "ab😀"


def test_sentences_of_ours_keep_their_mentions_and_nothing_else() -> None:
    """A private answer names people and times; what it quotes cannot call a channel or link."""
    told = trusted("<@U0SEM> said <!channel> <https://evil.example|here> & more, <!subteam^S0ALL>")

    assert told == "<@U0SEM> said &lt;!channel&gt; &lt;https://evil.example|here&gt; &amp; more, <!subteam^S0ALL>"


def test_a_stored_sentence_mentions_only_whom_it_opens_with() -> None:
    """Who lost the right to vote is named; a cluster named like a mention is not."""
    assert sentence("<@U0SEM> may no longer approve.", ["U0KIM", "U0SEM"]) == "<@U0SEM> may no longer approve."
    assert sentence("<@U0SEM> lost it: <@U0SEM>", ["U0SEM"]) == "<@U0SEM> lost it: &lt;@U0SEM&gt;"
    assert "<@" not in sentence("<@U0SEM> may no longer approve.", ["U0KIM"]) + sentence("<@U0SEM> may no longer")
    assert len(sentence("<@U0SEM> " + "x" * 900, ["U0SEM"])) == 600


def test_groups_and_people_are_mentioned_each_once_and_the_star_mentions_nobody() -> None:
    """The star of a policy stands for everybody; nobody wants that mention."""
    assert mentions(("U0SEM", "S0PLATFORM", "*", "U0SEM")) == "<@U0SEM> <!subteam^S0PLATFORM>"
    assert mention("!channel") == "!channel"


def test_a_time_is_in_the_readers_zone_and_in_utc_without_slack() -> None:
    """Slack fills in the reader's own time; the fallback names its zone."""
    evening = datetime(2026, 12, 5, 22, 0, tzinfo=timezone(timedelta(hours=1)))

    assert when(evening) == "<!date^1796504400^{date_long_pretty}, {time}|Sat 5 Dec, 21:00 UTC>"
    assert said(f"From {span(Window(start=evening, end=evening + timedelta(hours=3)))}.") == (
        "From Sat 5 Dec, 21:00 – Sun 6 Dec, 00:00 UTC."
    )


def test_a_window_shorter_than_a_day_names_its_day_once() -> None:
    """Nobody reads `today at 21:00 to today at 23:00`; without Slack both ends are complete."""
    night = Window(start=NOON, end=NOON + timedelta(hours=3))
    days = Window(start=NOON, end=NOON + timedelta(hours=25))

    assert re.findall(r"\{[^}]*\}", span(night)) == ["{date_long_pretty}", "{time}", "{time}"]
    assert said(span(night)) == "Mon 30 Nov, 12:00–15:00 UTC"
    assert span(days).count("{date_long_pretty}") == 2
    assert said(span(days)) == "Mon 30 Nov, 12:00 – Tue 1 Dec, 13:00 UTC"


def test_plain_times_are_in_the_zone_that_they_name() -> None:
    """With the weekday, and the zone once; where the clock changes in between, both."""
    night = Window(start=datetime(2026, 10, 24, 23, 30, tzinfo=UTC), end=datetime(2026, 10, 25, 2, 0, tzinfo=UTC))
    evening = Window(start=NOON, end=NOON + timedelta(hours=3))

    assert said(f"From {when(NOON)}.", zone=ZoneInfo("Asia/Kolkata")) == "From Mon 30 Nov, 17:30 IST."
    assert said(when(NOON), zone=ZoneInfo("America/Sao_Paulo")) == "Mon 30 Nov, 09:00 UTC-03"
    assert said(span(evening), zone=AMSTERDAM) == "Mon 30 Nov, 13:00–16:00 CET"
    assert said(span(night), zone=AMSTERDAM) == "Sun 25 Oct, 01:30 CEST–03:00 CET"
    assert said(day(NOON + timedelta(hours=11)), zone=AMSTERDAM) == "Tue 1 Dec"


def test_the_last_day_of_the_calendar_is_written_too() -> None:
    """Clouds write it for never."""
    assert said(when(datetime.max.replace(tzinfo=UTC)), zone=AMSTERDAM) == "Fri 31 Dec, 23:59 UTC"


def test_the_hour_that_comes_twice_in_autumn_is_told_apart() -> None:
    """Both half past two in the night of the change are different moments, and are written so."""
    first = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    second = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=1)))

    assert "00:30 UTC" in when(first)
    assert "01:30 UTC" in when(second)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://a.example/|x>", "https://a b", None])
def test_only_a_clean_web_address_becomes_a_link(address: str | None) -> None:
    """Everything else leaves the label alone."""
    assert link(address, "Open the card") == "Open the card"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("production/web", 14, "production/web"),
        ("production/web-a", 9, "prod…eb-a"),
        ("production/web-a", 8, "prod…b-a"),
        ("😀😀😀😀ab", 7, "😀…ab"),
    ],
)
def test_a_text_cut_in_its_middle_keeps_beginning_and_end(text: str, limit: int, expected: str) -> None:
    """In as many units as Slack takes."""
    assert cut_middle(text, limit) == expected
    assert units(cut_middle(text, limit)) <= limit
