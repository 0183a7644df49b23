"""The cloud's record of a request that was submitted: finding it in the cloud's list, and what is stored of it."""

from datetime import datetime, timedelta

from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import NAMELESS, OPEN, Reading, ScheduledUpgrade, Status, UpgradeIdentity
from bot.workflow.ports import AvisiCloud

UNKNOWN_SKEW = timedelta(minutes=1)
"""How far the cloud's clock and ours may be apart while the cloud has not told its time."""


async def find_record(cloud: AvisiCloud, request: UpgradeRequest) -> Reading | None:
    """Look in the cloud's list for what the last attempt left there; raises NoList and other AvisiErrors.

    That is an upgrade of the same cluster to the same version, with the same date and flag, no older than the attempt.
    """
    sent_start = None if request.start_left_out else request.start
    matches = [
        reading
        async for page in cloud.scheduled(request.organisation, clusters=[request.cluster_identity])
        for reading in page.readings
        if _is_ours(reading, request) and _starts(reading, sent_start)
    ]
    matches.sort(key=lambda reading: (reading.status in OPEN, reading.created_at or reading.modified_at))
    return matches[-1] if matches else None


def identity_of(request: UpgradeRequest, reading: Reading) -> UpgradeIdentity:
    """Return the identity in an answer, or one made of the request's id where the answer has none."""
    return reading.identity or UpgradeIdentity(f"{NAMELESS}{request.id}")


def _is_ours(reading: Reading, request: UpgradeRequest) -> bool:
    changed = max((moment for moment in (reading.created_at, reading.modified_at) if moment), default=None)
    return (
        reading.cluster_identity == request.cluster_identity
        and reading.to_version == request.to_version
        and reading.status != Status.SUPERSEDED
        and reading.ignore_windows in {None, request.ignore_windows}
        and changed is not None
        and request.attempted_at is not None
        and changed >= request.attempted_at.replace(microsecond=0)
    )


def _starts(reading: Reading, sent: datetime | None) -> bool:
    """Whether it has the date we sent; where we sent none, the cloud may have filled in the moment it took it."""
    asked, taken = reading.requested_start, reading.created_at or reading.modified_at
    if asked is None or (sent is None and taken is not None and asked <= taken + UNKNOWN_SKEW):
        return True
    return sent is not None and asked.replace(microsecond=0) == sent.replace(microsecond=0)


def record_of(request: UpgradeRequest, reading: Reading, known: ScheduledUpgrade | None) -> ScheduledUpgrade:
    """Return what is stored of the cloud's record of a request; `known` is what was stored of it before."""
    return ScheduledUpgrade(
        organisation=request.organisation,
        identity=identity_of(request, reading),
        cluster_identity=request.cluster_identity,
        environment=request.environment,
        cluster=request.cluster,
        from_version=reading.from_version or request.from_version,
        to_version=reading.to_version or request.to_version,
        status=reading.status or Status.REQUESTED,
        status_since=request.state_since,
        window=reading.window,
        reason=reading.reason,
        moves=known.moves if known else 0,
        request_id=request.id,
        modified_at=reading.modified_at,
        revision=known.revision if known else 0,
    )
