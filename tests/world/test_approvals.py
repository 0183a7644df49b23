"""Who may decide, end to end: everybody presses, only what counts counts, and everybody else reads why."""

import asyncio
from pathlib import Path

from bot.sandbox.slack.api.faults import Fault
from tests.world.approving import BASE, TWO, answered, as_it_is, events, obey, press_old, reject, under
from tests.world.harness import CHANNEL, Harness

COULD = "These people can decide now: <@U0KIM>, <@U0SEM>."
OUTDATED = "What this card showed has changed, so your press did not count."


async def test_two_approvers_at_the_same_instant_make_one_decision(home: Harness) -> None:
    """One approval was enough: one of them approves, the other hears that it is, and one upgrade is submitted."""
    card = await home.request()

    first, second = await asyncio.gather(
        answered(home.sem, card, "Approve"),
        answered(home.kim, card, "Approve"),
    )
    await home.card(card, "Submitted to Avisi Cloud")

    late = {first, second} - {"Approved (1 of 1). Submitting now."}
    assert len(late) == 1
    assert late.pop().startswith("This request is already ")
    assert home.submissions() == 1
    assert [event["kind"] for event in await events(home)].count("vote cast") == 1


async def test_a_person_counts_once_however_often_they_press_or_slack_delivers(tmp_path: Path) -> None:
    """Two approvals are asked for: a double press and a repeated delivery are one voice, the second person decides."""
    async with under(TWO, tmp_path) as home:
        card = await home.request()

        await asyncio.gather(home.sem.press(CHANNEL, card.ts, "Approve"), home.sem.press(CHANNEL, card.ts, "Approve"))
        await home.sem.private(CHANNEL, "Your approval is already counted: 1 of 2.")
        for delivery in [one for one in home.slack.deliveries.sent if one.name == "approve"]:
            await home.slack.deliveries.again(delivery)
        await home.card(card, "1 of 2", "<@U0SEM>")
        assert home.submissions() == 0
        again = home.slack.deliveries.sent[-1]
        answer = await answered(home.kim, card, "Approve")
        await home.slack.deliveries.again(again)
        await home.slack.deliveries.again(home.slack.deliveries.sent[-1])
        done = await home.card(card, "Submitted to Avisi Cloud")

        assert answer == "Approved (2 of 2). Submitting now."
        assert "<@U0SEM>, <@U0KIM>" in done
        assert home.submissions() == 1
        assert [event["actor"] for event in await events(home, "vote cast")] == ["U0SEM", "U0KIM"]


async def test_whoever_may_not_decide_reads_why_and_who_could(tmp_path: Path) -> None:
    """A guest, somebody of another organisation in a shared channel, a bystander, the requester: nothing changes."""
    async with under(BASE.replace('"S0PLATFORM"', '"S0PLATFORM", "U0ROOS", "U0GIJS", "U0VERA"'), tmp_path) as home:
        home.slack.workspace.channels[CHANNEL].shared = True
        home.slack.workspace.join(CHANNEL, "U0VERA")
        card = await home.request()
        gijs, vera, noor = (home.slack.person(one) for one in ("U0GIJS", "U0VERA", "U0NOOR"))

        assert await answered(gijs, card, "Approve") == f"Guests cannot use this bot. {COULD}"
        outsider = "Only members of the workspace that installed this bot can use it."
        assert await answered(vera, card, "Reject") == outsider
        assert await answered(gijs, card, "Withdraw") == (
            "Guests cannot use this bot. Only the requester, <@U0ROOS>, may withdraw this request."
        )
        assert await answered(vera, card, "Reschedule") == outsider
        assert await answered(noor, card, "Approve") == f"Only approvers of staging may do this. {COULD}"
        assert await answered(noor, card, "Reject") == f"Only approvers of staging may do this. {COULD}"
        assert await answered(home.roos, card, "Approve") == (
            f"You requested this upgrade, so somebody else has to decide. {COULD}"
        )
        assert await answered(home.sem, card, "Withdraw") == (
            "Only the requester, <@U0ROOS>, may withdraw this request."
        )

        await home.card(card, "0 of 1")
        assert not any(home.slack.state.views.stack(one.id) for one in (gijs, vera, noor, home.roos))
        refusals = await events(home, "press refused")
        assert [(event["actor"], event["facts"]["press"]) for event in refusals] == [
            ("U0GIJS", "approve"),
            ("U0VERA", "reject"),
            ("U0GIJS", "withdraw"),
            ("U0VERA", "reschedule"),
            ("U0NOOR", "approve"),
            ("U0NOOR", "reject"),
            ("U0ROOS", "approve"),
            ("U0SEM", "withdraw"),
        ]
        assert all(event["cluster"] == "staging/payments" for event in refusals)
        assert all("U0VERA" in event["facts"]["policy"]["approvers"] for event in refusals)


async def test_a_vote_counts_only_while_its_giver_may_decide(tmp_path: Path) -> None:
    """Sem approved and left the group; then Kim is not the second voice but the first, and Sem's press is refused."""
    three = TWO.replace('"S0PLATFORM"', '"S0PLATFORM", "U0NOOR"')
    async with under(three, tmp_path) as home:
        card = await home.request()
        await answered(home.sem, card, "Approve")
        home.slack.workspace.remove_from_group("S0PLATFORM", "U0SEM")
        await obey(home, three, tmp_path)

        assert await answered(home.kim, card, "Approve") == "Approved (1 of 2). 1 more needed."
        assert await answered(home.sem, card, "Approve") == (
            "Only approvers of staging may do this. These people can decide now: <@U0NOOR>."
        )
        await home.card(card, "1 of 2", "<@U0KIM>")
        assert home.submissions() == 0


async def test_a_group_that_cannot_be_looked_up_decides_nothing_and_is_asked_again(tmp_path: Path) -> None:
    """The press is kept, its giver told so, and decided when Slack answers; nobody has to press twice."""
    async with under(BASE, tmp_path) as home:
        card = await home.request()
        await obey(home, BASE, tmp_path)
        home.slack.faults.add("usergroups.users.list", Fault(error="internal_error"), times=None)

        kept = await answered(home.sem, card, "Approve")
        undecided = await home.card(card, "0 of 1")
        home.slack.faults.clear()
        await home.sem.private(CHANNEL, "Approved (1 of 1).")
        await home.card(card, "Submitted to Avisi Cloud")

        assert kept == (
            "Slack does not say just now who may do this. What you did is kept, and decided as soon as Slack answers."
        )
        assert "Approve" in undecided.buttons
        assert home.submissions() == 1


async def test_an_approval_of_what_has_changed_is_void_and_a_press_on_the_old_card_counts_for_nothing(
    home: Harness,
) -> None:
    """The cluster moved on before the submission: nothing is sent, the card says what changed, the voter is told."""
    card = await home.request(version="v1.31.6-u-ame.10")
    old = as_it_is(home, card)
    home.cloud.cluster("staging/payments").version = "v1.31.6-u-ame.9"

    await home.sem.press(CHANNEL, card.ts, "Approve")
    changed = await home.card(card, "Changed since the vote", "0 of 1")
    news = await home.sem.reply(CHANNEL, card.ts, "Please decide again.")
    stale = await press_old(home.kim, old, "Approve")
    assert home.submissions() == 0
    fresh = await answered(home.kim, card, "Approve")
    await home.card(card, "Submitted to Avisi Cloud", "<@U0KIM>")

    assert "staging/payments now runs v1.31.6-u-ame.9; it ran v1.31.4-u-ame.2 when this was requested." in changed
    assert "v1.31.6-u-ame.9 → v1.31.6-u-ame.10" in changed
    assert "U0SEM" in news.mentions.users
    assert "What <@U0SEM> approved no longer counts. Needs 1 approval in total." in news
    assert stale == f"{OUTDATED} Please look at the card as it is now and decide again."
    assert fresh.startswith("Approved (1 of 1).")
    assert home.submissions() == 1


async def test_one_rejection_with_a_reason_ends_it_for_everybody(tmp_path: Path) -> None:
    """Two approvals are asked for and one is there: the no counts, and later presses hear of it by name."""
    async with under(TWO, tmp_path) as home:
        card = await home.request()
        old = as_it_is(home, card)
        await answered(home.sem, card, "Approve")

        await reject(home.kim, card, "not in *this* <!channel> week")
        rejected = await home.card(card, "Rejected by <@U0KIM>", "not in")
        late = await press_old(home.sem, old, "Approve")

        assert rejected.buttons == ("Ask again",)
        assert not rejected.mentions.broadcasts
        assert late == "This request is already rejected by <@U0KIM>, so nothing was changed."
        await home.sem.reply(CHANNEL, card.ts, "<@U0KIM> rejected it")
        await home.roos.direct("rejected", "not in")


async def test_requesters_may_approve_their_own_where_the_policy_says_so(tmp_path: Path) -> None:
    """As one voice of two: four eyes stay four eyes."""
    async with under(f"{TWO.replace('S0PLATFORM', 'U0SEM')}self_approval = true\n", tmp_path) as home:
        await home.roos.command(CHANNEL, "/schedule-upgrade staging/payments v1.31.6-u-ame.10")
        await home.roos.modal("Schedule upgrade", containing="Version")
        await home.roos.submit()
        alone = await home.roos.direct("Your request was refused:")

        await obey(home, f"{TWO}self_approval = true\n", tmp_path)
        card = await home.request(by=home.sem)
        own = await answered(home.sem, card, "Approve")
        other = await answered(home.kim, card, "Approve")
        await home.card(card, "Submitted to Avisi Cloud")

    assert (
        "staging needs 2 approvals, but only 1 person may give one, so this could never be approved. "
        "Ask whoever maintains the bot's policy to name more approvers."
    ) in alone
    assert own == "Approved (1 of 2). 1 more needed."
    assert other.startswith("Approved (2 of 2).")
