"""An emergency, end to end: the form, the cloud, the channel, and who acknowledges it."""

from pathlib import Path

from tests.world.approving import BASE, answered, events, under
from tests.world.harness import CHANNEL

POLICY = f'{BASE}required_approvals = 2\nemergency = true\non_call = ["S0ONCALL"]\n'


async def test_an_approver_submits_an_emergency_and_another_one_acknowledges_it(tmp_path: Path) -> None:
    """One POST without a vote; the channel and the card say so, and the button stays until somebody else pressed it."""
    async with under(POLICY, tmp_path) as home:
        modal = await home.form("staging/payments", by=home.roos)
        assert "Emergency" not in modal.labels

        modal = await home.form("staging/payments", by=home.sem)
        assert "Emergency" in modal.labels
        await home.sem.choose("Version", modal.field("Version").options[0])
        await home.sem.choose("Start date and time", home.clock().replace(hour=23, minute=0))
        await home.sem.check("Ignore maintenance windows")
        await home.sem.check("Emergency")
        await home.sem.fill("Reason", "down")
        assert (await home.sem.submit()).errors == {"Reason": "Say in at least 10 characters why this is an emergency."}
        await home.sem.fill("Reason", "The API server is down")
        await home.sent(by=home.sem)
        told = await home.kim.message(CHANNEL, "EMERGENCY", "The API server is down", "<@U0SEM>")
        card = await home.sem.message(CHANNEL, "payments: upgrade to", "Submitted to Avisi Cloud", "EMERGENCY")
        own = await answered(home.sem, card, "Acknowledge")
        await answered(home.kim, card, "Acknowledge")
        seen = await home.card(card, "Acknowledged by <@U0KIM>")

        assert "S0PLATFORM" in told.text
        assert own.startswith("You requested this upgrade")
        assert "Acknowledge" in card.buttons
        assert "Acknowledge" not in seen.buttons
        assert home.submissions() == 1
        kinds = [event["kind"] for event in await events(home)]
        assert kinds.count("emergency acknowledged") == 1
        assert "vote cast" not in kinds
