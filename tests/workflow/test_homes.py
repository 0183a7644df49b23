"""App Home is drawn again at once for who did something in it; everybody else's keeps its pace."""

from datetime import timedelta

from bot.workflow.inbox import FormSubmitted, MessageRef, Press
from bot.workflow.outbox import Kind, Urgency
from tests.builders import ACME, CHANNEL, NOON, ROOS, SEM, a_form
from tests.workflow.harness import House, a_house

ON_THE_CARD = MessageRef(channel=CHANNEL, ts="1.1")


def drawn(house: House) -> list[tuple[str, Urgency]]:
    """Return whose Homes are to be published, and how soon."""
    return [(one.target, one.urgency) for one in house.outbox(Kind.HOME)]


async def test_a_press_in_app_home_takes_its_buttons_away_at_once() -> None:
    """Decided or refused: what the person pressed is not true any more. A press on the card changes no Home."""
    house = await a_house()
    request = await house.ask()

    await house.press(request, message=ON_THE_CARD)
    assert drawn(house) == []
    await house.press(request)
    await house.press(request, Press.WITHDRAW, by=ROOS)

    assert drawn(house) == [(SEM, Urgency.PERSON), (ROOS, Urgency.PERSON)]


async def test_a_rejection_and_a_request_out_of_app_home_are_seen_there_at_once() -> None:
    """Their modals were opened from it."""
    house = await a_house()
    request = await house.ask()

    await house.reject(request)
    await house.do(FormSubmitted(member=ROOS, organisation=ACME, form=a_form(), in_home=True))
    await house.do(FormSubmitted(member=ROOS, organisation=ACME, form=a_form(version="1.0"), in_home=True))

    assert drawn(house) == [(SEM, Urgency.PERSON), (ROOS, Urgency.PERSON), (ROOS, Urgency.PERSON)]


async def test_a_home_that_was_just_drawn_for_a_press_is_not_due_again() -> None:
    """At most once in 30 seconds by itself."""
    house = await a_house()
    request = await house.ask()
    async with house.storage.begin() as work:
        await work.homes.opened(SEM, at=NOON)
        await work.commit()
    due = []

    await house.press(request)
    for seconds in (10, 31):
        house.clock.now = NOON + timedelta(seconds=seconds)
        await house.reminding.homes(await house.lease())
        due.append(len(drawn(house)))

    assert due == [1, 2]
