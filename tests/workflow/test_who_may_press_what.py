import pytest

from bot.domain.findings import PressTooLate, RequestIs
from bot.domain.request import State
from bot.notifications import rules
from bot.workflow.inbox import Press
from bot.workflow.outbox import Kind
from tests.builders import GUS, KIM, NOON, ROOS, SEM, a_reading, an_upgrade_request
from tests.workflow.harness import ANNE, OTTO, a_harness

WHO = {"requester": ROOS, "approver": SEM, "member": ANNE, "guest": GUS, "outsider": OTTO}
DECIDES, ASKS = "approver", "requester"
COULD = {
    State.PENDING_APPROVAL: f"These people can decide now: <@{KIM}>, <@{SEM}>.",
    State.APPROVED: f"These people can still reject it: <@{KIM}>, <@{SEM}>.",
    State.SUBMISSION_FAILED: f"These people can still reject it: <@{KIM}>, <@{SEM}>.",
    State.SUBMISSION_UNCLEAR: f"These people can decide now: <@{KIM}>, <@{SEM}>.",
}
NOT_WHO = {
    ("guest", "any"): "Guests cannot use this bot.",
    ("outsider", "any"): "Only members of the workspace that installed this bot can use it.",
    ("member", "decide"): "Only approvers of production may do this.",
    ("requester", "decide"): "Only approvers of production may do this.",
    ("member", "withdraw"): f"Only the requester, <@{ROOS}>, may withdraw this request.",
    ("approver", "withdraw"): f"Only the requester, <@{ROOS}>, may withdraw this request.",
    ("member", "retry"): f"Only the requester, <@{ROOS}>, or an approver of production may do this.",
}
RIGHTS = {
    Press.APPROVE: ("decide", {State.PENDING_APPROVAL}, State.APPROVED),
    Press.COMMENT: ("decide", {State.PENDING_APPROVAL}, State.APPROVED),
    Press.REJECT: ("decide", {State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED}, State.REJECTED),
    Press.WITHDRAW: (
        "withdraw",
        {State.PENDING_APPROVAL, State.APPROVED, State.SUBMISSION_FAILED, State.SUBMISSION_UNCLEAR},
        State.WITHDRAWN,
    ),
    Press.TRY_AGAIN: ("retry", {State.SUBMISSION_FAILED}, State.APPROVED),
    Press.SUBMIT_AGAIN: ("decide", {State.SUBMISSION_UNCLEAR}, State.APPROVED),
    Press.IT_IS_THERE: ("decide", {State.SUBMISSION_UNCLEAR}, State.SUBMITTED),
}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("press", RIGHTS)
async def test_a_press_does_what_the_table_says_or_explains_why_not(press: Press, state: State, who: str) -> None:
    """Every press, every state, everybody: either it happens, or the answer names the rule and nothing changes."""
    right, states, after = RIGHTS[press]
    harness = await a_harness(an_upgrade_request(state=state, attempted_at=NOON))
    (before,) = harness.storage.requests.values()
    harness.cloud.readings = [a_reading(to_version=before.to_version, created_at=NOON)]

    if press is Press.REJECT:
        answer = await harness.reject(before, by=WHO[who])
    elif press is Press.COMMENT:
        answer = await harness.comment(before, by=WHO[who])
    else:
        answer = await harness.press(before, press, by=WHO[who])

    now, refusal = harness.now_of(before), NOT_WHO.get((who, right)) or NOT_WHO.get((who, "any"))
    if refusal is None and state in states:
        assert now.state is after
        return
    where = (
        rules.refusal(RequestIs(state=state)).removeprefix("This request ").removesuffix(", so nothing was changed.")
    )
    expired = state is State.EXPIRED
    words = rules.refusal(PressTooLate(deadline=before.deadline) if expired else RequestIs(state=state))
    assert (refusal or words) in answer
    if who == "outsider":
        assert answer.endswith("can use it.")
        assert "<@" not in answer
    elif right == "decide" and who != "approver":
        assert answer.endswith(COULD.get(state, f"It {where}."))
    assert now == before
    assert harness.facts(before) == ["press refused"]
    assert [one.kind for one in harness.storage.told] == [Kind.PRIVATE, Kind.HOME]
    assert harness.storage.entries == []
