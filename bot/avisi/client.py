"""The AvisiCloud port over HTTP. Reads are retried for a short while; a submission is sent exactly once."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from bot.avisi import paths
from bot.avisi.calls import Call, Calls, OnCall, Timeouts
from bot.avisi.catalog import current, gather
from bot.avisi.membership import MeBody, Membership, MembershipBody
from bot.avisi.readiness import AlertBody, PoolBody
from bot.avisi.reads import ListPage, Reads, Retries, note_skipped
from bot.avisi.survey import Seen, survey
from bot.avisi.wire import FingerprintBody, SubmissionBody, UpgradeBody
from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Organisation
from bot.domain.readiness import Alert, NodePool
from bot.domain.scheduled import OPEN, Reading, UpgradeIdentity
from bot.workflow.errors import Declined, NoList, Unreadable
from bot.workflow.ports import Page, Submission

_NO_LIST: Mapping[int, str] = {
    HTTPStatus.FORBIDDEN: "Avisi Cloud refuses the list of scheduled upgrades to this token",
    HTTPStatus.NOT_FOUND: "Avisi Cloud offers no list of scheduled upgrades",
    HTTPStatus.METHOD_NOT_ALLOWED: "Avisi Cloud offers no list of scheduled upgrades",
}
_CLUSTERS_AT_ONCE = 100
"""Identities in one URL; many servers refuse URLs longer than 8 KB."""


class AvisiClient:
    """Avisi Cloud with one token. Use `async with`, or call `close`. No connection is made before the first call."""

    def __init__(
        self,
        base_url: str,
        token: SecretStr,
        *,
        user_agent: str,
        now: Callable[[], datetime],
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self._now = now
        self._timeouts = timeouts or Timeouts()
        self._calls = Calls(
            base_url,
            token.get_secret_value(),
            user_agent=user_agent,
            timeouts=self._timeouts,
            now=now,
            on_call=on_call,
        )
        self._reads = Reads(self._calls, retries=retries or Retries(), seconds=self._timeouts.read)
        self._quick_reads = Reads(self._calls, retries=Retries(attempts=1), seconds=self._timeouts.quick_read)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._calls.close()

    async def submit(self, organisation: Organisation, submission: Submission) -> Reading:
        """Schedule or reschedule an upgrade; raises Declined, Waiting or Unclear. Never sent twice."""
        call = Call(
            method="POST",
            path=paths.UPGRADES.of(organisation),
            template=paths.UPGRADES.template,
            body=SubmissionBody.of(submission).as_json(),
        )
        reply = await self._calls.make(call, seconds=self._timeouts.submit)
        if isinstance(reply.value, dict):
            body = UpgradeBody.model_validate(reply.value)
            if body.says_something:
                return body.as_domain()
        raise Unreadable("Avisi Cloud's answer does not describe a scheduled upgrade")

    async def scheduled(
        self,
        organisation: Organisation,
        *,
        clusters: Sequence[ClusterIdentity] = (),
        statuses: Sequence[str] = (),
        known: Mapping[UpgradeIdentity, str] | None = None,
    ) -> AsyncGenerator[Page, None]:
        """Read the list of scheduled upgrades, holding one page at a time; raises NoList when there is none.

        `known` holds the fingerprints of stored upgrades: one that is unchanged is only named, and not parsed.
        """
        begun = False
        for some in _chunks(clusters):
            wanted = {"clusterIdentities": ",".join(some), "statuses": ",".join(statuses)}
            params = {name: value for name, value in wanted.items() if value}
            try:
                async with aclosing(self._reads.pages(paths.UPGRADES, organisation, params=params)) as pages:
                    async for found in pages:
                        begun = True
                        yield _page(found, known or {})
            except Declined as error:
                if begun or error.status not in _NO_LIST:
                    raise
                none = _NO_LIST[error.status]
                raise NoList(none, details=(error.message, *error.details)) from error

    async def missing_list(self, organisation: Organisation) -> NoList | None:
        """Ask for the first page of the list of scheduled upgrades; return why there is no list, or None.

        Raises AvisiError when the answer does not show either.
        """
        try:
            async with aclosing(self.scheduled(organisation, statuses=OPEN)) as pages:
                await anext(pages)
        except NoList as error:
            return error
        return None

    async def catalog(self, organisation: Organisation) -> Catalog:
        """Read clusters, environments, versions, channels and maintenance schedules."""
        return await gather(self._reads, organisation, fetched_at=self._now())

    async def current(self, cluster: Cluster) -> tuple[Cluster | None, tuple[str, ...]]:
        """Read one cluster and the versions on offer as they are now; None when the cluster is gone."""
        return await current(self._reads, cluster)

    async def pools(self, cluster: Cluster) -> tuple[NodePool, ...]:
        """Read a cluster's node pools."""
        path = paths.POOLS.at(cluster.environment, cluster.slug)
        items = await self._quick_reads.all(path, cluster.organisation)
        return tuple(PoolBody.of(item).as_domain() for item in items)

    async def alerts(self, organisation: Organisation, tenant: str) -> tuple[Alert, ...] | None:
        """Read what fires in an observability tenant, None when it is not monitored (404)."""
        try:
            items = await self._quick_reads.all(paths.ALERTS.at(tenant), organisation)
        except Declined as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        alerts = (AlertBody.of(item) for item in items)
        return tuple(alert.as_domain() for alert in alerts if alert.fires)

    async def memberships(self) -> tuple[Organisation, ...]:
        """Return the organisations that the token can see."""
        items = await self._reads.all(paths.MEMBERSHIPS, Organisation(""))
        bodies = [MembershipBody.model_validate(item) for item in items if isinstance(item, dict)]
        return tuple(organisation for body in bodies if (organisation := body.as_domain()) is not None)

    async def me(self, organisation: Organisation) -> Membership:
        """Return the role that the token's owner has in an organisation."""
        reply = await self._reads.one(paths.ME, organisation)
        if not isinstance(reply.value, dict):
            raise Unreadable("Avisi Cloud's answer does not describe a member")
        return MeBody.model_validate(reply.value).as_domain()

    def survey(self, organisation: Organisation) -> AsyncGenerator[Seen, None]:
        """Look at what every endpoint answers, without a word of what stands in it. Only reads."""
        return survey(self._reads, organisation)

    async def clock(self) -> datetime | None:
        """Return the cloud's own time (aware UTC), estimated from its last answer; None before the first."""
        return self._calls.clock()


def _page(found: ListPage, known: Mapping[UpgradeIdentity, str]) -> Page:
    items = [item for item in found.items if isinstance(item, dict)]
    unmoved: list[UpgradeIdentity] = []
    if known:
        items, unmoved = _moved(items, known)
    bodies = (UpgradeBody.model_validate(item) for item in items)
    readings = tuple(body.as_domain() for body in bodies if body.is_listable)
    note_skipped(paths.UPGRADES.template, len(found.items) - len(readings) - len(unmoved))
    return Page(readings=readings, cloud_time=found.date, unmoved=tuple(unmoved))


def _moved(
    items: Iterable[dict[str, object]], known: Mapping[UpgradeIdentity, str]
) -> tuple[list[dict[str, object]], list[UpgradeIdentity]]:
    """Return the items whose fingerprint changed, and the identities of the others."""
    moved: list[dict[str, object]] = []
    unmoved: list[UpgradeIdentity] = []
    for item in items:
        body = FingerprintBody.model_validate(item)
        identity = UpgradeIdentity(body.identity)
        if known.get(identity) == body.fingerprint:
            unmoved.append(identity)
        else:
            moved.append(item)
    return moved, unmoved


def _chunks(clusters: Sequence[ClusterIdentity]) -> Iterator[Sequence[ClusterIdentity]]:
    """Split the identities into parts that fit into a URL; no identities make one empty part."""
    for first in range(0, max(len(clusters), 1), _CLUSTERS_AT_ONCE):
        yield clusters[first : first + _CLUSTERS_AT_ONCE]
