import pytest

from bot.domain.errors import Refused
from bot.domain.findings import Able, Action, MayNotRequest, UpgradeIs
from bot.domain.people import MemberId
from bot.domain.request import State
from bot.notifications import rules
from bot.workflow.inbox import Press
from tests.builders import (
    GUS,
    KIM,
    ROOS,
    SEM,
    a_policy,
    a_press,
    a_rule,
    a_scheduled_upgrade,
    an_upgrade_request,
)
from tests.workflow.harness import a_harness

REFUSES_TO_OPEN = {
    (Press.REJECT, ROOS, State.PENDING_APPROVAL): "Only approvers",
    (Press.REJECT, SEM, State.REJECTED): "already rejected",
    (Press.RESCHEDULE, GUS, State.SUBMITTED): "Guests cannot use this bot",
    (Press.RESCHEDULE, SEM, State.REJECTED): "already rejected",
    (Press.RESCHEDULE, SEM, State.SUBMITTING): "already being submitted",
}


@pytest.mark.parametrize(("press", "who", "state"), REFUSES_TO_OPEN)
async def test_a_modal_opens_only_for_who_may_use_it(press: Press, who: MemberId, state: State) -> None:
    """The button explains instead of opening something that will be refused."""
    request = an_upgrade_request(state=state)
    harness = await a_harness(request)

    with pytest.raises(Refused) as refused:
        await harness.deciding.check_may_open(a_press(request, press=press, member=who))
    assert REFUSES_TO_OPEN[press, who, state] in rules.refusal(*refused.value.why)


async def test_rescheduling_is_for_those_who_may_request() -> None:
    """Whoever asked the first time; those who could are named, and no guest is."""
    request = an_upgrade_request()
    harness = await a_harness(request, policy=a_policy(a_rule(requesters=(KIM, GUS))))

    with pytest.raises(Refused) as refused:
        await harness.deciding.check_may_open(a_press(request, press=Press.RESCHEDULE, member=ROOS))
    able = Able(action=Action.REQUEST_THERE, everyone=False, members=(KIM,))
    assert refused.value.why == (MayNotRequest(environment="production", able=able),)
    await harness.deciding.check_may_open(a_press(request, press=Press.RESCHEDULE, member=KIM))


@pytest.mark.parametrize("press", [Press.REJECT, Press.RESCHEDULE])
async def test_a_modal_opens_for_who_may_use_it(press: Press) -> None:
    """Nothing is stored by looking."""
    request = an_upgrade_request()
    harness = await a_harness(request)

    await harness.deciding.check_may_open(a_press(request, press=press))

    assert harness.storage.commits == 0


@pytest.mark.parametrize(
    ("status", "opens"),
    [("IN_PROGRESS", False), ("SUCCEEDED", False), ("SCHEDULED", True), ("FAILED", True), ("MISSED", True)],
)
async def test_only_what_is_neither_running_nor_done_can_be_rescheduled(status: str, *, opens: bool) -> None:
    """A running upgrade cannot be moved, and one that succeeded need not be."""
    upgrade = a_scheduled_upgrade(status=status)
    request = an_upgrade_request(state=State.SUBMITTED, upgrade=upgrade.identity)
    harness = await a_harness(request, upgrade)
    press = a_press(request, press=Press.RESCHEDULE)

    if opens:
        await harness.deciding.check_may_open(press)
    else:
        with pytest.raises(Refused) as refused:
            await harness.deciding.check_may_open(press)
        assert refused.value.why == (UpgradeIs(status=status),)


async def test_a_button_that_only_opens_is_answered_when_it_came_too_late_to_open() -> None:
    """Its trigger is gone, so the person is asked to press again; the entry does not stay."""
    request = an_upgrade_request()
    harness = await a_harness(request)

    answer = await harness.press(request, Press.RESCHEDULE)

    assert answer.endswith("That took too long to check. Please press the button again.")
    assert harness.storage.entries == []
