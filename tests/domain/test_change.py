import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.change import BadPattern, ChangePattern, ChangeRule

CHG = ChangePattern.parse("CHG[0-9]{7}")


@pytest.mark.parametrize(
    ("number", "matches"),
    [("CHG0012345", True), ("chg0012345", False), ("CHG001234", False), ("CHG00123456", False), ("", False)],
)
def test_a_number_matches_as_a_whole(number: str, matches: bool) -> None:  # noqa: FBT001 - a parameter
    assert CHG.matches(number) is matches


def test_the_example_of_a_pattern_matches_it() -> None:
    assert CHG.example == "CHG0000000"
    assert ChangePattern.parse("[^0aA-]").example == "!"
    assert ChangePattern.parse("[^0-9]{2}-[A-Z]{1,3}").matches(ChangePattern.parse("[^0-9]{2}-[A-Z]{1,3}").example)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "empty"),
        ("CHG.*", '"."'),
        ("CHG[0-9]+", '"+"'),
        ("(CHG|INC)", r'"("'),
        ("^CHG$", r'"^"'),
        ("CHG[0-9", "closing"),
        ("CHG[]", "empty"),
        ("[^ -~]", "no character"),
        ("CHG{7", "repeat"),
        ("{7}", "repeats nothing"),
        ("CHG[9-0]", "wrong way round"),
        ("A{5,2}", "smaller first"),
        ("A{0}", "from 1"),
        ("A{65}", "from 1"),
        ("A{40}B{40}", "more than 64"),
        (r"\d{7}", "instead of"),
        ("CHG\\", "escapes nothing"),
        ("x" * 201, "longer"),
    ],
)
def test_what_is_not_of_the_language_is_refused_with_the_reason(pattern: str, said: str) -> None:
    with pytest.raises(BadPattern, match=re.escape(said)):
        ChangePattern.parse(pattern)


def test_a_special_character_can_be_meant_as_itself() -> None:
    assert ChangePattern.parse(r"v1\.2").matches("v1.2")
    assert not ChangePattern.parse(r"v1\.2").matches("v1x2")


def test_no_number_is_longer_than_64_characters() -> None:
    pattern = ChangePattern.parse("A{1,64}B{0,64}")

    assert pattern.matches("A" * 64)
    assert not pattern.matches("A" * 64 + "B")


def test_no_text_makes_the_match_slow() -> None:
    """A pattern that takes a backtracking matcher longer than the age of the universe."""
    pattern = ChangePattern.parse("[a]{0,64}" * 20 + "b")
    began = time.perf_counter()

    assert not pattern.matches("a" * 64)
    assert time.perf_counter() - began < 1


def test_the_number_is_encoded_in_the_address() -> None:
    rule = ChangeRule(ChangePattern.parse("[^x]{1,64}"), "https://itsm.example.com/{change}")

    assert rule.address("CHG 1/2|3>") == "https://itsm.example.com/CHG%201%2F2%7C3%3E"
    assert ChangeRule(CHG).address("CHG0000001") is None


@given(
    items=st.lists(
        st.tuples(st.sampled_from(["A", "[ab]", "[^a]", "[0-9A-F]"]), st.integers(0, 3), st.integers(1, 4)), min_size=1
    ).filter(lambda items: len(items) < 6),
    text=st.text(alphabet="abA05F-", max_size=12),
)
def test_it_agrees_with_a_regular_expression(items: list[tuple[str, int, int]], text: str) -> None:
    """The language is a part of that of `re`."""
    pattern = "".join(f"{what}{{{least},{max(least, most)}}}" for what, least, most in items)

    assert ChangePattern.parse(pattern).matches(text) is (re.fullmatch(pattern, text) is not None)


@given(text=st.text(alphabet="AZaz09[]^-{},\\\\.*+?()| ", max_size=20))
def test_whatever_is_read_has_an_example_that_matches(text: str) -> None:
    """Any text is either of the language or refused with a reason; a message never shows an example that is wrong."""
    try:
        pattern = ChangePattern.parse(text)
    except BadPattern:
        return
    assert pattern.matches(pattern.example)


@given(number=st.text(max_size=64))
def test_a_number_cannot_leave_its_place_in_the_address(number: str) -> None:
    """Whatever is typed stays one part of the path: no other host, no parameter, nothing that ends a link in Slack."""
    address = ChangeRule(CHG, "https://itsm.example.com/{change}/view").address(number)

    assert address is not None
    assert re.fullmatch(r"https://itsm\.example\.com/[A-Za-z0-9_.~%-]*/view", address)
