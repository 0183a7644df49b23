"""Change numbers with the whole bot, over both ways that Slack delivers."""

from pathlib import Path

import pytest

from tests.world.approving import BASE, events
from tests.world.harness import CHANNEL, Transport, harness

POLICY = f'{BASE}change = {{ pattern = "CHG[0-9]{{7}}", url = "https://itsm.example.com/{{change}}" }}\n'
LINK = "https://itsm.example.com/CHG0012345"


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_the_number_is_asked_for_voted_on_linked_and_filled_in_again(
    tmp_path: Path, transport: Transport
) -> None:
    """A wrong one is refused at its field; the right one stands on card, in trail, and in the form of Reschedule."""
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    async with harness(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}", transport) as home:
        home.policy_file = policy
        await home.open_bot()
        modal = await home.form("staging/payments")
        await home.roos.choose("Version", modal.field("Version").options[0])
        assert set((await home.roos.submit()).errors) == {"Change"}
        await home.roos.fill("Change", "CHG12")
        wrong = await home.roos.submit()
        await home.roos.fill("Change", "CHG0012345")
        await home.sent()
        card = await home.sem.message(CHANNEL, "payments: upgrade to", "CHG0012345")
        await home.roos.press(CHANNEL, card.ts, "Reschedule")
        again = await home.roos.modal("Schedule upgrade", containing="Version")
        await home.sem.press(CHANNEL, card.ts, "Approve")
        await home.card(card, "Submitted to Avisi Cloud")
        (asked,) = await events(home, "upgrade requested")
        (vote,) = await events(home, "vote cast")

        assert wrong.errors == {"Change": '"CHG12" is not a valid change number of staging. One looks like CHG0000000.'}
        assert f"<{LINK}|CHG0012345>" in str(home.slack.state.messages.find(CHANNEL, card.ts).blocks)  # type: ignore[union-attr]
        assert again.field("Change").value == "CHG0012345"
        assert (asked["facts"]["change"], asked["facts"]["change_url"]) == ("CHG0012345", LINK)
        assert vote["facts"]["card"]["change"] == "CHG0012345"
