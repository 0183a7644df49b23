"""Change numbers: required by the rule of the environment, part of what is voted on, judged as long as it waits."""

from typing import Any

import pytest

from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.events import SubmissionFailed
from bot.domain.request import State
from bot.workflow.inbox import FormSubmitted, Press
from tests.builders import ACME, DATA, KIM, ROOS, SEM, a_form, a_policy, a_rule
from tests.workflow.harness import a_harness

CHG = ChangeRule(ChangePattern.parse("CHG[0-9]{7}"), "https://itsm.example.com/{change}")
ASKS = a_policy(a_rule(change=CHG))
MISSING = "production requires a change number, such as CHG0000000."


async def test_the_number_is_stored_sealed_and_audited_with_where_it_leads() -> None:
    harness = await a_harness(policy=ASKS)

    request = await harness.ask(a_form(change=" CHG0012345 "))
    other = await (await a_harness(policy=ASKS)).ask(a_form(change="CHG0012346"))

    assert request.change == "CHG0012345"
    assert request.id == other.id
    assert request.seal != other.seal
    facts = harness.storage.audited[0]["facts"]
    assert (facts["change"], facts["change_url"]) == ("CHG0012345", "https://itsm.example.com/CHG0012345")
    assert facts["policy"]["change"] == "CHG[0-9]{7}"


@pytest.mark.parametrize(
    ("change", "said"),
    [("", MISSING), ("CHG1", '"CHG1" is not a valid change number of production. One looks like CHG0000000.')],
)
async def test_a_form_without_a_valid_number_is_refused(change: str, said: str) -> None:
    """Also a form that was drawn before the policy asked for one."""
    harness = await a_harness(policy=ASKS)

    answer = await harness.do(FormSubmitted(member=ROOS, organisation=ACME, form=a_form(change=change)))

    assert answer == f"Your request was refused: {said}"
    assert not harness.storage.requests


async def test_a_number_that_nobody_asks_for_is_not_kept() -> None:
    """The form of another environment has no such field, so what a card showed cannot come from there."""
    harness = await a_harness(policy=a_policy(environments={"production": a_rule(change=CHG)}))

    request = await harness.ask(a_form(cluster_identity=DATA, change="CHG0012345"))

    assert request.change == ""


async def test_a_policy_that_asks_later_holds_up_what_waits_and_the_new_form_brings_the_number() -> None:
    harness = await a_harness(policy=a_policy(a_rule()))
    request = await harness.ask()
    later = await harness.restarted(policy=ASKS)

    refused = await later.press(request, by=SEM)
    await later.look_round()
    blocked = later.now_of(request)
    again: Any = await later.ask(a_form(change="CHG0012345"))

    assert MISSING in refused
    assert (blocked.state, blocked.votes) == (State.PENDING_APPROVAL, ())
    assert MISSING in blocked.blocked
    assert later.now_of(request).state is State.REPLACED
    await later.press(again, by=KIM)
    assert later.now_of(again).state is State.APPROVED


async def test_it_is_judged_again_before_submission() -> None:
    """Approved while no number was asked for, and asked for when it is handed over: nothing is sent."""
    harness = await a_harness(policy=a_policy(a_rule()))
    request = await harness.approved()
    later = await harness.restarted(policy=ASKS)

    await later.submit(request)

    assert later.now_of(request).state is State.SUBMISSION_FAILED
    (failed,) = later.told(SubmissionFailed)
    assert failed.reason == MISSING
    assert later.cloud.submissions == []
    await later.press(request, Press.TRY_AGAIN, by=ROOS)
    await later.submit(request)
    assert later.now_of(request).state is State.SUBMISSION_FAILED
    assert later.cloud.submissions == []
