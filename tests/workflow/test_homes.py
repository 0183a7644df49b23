"""App Home is drawn again at once for who did something in it; everybody else's keeps its pace."""

from datetime import timedelta

from bot.workflow.inbox import FormSubmitted, MessageRef, Press
from bot.workflow.outbox import Kind, Urgency
from tests.builders import ACME, CHANNEL, NOON, ROOS, SEM, a_form
from tests.workflow.harness import Harness, a_harness

ON_THE_CARD = MessageRef(channel=CHANNEL, ts="1.1")


def drawn(harness: Harness) -> list[tuple[str, Urgency]]:
    """Return whose Homes are to be published, and how soon."""
    return [(one.target, one.urgency) for one in harness.outbox(Kind.HOME)]


async def test_a_press_in_app_home_takes_its_buttons_away_at_once() -> None:
    """Decided or refused: what the person pressed is not true any more. A press on the card changes no Home."""
    harness = await a_harness()
    request = await harness.ask()

    await harness.press(request, message=ON_THE_CARD)
    assert drawn(harness) == []
    await harness.press(request)
    await harness.press(request, Press.WITHDRAW, by=ROOS)

    assert drawn(harness) == [(SEM, Urgency.PERSON), (ROOS, Urgency.PERSON)]


async def test_a_rejection_and_a_request_out_of_app_home_are_seen_there_at_once() -> None:
    """Their modals were opened from it."""
    harness = await a_harness()
    request = await harness.ask()

    await harness.reject(request)
    await harness.do(FormSubmitted(member=ROOS, organisation=ACME, form=a_form(), in_home=True))
    await harness.do(FormSubmitted(member=ROOS, organisation=ACME, form=a_form(version="1.0"), in_home=True))

    assert drawn(harness) == [(SEM, Urgency.PERSON), (ROOS, Urgency.PERSON), (ROOS, Urgency.PERSON)]


async def test_a_home_that_was_just_drawn_for_a_press_is_not_due_again() -> None:
    """At most once in 30 seconds by itself."""
    harness = await a_harness()
    request = await harness.ask()
    async with harness.storage.begin() as work:
        await work.homes.opened(SEM, at=NOON)
        await work.commit()
    due = []

    await harness.press(request)
    for seconds in (10, 31):
        harness.clock.now = NOON + timedelta(seconds=seconds)
        await harness.reminding.homes(await harness.lease())
        due.append(len(drawn(harness)))

    assert due == [1, 2]
