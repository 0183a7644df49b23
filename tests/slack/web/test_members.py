"""Who somebody is: account types by Slack's flags, answers reused for a while, a missing answer never taken for one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.people import AccountType, MemberId
from bot.sandbox.slack.api.faults import Fault
from bot.slack.web.identity import Installation
from bot.slack.web.members import AccessGate, People, Reused, read_member
from bot.workflow.errors import LookUpRefused, MembersUnavailable
from tests.builders import KIM, ROOS, SEM
from tests.slack.harness import SlackHarness, harness

HERE = Installation(team_id="T1", team="", enterprise_id="E1", bot_user_id="U0BOT", bot_id="B1", app_id="A1", scopes=())


@pytest.mark.parametrize(
    ("flags", "account_type"),
    [
        ({}, AccountType.FULL),
        ({"is_admin": True}, AccountType.FULL),
        ({"deleted": True}, AccountType.DEACTIVATED),
        ({"is_bot": True}, AccountType.BOT),
        ({"id": "USLACKBOT"}, AccountType.BOT),
        ({"is_restricted": True}, AccountType.GUEST),
        ({"is_restricted": True, "is_ultra_restricted": True}, AccountType.GUEST),
        ({"is_stranger": True}, AccountType.OUTSIDER),
        ({"team_id": "T2"}, AccountType.OUTSIDER),
        ({"team_id": None}, AccountType.OUTSIDER),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}, AccountType.FULL),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E2"}}, AccountType.OUTSIDER),
        ({"team_id": "T2", "is_restricted": True}, AccountType.OUTSIDER),
    ],
)
def test_only_full_members_of_our_team_or_organisation_count(flags: dict[str, Any], account_type: AccountType) -> None:
    """Everybody else is something else, and a missing flag is never taken for a yes."""
    user = {"id": "U1", "team_id": "T1", "tz": "Europe/Amsterdam", "profile": {"display_name": "roos"}} | flags

    member = read_member(MemberId(user["id"]), user, HERE)

    assert member.account_type is account_type
    assert (member.name, member.zone) == ("roos", "Europe/Amsterdam")


@pytest.fixture
async def here() -> AsyncIterator[SlackHarness]:
    """Start an edge in HTTP mode."""
    async with harness("http") as running:
        yield running


async def test_it_tells_one_persons_trouble_from_slacks(here: SlackHarness) -> None:
    """While one person cannot be looked up Slack still answers; while nobody can it does not."""
    await here.people.find(SEM)
    here.slack.faults.add(f"users.info:{KIM}", Fault(error="fatal_error"), times=None)
    with pytest.raises(MembersUnavailable):
        await here.people.find(KIM)
    assert await here.people.answers()

    here.slack.faults.add("users.info", Fault(error="fatal_error"), times=None)
    assert not await here.people.answers()


async def test_many_who_ask_at_once_share_one_look_up(here: SlackHarness) -> None:
    """A hundred presses at the same moment are one call, and its answer is reused afterwards."""
    found = await asyncio.gather(*(here.people.find(SEM) for _ in range(100)))
    await here.people.find(SEM)

    assert {member.account_type for member in found} == {AccountType.FULL}
    assert here.slack.faults.calls["users.info"] == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(retry_after=30),
        Fault(status=500),
        Fault(status=503, garbage=True),
        Fault(drop=True),
        Fault(error="ratelimited"),
        Fault(error="missing_scope"),
        Fault(garbage=True),
    ],
)
async def test_no_answer_is_never_an_answer(here: SlackHarness, fault: Fault) -> None:
    """Nothing is decided on a failed look-up, and the failure is not kept."""
    times = 2 if fault.drop else 1  # a read that was dropped on a used connection is asked once more
    here.slack.faults.add("users.info", fault, times=times)
    here.slack.faults.add("usergroups.users.list", fault, times=times)

    with pytest.raises(MembersUnavailable):
        await here.people.find(ROOS)
    with pytest.raises(MembersUnavailable):
        await here.people.group("S0PLATFORM")

    assert (await here.people.find(ROOS)).account_type is AccountType.FULL
    assert await here.people.group("S0PLATFORM") == frozenset({SEM, KIM})


async def test_what_slack_does_not_know_is_nobody(here: SlackHarness) -> None:
    """An unknown person is UNKNOWN; an unknown group, or groups on a free plan, is no group. The log warns."""
    with capture_logs() as logged:
        assert (await here.people.find(MemberId("U0NOBODY"))).account_type is AccountType.UNKNOWN
        assert await here.people.group("S0NOBODY") is None
    assert [(one["log_level"], one.get("member") or one["group"]) for one in logged if "nobody" in one["event"]] == [
        ("warning", "U0NOBODY"),
        ("warning", "S0NOBODY"),
    ]
    here.slack.workspace.paid = False
    assert await here.people.group("S0ONCALL") is None
    assert "plan_upgrade_required" in " ".join(here.people.refusals)


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("missing_scope", "whoever runs the bot has to add it and reinstall the app"),
        ("token_revoked", "set its new token"),
        ("invalid_auth", "set its new token"),
        ("access_denied", "An administrator of Slack has to give the app access"),
        ("missing_argument", "`upgrade-bot doctor`"),
    ],
)
async def test_what_slack_refuses_for_good_says_what_to_do(here: SlackHarness, code: str, way_out: str) -> None:
    """In the error, once in the log, and in the answer to a command, until a look-up succeeds again."""
    for method in ("users.info", "usergroups.users.list"):
        here.slack.faults.add(method, Fault(error=code), times=2)

    with capture_logs() as logged:
        for _ in range(2):
            with pytest.raises(LookUpRefused, match=code):
                await here.people.group("S0PLATFORM")
        access_gate = AccessGate(members=here.people, within=60)
        refusals = [access_gate.refusal(await access_gate.identify(ROOS)) for _ in range(2)]

    assert all(way_out in str(refusal) and code in str(refusal) for refusal in refusals)
    assert [one["method"] for one in logged if one["event"] == "slack.look_up_refused"] == [
        "usergroups.users.list",
        "users.info",
    ]
    assert access_gate.refusal(await access_gate.identify(ROOS)) is None
    assert await here.people.group("S0PLATFORM")
    assert here.people.refusals == ()


async def test_a_missing_scope_is_named(here: SlackHarness) -> None:
    """Slack says which one it is."""
    here.slack.app.scopes = tuple(scope for scope in here.slack.app.scopes if scope != "usergroups:read")

    with pytest.raises(LookUpRefused, match="the scope usergroups:read"):
        await here.people.group("S0PLATFORM")


async def test_groups_of_an_organisation_are_looked_for_in_every_workspace(here: SlackHarness) -> None:
    """The workspace that knows a group is asked first the next time; one that nobody knows is no group."""
    here.slack.workspace.enterprise_id = "E0HARBOUR"
    here.slack.workspace.sisters += ["T0QUAY", "T0PIER"]
    here.slack.app.org_wide = True
    here.identity._known = None
    people = People(client=here.people._client, identity=here.identity, seconds=0)

    assert await people.group("S0PLATFORM") == frozenset({SEM, KIM})
    asked = here.slack.faults.calls["usergroups.users.list"]
    assert await people.group("S0PLATFORM") == frozenset({SEM, KIM})
    again = here.slack.faults.calls["usergroups.users.list"] - asked

    assert (asked, again) == (3, 1)
    assert await people.group("S0NOBODY") is None
    assert (await people.find(ROOS)).account_type is AccountType.FULL
    assert (await people.find(MemberId("U0VERA"))).account_type is AccountType.OUTSIDER
    assert here.identity.known is not None
    assert here.identity.known.app_id == here.slack.app.id
    await people.close()


async def test_the_access_gate_waits_a_second_at_most(here: SlackHarness) -> None:
    """When Slack is slow nobody is let in, but for who was seen as a full member within the last hour."""
    here.slack.faults.add("users.info", Fault(delay=0.5))

    access_gate = AccessGate(members=here.people, within=0.05)
    member = await access_gate.identify(ROOS)

    assert member is None
    assert "please try again" in str(access_gate.refusal(member))
    await asyncio.sleep(0.6)
    assert (await AccessGate(members=here.people, within=60).identify(ROOS)) is not None
    assert here.slack.faults.calls["users.info"] == 1


async def test_who_was_seen_as_a_full_member_is_remembered_for_an_hour(here: SlackHarness) -> None:
    """A guest never is, nobody is for longer, and who is found to be something else is forgotten at once."""
    now = 0.0
    people = People(client=here.messenger._client, identity=here.identity, seconds=0, clock=lambda: now)
    access_gate = AccessGate(members=people, within=60)
    gijs = MemberId("U0GIJS")
    for member in (ROOS, SEM, gijs):
        await access_gate.identify(member)
    here.slack.workspace.people[SEM].kind = "guest"
    await access_gate.identify(SEM)

    here.slack.faults.add("users.info", Fault(error="ratelimited"), times=None)
    seen = [await access_gate.identify(member) for member in (ROOS, SEM, gijs)]
    now = 3601.0

    assert [one and one.id for one in seen] == [ROOS, None, None]
    assert await access_gate.identify(ROOS) is None


async def test_without_our_own_team_nobody_is_one_of_us() -> None:
    """Somebody of no team is not of ours when Slack did not say which one ours is."""
    nowhere = replace(HERE, team_id="", enterprise_id="")

    assert not nowhere.is_home_of("", "")
    assert not nowhere.concerns({"team_id": ""})
    assert read_member(ROOS, {"id": ROOS}, nowhere).account_type is AccountType.OUTSIDER


async def test_an_answer_is_as_old_as_its_question() -> None:
    """What was true when it was asked may have changed while the answer was on its way."""
    now = 0.0
    asked: list[float] = []

    async def slowly() -> float:
        nonlocal now
        asked.append(now)
        now += 20
        return asked[-1]

    kept: Reused[float] = Reused(seconds=30, clock=lambda: now)
    await kept.get("roos", slowly)
    now = 29
    await kept.get("roos", slowly)
    now = 30
    await kept.get("roos", slowly)

    assert asked == [0, 30]


async def test_every_answer_is_old_once_something_changed() -> None:
    """One on its way is not shared with who asks after the change, and not kept for them either."""
    age = 0
    asked, may_answer = asyncio.Queue[int](), asyncio.Event()

    async def slowly() -> int:
        mine = age
        await asked.put(mine)
        await may_answer.wait()
        return mine

    kept: Reused[int] = Reused(seconds=30, age=lambda: age)
    asking: list[asyncio.Task[int]] = []
    for age in range(2):
        asking += [asyncio.create_task(kept.get("list", slowly)) for _ in range(3)]
        assert await asked.get() == age
    may_answer.set()

    assert await asyncio.gather(*asking) == [0, 0, 0, 1, 1, 1]
    assert await kept.get("list", slowly) == 1
    assert asked.empty()
    age = 2
    assert await kept.get("list", slowly) == 2


async def test_an_answer_is_asked_for_again_after_a_while(here: SlackHarness) -> None:
    """Thirty seconds, here a twentieth of one."""
    people = People(client=here.people._client, identity=here.identity, seconds=0.05)
    await people.find(ROOS)
    await asyncio.sleep(0.06)
    await people.find(ROOS)

    assert here.slack.faults.calls["users.info"] == 2


async def test_answers_are_let_go_by_age_and_number() -> None:
    """However many questions are asked, only the latest answers are kept, and none for longer than it is used."""
    now = 0.0
    kept: Reused[str] = Reused(seconds=1, clock=lambda: now, most=10)

    async def answer() -> str:
        return "list"

    for number in range(50):
        await kept.get(f"list {number}", answer)
    at_once = len(kept._kept)
    now = 1.0
    await kept.get("list again", answer)

    assert at_once == 10
    assert list(kept._kept) == ["list again"]


async def test_a_group_is_at_hand_as_long_as_its_answer_is_reused(here: SlackHarness) -> None:
    """Nobody is asked for it; an answer that is too old to be reused says nothing."""
    people = People(client=here.people._client, identity=here.identity, seconds=0.2)

    before = people.group_at_hand("S0PLATFORM")
    await people.group("S0PLATFORM")
    fresh = people.group_at_hand("S0PLATFORM")
    await asyncio.sleep(0.25)
    old = people.group_at_hand("S0PLATFORM")

    assert (before, fresh, old) == (None, frozenset({SEM, KIM}), None)
    assert here.slack.faults.calls["usergroups.users.list"] == 1
