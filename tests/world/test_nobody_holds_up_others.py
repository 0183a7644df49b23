"""One person's flood, or trouble, is nobody else's: what a whole bot makes of it over real HTTP and a real database."""

import asyncio
import time

from bot.domain.cluster import Organisation
from bot.domain.form import Form
from bot.domain.people import MemberId
from bot.domain.request import UNFINISHED
from bot.sandbox.slack.api.faults import Fault
from bot.sandbox.slack.people.looking import PATIENCE
from bot.workflow.inbox import FormSubmitted, NewEntry
from tests.world.harness import CHANNEL, harness

ACME = Organisation("acme")
KIM = MemberId("U0KIM")


async def test_a_hundred_forms_of_one_member_hold_up_no_decision_of_others(sqlite_file: str) -> None:
    """Twenty are taken and eighty refused; meanwhile somebody else's approval reaches the cloud at once."""
    async with harness(sqlite_file) as opened:
        clusters = opened.cloud.many_clusters(100)
        bot = await opened.open_bot()
        card = await opened.request()
        async with bot.storage.read() as work:
            catalog = await work.catalogs.read(ACME)
        assert catalog
        forms = [
            Form(cluster_identity=cluster.identity, version=catalog.offered_to(cluster, allow_downgrade=False)[0])
            for cluster in catalog.clusters
            if cluster.identity in {one.identity for one in clusters}
        ]
        assert len(forms) == 100

        async with bot.storage.begin() as work:
            entries = [FormSubmitted(member=KIM, organisation=ACME, form=form) for form in forms]
            await work.inbox.put(
                *(
                    NewEntry(entry=entry, key=f"form:{number}", queue=f"cluster:{entry.form.cluster_identity}")
                    for number, entry in enumerate(entries)
                )
            )
            await work.commit()
        began = time.monotonic()
        await opened.sem.press(CHANNEL, card.ts, "Approve")
        async with asyncio.timeout(PATIENCE):
            while opened.submissions() == 0:  # noqa: ASYNC110 - another server's state
                await asyncio.sleep(0.02)
        took = time.monotonic() - began
        async with asyncio.timeout(PATIENCE):
            while (await bot.storage.stats.inbox()).waiting:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        async with bot.storage.read() as work:
            asked = [one for one in await work.requests.in_states(*UNFINISHED) if one.requester == KIM]

    assert took < 5
    assert len(asked) == 20


async def test_an_outsider_who_cannot_be_looked_up_holds_up_nobody_on_the_same_request(sqlite_file: str) -> None:
    """Their press is told to wait; approval and withdrawal of others are decided meanwhile."""
    async with harness(sqlite_file, bot_required_approvals=2) as opened:
        opened.slack.workspace.channels[CHANNEL].shared = True
        opened.slack.workspace.join(CHANNEL, "U0VERA")
        await opened.open_bot()
        card = await opened.request()
        opened.slack.faults.add("users.info:U0VERA", Fault(error="fatal_error"), times=None)

        vera = opened.slack.person("U0VERA")
        await vera.press(CHANNEL, card.ts, "Approve")
        await vera.private(CHANNEL, "What you did is kept")
        await opened.sem.press(CHANNEL, card.ts, "Approve")
        await opened.card(card, "1 of 2")
        await opened.roos.press(CHANNEL, card.ts, "Withdraw")

        await opened.card(card, "Withdrawn")
