"""Fills databases with what a long life leaves behind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from benchmarks.cloud import SOON, identity
from benchmarks.stage import Known
from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.people import MemberId
from bot.domain.request import RequestId, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade, UpgradeIdentity
from bot.domain.windows import Window
from bot.store.storage import Storage
from bot.store.tables import AuditRow
from bot.workflow.inbox import MessageRef
from bot.workflow.repositories import Feed, Source

ACME = Organisation("acme")
_AT_ONCE = 500
NEXT = {
    "v1.30.10-u-ame.4": "v1.31.4-u-ame.2",
    "v1.31.4-u-ame.2": "v1.32.1-u-ame.0",
    "v1.31.6-u-ame.9": "v1.32.1-u-ame.0",
    "v1.32.1-u-ame.0": "v1.33.1-u-ame.0",
}
"""What a cluster of the simulated fleet may go to."""


def a_request(cluster: Known, *, state: State = State.PENDING_APPROVAL) -> UpgradeRequest:
    """Build a request for a cluster."""
    now = datetime.now(UTC)  # noqa: TID251 - the bot that reads it lives in real time
    return UpgradeRequest(
        id=RequestId(str(uuid4())),
        organisation=ACME,
        cluster_identity=ClusterIdentity(cluster.identity),
        environment=cluster.environment,
        cluster=cluster.slug,
        from_version=cluster.version,
        to_version=NEXT[cluster.version],
        start=None,
        ignore_windows=False,
        override=False,
        reason="CVE fixes",
        requester=MemberId("U0ROOS"),
        requested_at=now,
        deadline=now + timedelta(days=2),
        required=2,
        channel="C0UPGRADES",
        state=state,
        state_since=now,
    )


async def put_requests(
    url: str, clusters: Sequence[Known], *, state: State = State.PENDING_APPROVAL, first: int = 0
) -> list[UpgradeRequest]:
    """Store a request for each cluster, each with its card; cards are numbered from `first`."""
    requests = [a_request(cluster, state=state) for cluster in clusters]
    storage = Storage.open(url)
    await storage.migrate()
    for begin in range(0, len(requests), _AT_ONCE):
        async with storage.begin() as work:
            for number, request in enumerate(requests[begin : begin + _AT_ONCE], start=first + begin):
                await work.requests.add(request)
                await work.messages.put_card(request.id, MessageRef(channel=channel(number), ts=card(number)))
            await work.commit()
    await storage.close()
    return requests


def card(number: int) -> str:
    """Return where the card of the request with this number was posted."""
    return f"1700000000.{number:06d}"


def channel(number: int) -> str:
    """Return its channel: one for each, so that Slack's pace of one channel is not what is measured."""
    return f"C{number:09d}"


async def put_events(url: str, requests: list[UpgradeRequest], count: int) -> None:
    """Store so many audit events, spread over the requests; their chains are not sealed."""
    storage = Storage.open(url)
    rows = [_event(requests[number % len(requests)], 1 + number // len(requests)) for number in range(count)]
    async with storage.engines.write.begin() as connection:
        for begin in range(0, count, 2000):
            await connection.execute(insert(AuditRow), rows[begin : begin + 2000])
    await storage.close()


def _event(request: UpgradeRequest, number: int) -> dict[str, Any]:
    return {
        "request_id": request.id,
        "number": number,
        "at": request.requested_at,
        "kind": "vote cast",
        "actor": "U0SEM",
        "organisation": request.organisation,
        "cluster": request.full_name,
        "facts": {"count": 1, "required": 2},
        "previous": "0" * 64,
        "hash": "1" * 64,
    }


async def follow(url: str, clusters: Sequence[Known]) -> None:
    """Store a followed upgrade for each cluster, those of the simulated cloud, as a finished baseline."""
    now = datetime.now(UTC)  # noqa: TID251 - as above
    start = now + SOON
    storage = Storage.open(url)
    await storage.migrate()
    for begin in range(0, len(clusters), _AT_ONCE):
        async with storage.begin() as work:
            for number in range(begin, min(len(clusters), begin + _AT_ONCE)):
                await work.upgrades.save(
                    ScheduledUpgrade(
                        organisation=ACME,
                        identity=UpgradeIdentity(identity(number)),
                        cluster_identity=ClusterIdentity(clusters[number].identity),
                        environment=clusters[number].environment,
                        cluster=clusters[number].slug,
                        from_version=clusters[number].version,
                        to_version="v1.31.4-u-ame.2",
                        status="SCHEDULED",
                        status_since=now,
                        window=Window(start=start, end=start + timedelta(hours=3)),
                    )
                )
            await work.commit()
    async with storage.begin() as work:
        feed = Feed(organisation=ACME, source=Source.ORGANISATION, probed_at=now, baseline_at=now, read_at=now)
        await work.feeds.save(feed)
        await work.commit()
    await storage.close()
