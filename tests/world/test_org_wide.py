"""The bot installed for a whole Enterprise organisation, and look-ups that Slack refuses until somebody acts."""

from collections.abc import AsyncIterator

import pytest

from benchmarks.reliability.counting import owed, settled
from bot.sandbox.slack.api.faults import Fault
from tests.world.harness import CHANNEL, Harness, harness


@pytest.fixture(params=["http", "socket"])
async def org_wide(request: pytest.FixtureRequest, sqlite_file: str) -> AsyncIterator[Harness]:
    """Start a world whose app is installed for the organisation, with the approvers' group in its second workspace."""
    async with harness(sqlite_file, request.param) as opened:
        opened.slack.workspace.enterprise_id = "E0HARBOUR"
        opened.slack.workspace.sisters.append("T0QUAY")
        opened.slack.app.org_wide = True
        await opened.open_bot()
        yield opened


async def test_requests_are_approved_by_the_members_of_a_group(org_wide: Harness) -> None:
    """From command to submission, over both transports."""
    card = await org_wide.request("staging/payments")
    await org_wide.roos.press(CHANNEL, card.ts, "Approve")
    await org_wide.sem.press(CHANNEL, card.ts, "Approve")
    await org_wide.card(card, "Submitted to Avisi Cloud")
    await org_wide.roos.open_home()
    await settled(org_wide.url)

    assert org_wide.submissions() == 1
    assert "U0SEM" in str(next(one for one in org_wide.sem.messages(CHANNEL) if one.ts == card.ts).raw)


async def test_who_waits_for_what_no_waiting_mends_is_told_what_does(home: Harness) -> None:
    """The refusal and the way out, once; and the request goes on as soon as somebody has acted."""
    home.slack.faults.add("usergroups.users.list", Fault(error="missing_scope"), times=None)
    modal = await home.form("staging/payments")
    await home.roos.choose("Version", modal.field("Version").options[0])
    await home.sent()

    told = await home.roos.direct("missing_scope", "reinstall the app", "is kept")
    await home.slack.quiet(seconds=3.0)
    count = sum("missing_scope" in one for one in home.roos.messages(told.channel))
    waiting = await owed(home.url)
    home.slack.faults.clear()
    card = await home.sem.message(CHANNEL, "payments: upgrade to")

    assert "as soon as Slack answers" not in told
    assert count == 1
    assert waiting.inbox == 1
    assert "Waiting for approval" in card or "waits for approval" in card
