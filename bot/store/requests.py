"""The requests people made, each with its votes in one row."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.domain.cluster import ClusterIdentity
from bot.domain.people import MemberId
from bot.domain.request import OPEN, UNFINISHED, RequestId, State, UpgradeRequest
from bot.store.coding import UNREADABLE, Codec, note_unreadable
from bot.store.tables import RequestRow
from bot.store.transaction import Transaction, in_parts
from bot.workflow.errors import Missing, Stale, Taken, UnreadableRequest

CODEC = Codec(UpgradeRequest, without=frozenset({"revision"}))
_READ = select(RequestRow.id, RequestRow.body, RequestRow.revision)
_ONE = _READ.where(RequestRow.id == bindparam("request_id"))
_OVER = update(RequestRow).where(
    RequestRow.id == bindparam("request_id"), RequestRow.revision == bindparam("read_revision")
)


class StoredRequests:
    """Requests in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, request_id: RequestId) -> UpgradeRequest:
        """Return a request; raises Missing, and UnreadableRequest."""
        row = await self._transaction.first(_ONE, request_id=request_id)
        if row is None:
            raise Missing(f"There is no request {request_id}.")
        try:
            return CODEC.decode(row.body, revision=row.revision)
        except UNREADABLE as error:
            raise UnreadableRequest(f"request {request_id} cannot be read: {error!r}") from error

    async def add(self, request: UpgradeRequest) -> UpgradeRequest:
        """Store a new one; raises Taken when another open one exists for the cluster.

        Raises UnreadableRequest when that one cannot be read: then nothing can take its place.
        """
        stored = replace(request, revision=1)
        try:
            async with self._transaction.savepoint():
                await self._transaction.run(insert(RequestRow).values(id=stored.id, **_columns(stored)))
        except IntegrityError as error:
            cluster = RequestRow.cluster_identity == request.cluster_identity
            for row in await self._transaction.all(_READ.where(cluster, RequestRow.state.in_(OPEN))):
                await self.get(RequestId(row.id))
            raise Taken(f"{request.full_name} has an open request already.") from error
        return stored

    async def save(self, request: UpgradeRequest) -> UpgradeRequest:
        """Write only over the revision that was read: two approvers, one winner. Raises Stale, or Taken."""
        stored = replace(request, revision=request.revision + 1)
        try:
            changed = await self._transaction.run(
                _OVER, {"request_id": request.id, "read_revision": request.revision, **_columns(stored)}
            )
        except IntegrityError as error:
            raise Taken(f"{request.full_name} has an open request already.") from error
        if not changed:
            raise Stale("Somebody else changed this request in the meantime.")
        return stored

    async def of_cluster(
        self, cluster: ClusterIdentity, *states: State, limit: int | None = None
    ) -> tuple[UpgradeRequest, ...]:
        """Return the cluster's requests in these states, newest first; no states means all."""
        query = _READ.where(RequestRow.cluster_identity == cluster)
        if states:
            query = query.where(RequestRow.state.in_(states))
        return await self._read(query.order_by(RequestRow.requested_at.desc(), RequestRow.number.desc()).limit(limit))

    async def in_states(self, *states: State) -> tuple[UpgradeRequest, ...]:
        """Return all requests in these states, oldest first."""
        query = _READ.where(RequestRow.state.in_(states))
        return await self._read(query.order_by(RequestRow.requested_at, RequestRow.number))

    async def unacknowledged(self) -> tuple[UpgradeRequest, ...]:
        """Return the emergencies that nobody has acknowledged, oldest first."""
        return await self._read(_READ.where(RequestRow.unacknowledged == 1).order_by(RequestRow.number))

    async def these(self, *request_ids: RequestId) -> Mapping[RequestId, UpgradeRequest]:
        """Return those of these requests that there are."""
        found: dict[RequestId, UpgradeRequest] = {}
        for some in in_parts(request_ids):
            found |= {one.id: one for one in await self._read(_READ.where(RequestRow.id.in_(some)))}
        return found

    async def by(self, requester: MemberId, *, limit: int) -> tuple[UpgradeRequest, ...]:
        """Return a person's own requests, newest first; those of rollouts are no such."""
        query = _READ.where(RequestRow.requester == requester, RequestRow.rollout.is_(None))
        return await self._read(query.order_by(RequestRow.requested_at.desc(), RequestRow.number.desc()).limit(limit))

    async def count_open(self, requester: MemberId) -> int:
        """Count what somebody has asked for, but for rollouts, that is not submitted and has not ended.

        Whoever else counts that person's waits until this transaction has ended.
        """
        await self._transaction.alone(f"requests of {requester}")
        query = select(func.count()).where(
            RequestRow.requester == requester, RequestRow.state.in_(UNFINISHED), RequestRow.rollout.is_(None)
        )
        row = await self._transaction.first(query)
        return row[0] if row else 0

    async def _read(self, query: Select[str, dict[str, Any], int]) -> tuple[UpgradeRequest, ...]:
        """Return what can be read of it: a request that cannot be holds up only itself."""
        found: list[UpgradeRequest] = []
        for request_id, body, revision in await self._transaction.all(query):
            try:
                found.append(CODEC.decode(body, revision=revision))
            except UNREADABLE as error:
                note_unreadable("request", request_id, repr(error))
        return tuple(found)


def _columns(request: UpgradeRequest) -> dict[str, Any]:
    return {
        "organisation": request.organisation,
        "cluster_identity": request.cluster_identity,
        "state": request.state,
        "requester": request.requester,
        "requested_at": request.requested_at,
        "revision": request.revision,
        "body": CODEC.encode(request),
        "rollout": request.rollout,
        "unacknowledged": 1 if request.needs_acknowledgement else None,
    }
