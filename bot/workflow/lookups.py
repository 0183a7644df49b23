"""Questions about stored requests and upgrades that several use cases ask."""

from bot.domain.events import ReadinessChanged
from bot.domain.request import RequestId, UpgradeRequest, competing
from bot.domain.scheduled import ScheduledUpgrade
from bot.workflow.errors import Missing, UnreadableRequest
from bot.workflow.outbox import about
from bot.workflow.ports import ReadOnlyWork

_LATEST = 5


async def find_request(work: ReadOnlyWork, request_id: RequestId | None) -> UpgradeRequest | None:
    """Return a request, None when there is no such request; raises UnreadableRequest."""
    try:
        return await work.requests.get(request_id) if request_id else None
    except Missing:
        return None


async def request_of(work: ReadOnlyWork, upgrade: ScheduledUpgrade) -> UpgradeRequest | None:
    """Return the request that led to an upgrade; None when there is none, or none that can be read."""
    try:
        return await find_request(work, RequestId(upgrade.request_id) if upgrade.request_id else None)
    except UnreadableRequest:
        return None


async def find_competing(work: ReadOnlyWork, request: UpgradeRequest) -> ScheduledUpgrade | None:
    """Return the scheduled upgrade that the request would supersede, None when there is none."""
    return competing(request, await work.upgrades.of_cluster(request.cluster_identity, limit=_LATEST))


async def readiness_changed(work: ReadOnlyWork, request: UpgradeRequest) -> tuple[ReadinessChanged, ...]:
    """Return what to post when the verdict is another one than when the request was made; nothing otherwise."""
    first, latest = await work.readiness.first(request.id), (await work.readiness.latest(request.id)).get(request.id)
    if first is None or latest is None or latest.readiness.is_pending:
        return ()
    if first.readiness.kinds_of_warnings == latest.readiness.kinds_of_warnings:
        return ()
    return (ReadinessChanged(about=about(request), before=first.readiness, now=latest.readiness),)
