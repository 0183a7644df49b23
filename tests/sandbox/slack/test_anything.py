import copy
import html
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.blockkit.elements import completed
from bot.sandbox.slack.blockkit.formstate import carried, entered, missing
from bot.sandbox.slack.blockkit.limits import check_blocks, check_view
from bot.sandbox.slack.blockkit.mrkdwn import of_blocks, possible_mentions
from bot.sandbox.slack.people.seen import words_of
from tests.sandbox.slack.blocks import mrkdwn
from tests.sandbox.slack.test_limits import GOOD_MESSAGES, GOOD_VIEWS

SMALL = ["10 fields of 2000", "a button at its limits", "an initial option that is one", "a date and time", "rich text"]
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner))


@st.composite
def bent(draw: st.DrawFn, good: list[Any]) -> Any:  # noqa: ANN401
    """Something good in which one place was replaced or taken away."""
    value = copy.deepcopy(draw(st.sampled_from(good)))
    here = value
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            return value
        key = draw(st.sampled_from(keys))
        if isinstance(here[key], dict | list) and draw(st.booleans()):
            here = here[key]
            continue
        if isinstance(here, dict) and draw(st.booleans()):
            del here[key]
        else:
            here[key] = draw(JSON)
        return value


@given(bent([GOOD_MESSAGES[name] for name in SMALL]))
def test_blocks_are_refused_or_can_be_shown(blocks: Any) -> None:  # noqa: ANN401
    """Whatever an app sends, the check gives an answer, and what passes it works everywhere else."""
    if not check_blocks(blocks):
        kept = completed(blocks)
        words_of(kept)
        of_blocks(kept)
        values = carried(kept, {})
        assert carried(kept, values) == values


@given(bent([GOOD_VIEWS["fields of all kinds"]]), JSON)
def test_views_are_refused_or_can_be_filled_in(view: Any, typed: Any) -> None:  # noqa: ANN401
    """The same for views, whatever a page says was entered."""
    if not check_view(view):
        kept = completed(view["blocks"])
        values = entered(kept, carried(kept, {}), typed)
        assert missing(kept, values).keys() <= {block["block_id"] for block in kept}


@given(st.text() | st.text(alphabet="<>!@#&|^:/ahtpserU0S", min_size=1))
def test_escaped_and_verbatim_text_mentions_nobody(typed: str) -> None:
    """Escaping alone leaves what Slack parses by itself; verbatim and parse=none take that away."""
    escaped = html.escape(typed, quote=False)
    block = {"type": "section", "text": mrkdwn(f"*{escaped}*", verbatim=True)}

    found = possible_mentions({"text": escaped, "parse": "none", "blocks": [block]})

    assert found.nobody
    assert not found.links
    assert not found.channels
