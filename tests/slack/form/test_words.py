"""The text behind the command, with all that Slack and phones do to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.form.words import Asked, Blank, Fill, Help, ListUp, Status, plain, split, understand


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", Blank()),
        ("  \u00a0 ", Blank()),
        ("help", Help()),
        ("HELP me", Help()),
        ("?", Help()),
        ("list", ListUp()),
        ("List production", ListUp(environment="production")),
        ("status web", Status(cluster="web")),
        ("status", Status()),
        ("web 1.31 tomorrow 22:00", Fill(words=("web", "1.31", "tomorrow", "22:00"))),
        ("\u201cData Lake\u201d 1.31", Fill(words=("Data Lake", "1.31"))),
        ("production/web\u00a01.31", Fill(words=("production/web", "1.31"))),
        ("web\u2013one", Fill(words=("web-one",))),
        ("status <@U0ROOS|roos>", Status(cluster="roos")),
        ("<#C123|web> 1.31", Fill(words=("web", "1.31"))),
        ("<http://web.example.com|web.example.com> 1.31", Fill(words=("web.example.com", "1.31"))),
        ("<https://web.example.com>", Fill(words=("web.example.com",))),
        ("R&amp;D", Fill(words=("R&D",))),
        ("\u200bweb\u200b", Fill(words=("web",))),
    ],
)
def test_words_are_understood_as_they_were_meant(text: str, asked: Asked) -> None:
    """Smart quotes, odd spaces and dashes, mentions, links and entities are undone."""
    assert understand(text) == asked


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_the_words(text: str) -> None:
    """Whatever was typed, there is an answer, and nothing unprintable is left in it."""
    understand(text)
    assert all(word.strip() and word.isprintable() for word in split(text))
    assert len(plain(text)) <= 300
