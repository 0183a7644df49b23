from bot.domain.request import State
from bot.workflow.inbox import MessageRef
from bot.workflow.outbox import Kind
from tests.builders import (
    CHANNEL,
    KIM,
)
from tests.workflow.harness import ANNE, a_harness

ORPHAN = MessageRef(channel=CHANNEL, ts="2.0")
CARD = MessageRef(channel=CHANNEL, ts="1.0")


async def test_a_press_on_an_orphan_counts_and_strikes_it_out() -> None:
    """A card posted twice: both work, and the one that is not the card is struck out."""
    harness = await a_harness()
    request = await harness.ask()
    harness.storage.tables.cards[request.id] = CARD

    await harness.press(request, message=ORPHAN)

    assert harness.now_of(request).state is State.APPROVED
    assert [one.message for one in harness.outbox(Kind.MARK_DUPLICATE)] == [ORPHAN]
    assert harness.storage.cards[request.id] == CARD


async def test_a_press_on_the_card_itself_strikes_nothing_out() -> None:
    """Neither allowed nor refused."""
    harness = await a_harness()
    request = await harness.ask()
    harness.storage.tables.cards[request.id] = CARD

    await harness.press(request, message=CARD)
    await harness.press(request, message=CARD, by=KIM)

    assert harness.outbox(Kind.MARK_DUPLICATE) == []


async def test_a_refused_press_on_an_orphan_strikes_it_out_too() -> None:
    """An orphan is one whoever presses it."""
    harness = await a_harness()
    request = await harness.ask()
    harness.storage.tables.cards[request.id] = CARD

    await harness.press(request, message=ORPHAN, by=ANNE)

    assert len(harness.outbox(Kind.MARK_DUPLICATE)) == 1


async def test_a_press_tells_where_the_card_stands_when_nobody_knew() -> None:
    """The answer to posting it was lost, and the press brings it back."""
    harness = await a_harness()
    request = await harness.ask()

    await harness.press(request, message=ORPHAN)

    assert harness.storage.cards[request.id] == ORPHAN
    assert harness.outbox(Kind.MARK_DUPLICATE) == []
