"""The buttons of cards and App Home: stored before they are acknowledged, judged before anything opens."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import NotAnApprover
from bot.domain.findings import OnlyRequester
from bot.domain.naming import PLAIN
from bot.domain.request import State, UpgradeRequest
from bot.domain.windows import Window
from bot.notifications import ids
from bot.notifications.blocks import actions, button, message, section
from bot.notifications.card import menu, press_button
from bot.sandbox.slack.api.faults import Fault
from bot.workflow.errors import MembersUnavailable
from bot.workflow.inbox import (
    ApprovalCommented,
    ButtonPressed,
    FormSubmitted,
    MessageRef,
    NewEntry,
    Press,
    RejectionGiven,
    WindowStated,
)
from bot.workflow.repositories import Feed, Source
from tests.builders import ACME, NOON, ROOS, SEM, an_upgrade_request
from tests.slack.harness import SlackHarness, Transport, harness

CHANNEL = "C0UPGRADES"
BOTH = pytest.mark.parametrize("transport", ["http", "socket"])
EVERY_PRESS: Sequence[tuple[Press, str]] = (
    (Press.APPROVE, "Approve"),
    (Press.REJECT, "Reject"),
    (Press.WITHDRAW, "Withdraw"),
    (Press.RESCHEDULE, "Reschedule"),
    (Press.TRY_AGAIN, "Try again"),
    (Press.SUBMIT_AGAIN, "Submit again"),
    (Press.IT_IS_THERE, "It is there"),
    (Press.ASK_AGAIN, "Ask again"),
)


async def _card(here: SlackHarness, request: UpgradeRequest) -> MessageRef:
    """Put a message of the bot's with every button into a channel."""
    every = (press_button(press, request, PLAIN, readiness=7) for press, _ in EVERY_PRESS)
    buttons = actions(*every, menu(request, readiness=7))
    return await here.messenger.post(CHANNEL, message("Upgrade web", section("Upgrade web"), buttons))


@BOTH
@pytest.mark.parametrize("press", [Press.APPROVE, Press.WITHDRAW, Press.TRY_AGAIN, Press.SUBMIT_AGAIN])
async def test_a_press_is_stored_before_it_is_acknowledged(transport: Transport, press: Press) -> None:
    """Who, what, which seal, where, and where to answer: all of it is in the inbox when Slack is content."""
    request = an_upgrade_request()
    async with harness(transport, stored=[request]) as here:
        card = await _card(here, request)

        assert (await here.slack.person(SEM).press(card.channel, card.ts, dict(EVERY_PRESS)[press])).ok

        (entry,) = here.storage.entries
        assert isinstance(entry, ButtonPressed)
        assert (entry.member, entry.press, entry.request_id) == (SEM, press, request.id)
        assert (entry.seal, entry.message) == (request.seal, card)
        assert entry.response_url is not None


@BOTH
async def test_reject_asks_for_the_reason_and_stores_it(transport: Transport) -> None:
    """The modal names the upgrade; an empty reason is refused at its field."""
    request = an_upgrade_request()
    async with harness(transport, stored=[request]) as here:
        card = await _card(here, request)
        sem = here.slack.person(SEM)
        await sem.press(card.channel, card.ts, "Reject")
        view = await sem.modal("Reject upgrade", containing="production/web")
        assert (view.submit, view.close, view.labels) == ("Reject", "Cancel", ["Reason"])

        await sem.fill("Reason", "   ")
        assert (await sem.submit()).errors == {"Reason": "Say why, so that others understand it."}
        await sem.fill("Reason", "Not before the launch.")
        assert (await sem.submit()).result == "closed"

        assert here.storage.entries == [
            RejectionGiven(
                member=SEM,
                request_id=request.id,
                seal=request.seal,
                reason="Not before the launch.",
                message=card,
                readiness=7,
            )
        ]


@BOTH
async def test_a_comment_is_asked_for_and_stored_with_what_the_card_showed(transport: Transport) -> None:
    """An empty one is refused at its field; the number of the readiness comes along."""
    request = an_upgrade_request()
    async with harness(transport, stored=[request]) as here:
        card = await _card(here, request)
        sem = here.slack.person(SEM)
        await sem.choose_from_menu(card.channel, card.ts, "Approve with a comment")
        view = await sem.modal("Approve upgrade", containing="production/web")
        assert (view.submit, view.close, view.labels) == ("Approve", "Cancel", ["Comment"])

        await sem.fill("Comment", " ")
        assert (await sem.submit()).errors == {
            "Comment": "Write a comment, or close this and press Approve on the card."
        }
        await sem.fill("Comment", "Tried it in staging.")
        assert (await sem.submit()).result == "closed"

        assert here.storage.entries == [
            ApprovalCommented(
                member=SEM,
                request_id=request.id,
                seal=request.seal,
                comment="Tried it in staging.",
                message=card,
                readiness=7,
            )
        ]


@BOTH
async def test_taking_back_is_stored_like_any_press(transport: Transport) -> None:
    """The menu's option carries what a button carries."""
    request = an_upgrade_request()
    async with harness(transport, stored=[request]) as here:
        card = await _card(here, request)

        assert (await here.slack.person(SEM).choose_from_menu(card.channel, card.ts, "Take back my approval")).ok

        (entry,) = here.storage.entries
        assert isinstance(entry, ButtonPressed)
        assert (entry.press, entry.request_id, entry.seal, entry.readiness) == (
            Press.TAKE_BACK,
            request.id,
            request.seal,
            7,
        )


@BOTH
async def test_it_is_there_is_looked_up_where_there_is_a_list_and_else_asked_about(transport: Transport) -> None:
    """Without a list a modal asks for the window; a wrong one is refused at its field."""
    request = an_upgrade_request(state=State.SUBMISSION_UNCLEAR)
    start, end = NOON + timedelta(days=1), NOON + timedelta(days=1, hours=3)
    async with harness(transport, stored=[request, Feed(organisation=ACME, source=Source.ORGANISATION)]) as here:
        card = await _card(here, request)
        await here.slack.person(SEM).press(card.channel, card.ts, "It is there")
        assert [entry.press for entry in here.storage.entries if isinstance(entry, ButtonPressed)] == [
            Press.IT_IS_THERE
        ]

    async with harness(transport, stored=[request, Feed(organisation=ACME, source=Source.CLUSTERS)]) as here:
        card = await _card(here, request)
        sem = here.slack.person(SEM)
        await sem.press(card.channel, card.ts, "It is there")
        view = await sem.modal("It is there", containing="production/web")
        assert (view.submit, view.labels) == ("Confirm", ["Window start", "Window end"])
        await sem.choose("Window start", end)
        await sem.choose("Window end", start)
        assert (await sem.submit()).errors == {"Window end": "Choose an end after the start."}
        await sem.choose("Window start", start)
        await sem.choose("Window end", end)
        assert (await sem.submit()).result == "closed"

        (entry,) = here.storage.entries
        assert isinstance(entry, WindowStated)
        assert (entry.member, entry.window) == (SEM, Window(start=start, end=end))


@BOTH
async def test_ask_again_opens_filled_in(transport: Transport) -> None:
    """What was rejected can be asked for once more, with what was asked."""
    request = an_upgrade_request(state=State.REJECTED)
    async with harness(transport, stored=[request]) as here:
        card = await _card(here, request)
        roos = here.slack.person(ROOS)

        await roos.press(card.channel, card.ts, "Ask again")

        view = await roos.modal("Schedule upgrade", containing="Current version")
        shown = {field.label: field.shown for field in view.fields}
        assert (shown["Cluster"], shown["Reason"]) == ("production/web", "CVE fixes")


@BOTH
async def test_reschedule_opens_filled_in_and_carries_what_it_replaces(transport: Transport) -> None:
    """Instead of a start that has passed, the next time that fits; the rest is as it was asked for."""
    request = an_upgrade_request(start=NOON - timedelta(hours=1))
    async with harness(transport, stored=[request]) as here:
        card = await _card(here, request)
        roos = here.slack.person(ROOS)
        await roos.press(card.channel, card.ts, "Reschedule")
        view = await roos.modal("Schedule upgrade", containing="replaces the one to")
        shown = {field.label: field.shown for field in view.fields}
        assert (shown["Cluster"], shown["Reason"]) == ("production/web", "CVE fixes")
        assert shown["Start date and time"] == str(int(datetime(2026, 12, 6, 2, tzinfo=UTC).timestamp()))

        await roos.choose("Start date and time", NOON + timedelta(days=1))
        assert (await roos.submit()).result == "closed"

        (entry,) = here.storage.entries
        assert isinstance(entry, FormSubmitted)
        assert entry.replaces == request.id


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.PENDING_APPROVAL, "This request replaces the one for production/web to"),
        (State.SUBMITTED, "stays as it is, because this request is for another cluster"),
    ],
)
async def test_another_cluster_in_a_rescheduling_is_said_to_be_one(state: State, says: str) -> None:
    """And what becomes of the request that was to be rescheduled, before anything is asked for."""
    request = an_upgrade_request(state=state)
    async with harness("http", stored=[request]) as here:
        card = await _card(here, request)
        roos = here.slack.person(ROOS)
        await roos.press(card.channel, card.ts, "Reschedule")
        await roos.modal("Schedule upgrade", containing="replaces the one to")

        await roos.choose("Cluster", "staging/data")
        await roos.modal(containing=says)

        await roos.choose("Cluster", "production/web")
        await roos.modal(containing="A new request for production/web replaces the one to")


@BOTH
@pytest.mark.parametrize("button", ["Reject", "Reschedule"])
async def test_a_press_that_is_refused_opens_nothing_and_is_answered_by_the_worker(
    transport: Transport, button: str
) -> None:
    """The rule is said by the same code that decides, so the press is stored like any other."""
    request = an_upgrade_request()
    async with harness(transport, stored=[request]) as here:
        here.refuse.append(NotAnApprover(OnlyRequester(requester=ROOS)))
        card = await _card(here, request)
        roos = here.slack.person(ROOS)

        assert (await roos.press(card.channel, card.ts, button)).ok

        (entry,) = here.storage.entries
        assert isinstance(entry, ButtonPressed)
        assert entry.press == here.judged[0].press
        await roos.no_modal()


@pytest.mark.parametrize("button", ["Reject", "Reschedule"])
async def test_a_modal_opens_for_who_was_seen_lately_when_nobody_can_judge(button: str) -> None:
    """Then the submission is judged, when Slack can be asked again."""
    request = an_upgrade_request()
    async with harness("http", stored=[request]) as here:
        await here.people.find(SEM)
        here.refuse.append(MembersUnavailable("Slack does not answer."))
        card = await _card(here, request)
        sem = here.slack.person(SEM)

        await sem.press(card.channel, card.ts, button)

        await sem.modal(containing="production/web" if button == "Reject" else "Current version")
        assert here.storage.entries == []


@pytest.mark.parametrize("button", ["Reject", "Reschedule"])
async def test_no_modal_opens_for_a_stranger_when_nobody_can_judge(button: str) -> None:
    """An outsider would see every cluster; whoever it is presses again in a moment."""
    request = an_upgrade_request()
    async with harness("http", stored=[request]) as here:
        here.refuse.append(MembersUnavailable("Slack does not answer."))
        card = await _card(here, request)
        sem = here.slack.person(SEM)

        assert (await sem.press(card.channel, card.ts, button)).ok

        await sem.private(CHANNEL, "please try again")
        await sem.no_modal()
        assert here.storage.entries == []


@BOTH
async def test_a_repeated_press_changes_nothing(transport: Transport) -> None:
    """A delivery that Slack repeats has the same key; a second press by the same person is another one."""
    request = an_upgrade_request()
    async with harness(transport, stored=[request]) as here:
        card = await _card(here, request)
        sem = here.slack.person(SEM)
        await sem.press(card.channel, card.ts, "Approve")
        (entry,) = here.storage.entries
        assert isinstance(entry, ButtonPressed)
        (row,) = here.storage.tables.inbox.values()
        async with here.storage.begin() as work:
            assert not await work.inbox.put(NewEntry(entry=entry, key=row.key, queue="request:1"))
            await work.commit()
        await sem.press(card.channel, card.ts, "Approve")

        assert len(here.storage.entries) == 2


async def test_a_form_that_cannot_open_is_told_privately() -> None:
    """An expired trigger, or Slack out of reach: the person knows that nothing happened and what to do."""
    request = an_upgrade_request()
    async with harness("http", stored=[request]) as here:
        card = await _card(here, request)
        sem = here.slack.person(SEM)
        for fault in (Fault(error="expired_trigger_id"), Fault(status=500)):
            for button in ("Reject", "Reschedule"):
                here.slack.faults.add("views.open", fault)
                await sem.press(card.channel, card.ts, button)
                await here.settle()

        answers = [one for one in here.slack.state.messages.everything() if one.only_for == SEM]
        assert len(answers) == 4
        assert all("try again" in str(one.text) for one in answers)


async def test_a_request_that_is_gone_is_said() -> None:
    """A card whose request was pruned does not lead into nowhere."""
    async with harness("http") as here:
        card = await _card(here, an_upgrade_request())
        sem = here.slack.person(SEM)
        await sem.press(card.channel, card.ts, "Reschedule")
        await sem.private(CHANNEL, "no longer known")


async def test_a_press_with_a_foreign_value_is_explained() -> None:
    """A button that we never drew decides nothing."""
    async with harness("http") as here:
        foreign = actions(button("Approve", action_id="approve", value="x"))
        card = await here.messenger.post(CHANNEL, message("Foreign", foreign))

        assert (await here.slack.person(SEM).press(CHANNEL, card.ts, "Approve")).ok

        await here.slack.person(SEM).private(CHANNEL, "nothing that can be read. Nothing was changed.")
        assert here.storage.entries == []


async def test_a_database_that_fails_loses_no_press_silently() -> None:
    """What could not be stored is said with a reference number."""
    request = an_upgrade_request()
    async with harness("http", stored=[request]) as here:
        card = await _card(here, request)
        async with here.storage.writing:
            outcome = await here.slack.person(SEM).press(card.channel, card.ts, "Approve")

        assert outcome.ok
        assert outcome.ms < 3000
        await here.slack.person(SEM).private(CHANNEL, "reference")


async def test_a_rejection_that_cannot_be_stored_is_not_acknowledged_as_done() -> None:
    """Its reason stays in the modal."""
    request = an_upgrade_request()
    async with harness("http", stored=[request]) as here:
        card = await _card(here, request)
        sem = here.slack.person(SEM)
        await sem.press(card.channel, card.ts, "Reject")
        await sem.modal("Reject upgrade")
        await sem.fill("Reason", "Too early")

        async with here.storage.writing:
            refused = await sem.submit()
        stored = list(here.storage.entries)
        taken = await sem.submit()

        assert "reference" in str(refused.errors)
        assert stored == []
        assert (taken.ok, taken.errors) == (True, {})
        assert len(here.storage.entries) == 1


def test_a_value_carries_request_and_seal() -> None:
    """What a button carries is read by the same module that writes it."""
    request = an_upgrade_request()
    assert ids.read(ids.carry(request)) == ids.Carried(request_id=request.id, seal=request.seal)
