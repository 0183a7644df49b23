"""The whole bot starts on what version 0.1.0 left undone, and brings all of it to its end."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from benchmarks.reliability.counting import accepted, owed, settled
from bot.domain.request import RequestId, State
from bot.sandbox.avisi.content import identity_of
from bot.store.storage import Storage
from tests.store.written import POLICY, Written, write, written
from tests.world.harness import Harness, harness


@pytest.fixture(params=["sqlite", "postgresql"])
async def left(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Harness, Written]]:
    """Start Slack, cloud and database as 0.1.0 left them, without a bot."""
    url = request.getfixturevalue(f"empty_{request.param}_url")
    folder = request.getfixturevalue("tmp_path")
    async with harness(url) as opened:
        content = written(slack_url=opened.slack.url)
        opened.slack.restore(content.slack)
        opened.cloud.restore(content.cloud)
        opened.cloud.lifecycle.automatic = False
        opened.slack.workspace.channels["C0OLDNEWS"].archived = False
        opened.policy_file = folder / "policy.toml"
        opened.policy_file.write_text(POLICY, encoding="utf-8")
        await write(url, content)
        yield opened, content


async def test_everything_undone_is_brought_to_its_end(left: tuple[Harness, Written]) -> None:
    """Presses count, what was approved is submitted once, everything is told, and nothing is given up.

    So does a press on a card that 0.1.0 painted, where it stood.
    """
    home, content = left
    dead = sum(row["dead"] for row in content.tables["outbox"])
    cards = {row["request_id"]: (row["channel"], row["ts"]) for row in content.tables["cards"]}
    texts = {place: text_of(home, place) for place in cards.values()}

    await home.open_bot()
    await home.sem.press(*cards[request_of(content, "quay")], "Approve")
    await settled(home.url, within=120)
    left_over = await owed(home.url)
    storage = Storage.open(home.url)
    async with storage.read() as work:
        state = {one.full_name: one.state.value for one in await work.requests.in_states(*State)}
        now = {one: await work.messages.card(RequestId(one)) for one in cards}
        broken = await work.destinations.broken()
    findings = await storage.audit_trail.verify()
    await storage.close()

    assert (left_over.inbox, left_over.outbox, left_over.dead) == (0, 0, dead)
    assert state == {
        "development/ci-runners": "SUBMITTED",
        "development/lab": "PENDING_APPROVAL",
        "development/playground": "PENDING_APPROVAL",
        "production/orders": "REJECTED",
        "production/payments": "SUBMITTED",
        "staging/billing": "SUBMITTED",
        "staging/cache": "PENDING_APPROVAL",
        "staging/jobs": "PENDING_APPROVAL",
        "staging/ledger": "SUBMITTED",
        "staging/mail": "WITHDRAWN",
        "staging/orders": "SUBMITTED",
        "staging/payments": "SUBMITTED",  # it runs already, so the form that waited is refused
        "staging/quay": "SUBMITTED",
        "staging/search": "SUBMITTED",
        "staging/webshop": "SUBMITTED",
    }
    submitted = Counter(cluster for cluster, _ in accepted(home.cloud).elements())
    once = ("production/payments", "staging/ledger", "staging/orders", "staging/quay", "staging/webshop")
    assert submitted == Counter(identity_of("acme", *cluster.split("/")) for cluster in once)
    assert {one: place and (place.channel, place.ts) for one, place in now.items()} == cards
    assert "waits for approval" not in text_of(home, cards[request_of(content, "payments", "production")])
    assert text_of(home, cards[request_of(content, "ledger")]) != texts[cards[request_of(content, "ledger")]]
    assert broken == ()
    assert findings == ()


def request_of(content: Written, cluster: str, environment: str = "staging") -> str:
    """Return the latest request of a cluster."""
    bodies = [row["body"] for row in content.tables["requests"]]
    return str([one for one in bodies if (one["environment"], one["cluster"]) == (environment, cluster)][-1]["id"])


def text_of(home: Harness, place: tuple[str, str]) -> str:
    """Return what a message says."""
    message = home.slack.state.messages.find(*place)
    assert message is not None
    return message.text
