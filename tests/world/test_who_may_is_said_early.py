"""Who may request is said when the cluster is chosen, over both ways that Slack delivers."""

import asyncio
from pathlib import Path

import pytest

from bot.sandbox.slack.people.looking import PATIENCE
from tests.world.approving import BASE
from tests.world.harness import CHANNEL, Transport, harness

POLICY = f'{BASE}\n[environments.production]\nrequesters = ["S0PLATFORM"]\n'
MARKED = "production (you may not request here)"
WORDS = "You may not request upgrades in production. These people can request them"


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_a_person_learns_it_from_the_form_and_not_afterwards(tmp_path: Path, transport: Transport) -> None:
    """The list marks the environment, the form names who may, and submitting is refused at Cluster."""
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    async with harness(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}", transport) as home:
        home.policy_file = policy
        await home.open_bot()
        await home.roos.command(CHANNEL, "/schedule-upgrade")
        async with asyncio.timeout(PATIENCE):  # the list is marked once it is known who may
            while MARKED not in str((await home.roos.modal("Schedule upgrade")).blocks):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        modal = await home.form("production/orders")
        shown = await home.roos.modal("Schedule upgrade", containing=WORDS)
        await home.roos.choose("Version", modal.field("Version").options[0])
        refused = await home.roos.submit()
        allowed = await home.form("production/orders", by=home.sem)

        assert "U0SEM" in shown.mentions.users
        assert refused.errors == {
            "Cluster": "You may not request upgrades in production. Choose another cluster, or ask somebody who may."
        }
        assert MARKED in str(shown.blocks)
        assert MARKED not in str(allowed.blocks)
        assert WORDS not in str(allowed.blocks)


async def test_who_reschedules_somebody_else_s_request_reads_whose_it_is(tmp_path: Path) -> None:
    """In the form's first line, also after it is redrawn; the requester does not read it."""
    async with harness(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}") as home:
        await home.open_bot()
        card = await home.request()
        await home.kim.press(CHANNEL, card.ts, "Reschedule")
        opened = await home.kim.modal("Schedule upgrade", containing="This is a request of <@U0ROOS>.")
        await home.kim.check("Ignore maintenance windows")
        redrawn = await home.kim.modal("Schedule upgrade", containing="Start")
        await home.roos.press(CHANNEL, card.ts, "Reschedule")
        own = await home.roos.modal("Schedule upgrade", containing="A new request for")

        assert opened.shown.startswith("This is a request of <@U0ROOS>.")
        assert redrawn.shown.startswith("This is a request of <@U0ROOS>.")
        assert "This is a request of" not in own.shown
