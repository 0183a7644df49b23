"""The endpoints of the simulated cloud. What is not here answers 404 or 405, as the real one is expected to."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import web

from bot.sandbox.avisi import bodies
from bot.sandbox.avisi.content import identity_of
from bot.sandbox.avisi.core import CloudCore
from bot.sandbox.avisi.problems import Problem
from bot.sandbox.avisi.scheduling import INVALID, read_wish
from bot.sandbox.avisi.world import Cluster, Organisation

T = TypeVar("T")
NOT_FOUND = "The requested resource could not be found"


class Api:
    """One method per endpoint; the route's name is the endpoint's name in counts and records."""

    def __init__(self, cloud: CloudCore) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """Give every endpoint that is offered."""
        orgs, organisations = "/api/v1/orgs/{org}", "/api/v1/organisations/{org}"
        return [
            web.post(f"{orgs}/scheduled-cluster-upgrades", self.schedule, name="schedule"),
            web.get(f"{orgs}/scheduled-cluster-upgrades", self.upgrades, name="upgrades", allow_head=False),
            web.get(f"{orgs}/clusters", self.clusters, name="clusters", allow_head=False),
            web.get(f"{orgs}/clusters/{{env}}", self.clusters, name="clusters-of", allow_head=False),
            web.get(f"{orgs}/clusters/{{env}}/{{cluster}}", self.cluster, name="cluster", allow_head=False),
            web.get(f"{orgs}/update-channels", self.channels, name="channels", allow_head=False),
            web.get(f"{orgs}/environments", self.environments, name="environments", allow_head=False),
            web.get(f"{organisations}/maintenance-schedule", self.schedules, name="schedules", allow_head=False),
            web.get(f"{organisations}/me", self.me, name="me", allow_head=False),
            web.get("/api/v1/cluster-versions", self.versions, name="versions", allow_head=False),
            web.get("/api/v1/memberships", self.memberships, name="memberships", allow_head=False),
        ]

    async def schedule(self, request: web.Request) -> web.Response:
        """`POST .../scheduled-cluster-upgrades`: schedule or reschedule."""
        owner = self._owner(request)
        if request.content_type != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "send application/json")
        if owner.role not in {"admin", "developer"}:
            raise Problem(HTTPStatus.FORBIDDEN, "You do not have permission to access this resource")
        upgrade = self._cloud.accept(owner, read_wish(await request.read()), by="bot")
        return web.json_response(bodies.upgrade_body(upgrade, self._cloud.quirks))

    async def upgrades(self, request: web.Request) -> web.Response:
        """`GET .../scheduled-cluster-upgrades`: inferred from the vendor's admin API, so it may be absent."""
        quirks = self._cloud.quirks
        if quirks.list_status is not None:
            raise Problem(quirks.list_status, NOT_FOUND)
        found = list(self._owner(request).upgrades.values())
        if not quirks.ignore_filters:
            clusters, statuses = _identities(_list(request, "clusterIdentities")), _list(request, "statuses")
            found = [
                upgrade
                for upgrade in found
                if (not clusters or upgrade.cluster_identity in clusters)
                and (not statuses or upgrade.status in statuses)
            ]
        return self._paged(request, found, lambda upgrade: bodies.upgrade_body(upgrade, quirks))

    async def clusters(self, request: web.Request) -> web.Response:
        """`GET .../clusters` and `.../clusters/{env}`; deleted clusters are listed with their `deletedAt`."""
        owner = self._owner(request)
        found = list(owner.clusters.values())
        environment = request.match_info.get("env")
        if environment is not None:
            if environment not in owner.environments:
                raise Problem(HTTPStatus.NOT_FOUND, NOT_FOUND, f"no environment {environment}")
            found = [cluster for cluster in found if cluster.environment == environment]
        schedule = request.query.get("maintenanceSchedule")
        if schedule:
            found = [cluster for cluster in found if cluster.schedule == schedule]
        return self._paged(request, found, lambda cluster: self._cluster(cluster, owner, request))

    async def cluster(self, request: web.Request) -> web.Response:
        """`GET .../clusters/{env}/{cluster}`."""
        owner = self._owner(request)
        where = (request.match_info["env"], request.match_info["cluster"])
        for cluster in owner.clusters.values():
            if (cluster.environment, cluster.slug) == where and cluster.deleted_at is None:
                return web.json_response(self._cluster(cluster, owner, request))
        raise Problem(HTTPStatus.NOT_FOUND, NOT_FOUND, f"no cluster {'/'.join(where)}")

    async def channels(self, request: web.Request) -> web.Response:
        """`GET .../update-channels`, paged."""
        return self._paged(request, list(self._owner(request).channels.values()), bodies.channel_body)

    async def environments(self, request: web.Request) -> web.Response:
        """`GET .../environments`, paged."""
        owner, quirks = self._owner(request), self._cloud.quirks
        return self._paged(
            request, list(owner.environments.values()), lambda one: bodies.environment_body(one, owner, quirks)
        )

    async def schedules(self, request: web.Request) -> web.Response:
        """`GET /organisations/{org}/maintenance-schedule`: a bare array."""
        schedules = self._owner(request).schedules.values()
        return web.json_response([bodies.schedule_body(schedule) for schedule in schedules])

    async def versions(self, _: web.Request) -> web.Response:
        """`GET /cluster-versions`: a bare array, sorted as plain text."""
        return web.json_response([{"version": version} for version in sorted(self._cloud.world.versions)])

    async def memberships(self, request: web.Request) -> web.Response:
        """`GET /memberships`: the organisations that the token sees, paged."""
        token = request.headers["Authorization"].partition(" ")[2].strip()
        owners = [self._cloud.world.organisations[slug] for slug in self._cloud.world.tokens[token]]
        return self._paged(
            request,
            owners,
            lambda owner: {"email": "bot@acme.example", "id": owner.number, "name": owner.name, "slug": owner.slug},
        )

    async def me(self, request: web.Request) -> web.Response:
        """`GET /organisations/{org}/me`: who the token is there."""
        owner = self._owner(request)
        return web.json_response(
            {
                "subject": identity_of("bot"),
                "identity": identity_of(owner.slug, "bot"),
                "username": "upgrade-bot",
                "role": owner.role,
                "kubernetesRole": "view",
                "joinedAt": "2025-03-03T09:00:00Z",
                "email": "bot@acme.example",
            }
        )

    def _owner(self, request: web.Request) -> Organisation:
        return self._cloud.world.organisations[request.match_info["org"]]

    def _cluster(self, cluster: Cluster, owner: Organisation, request: web.Request) -> dict[str, Any]:
        body = bodies.cluster_body(cluster, owner, details=request.query.get("includeDetails") == "true")
        if request.query.get("show-compute") == "true":
            body |= {"cpu": 12, "memory": 48}
        return body

    def _paged(self, request: web.Request, items: Sequence[T], draw: Callable[[T], dict[str, Any]]) -> web.Response:
        quirks = self._cloud.quirks
        number = _number(request, "page", 0)
        size = max(1, min(_number(request, "size", quirks.page_size), quirks.max_page_size))
        shown = [draw(item) for item in items[number * size : (number + 1) * size]]
        return web.json_response(bodies.page_body(shown, number=number, size=size, total=len(items)))


def _list(request: web.Request, name: str) -> set[str]:
    values = request.query.getall(name, [])
    return {part for value in values for part in value.split(",") if part}


def _identities(texts: set[str]) -> set[str]:
    try:
        return {str(UUID(text)) for text in texts}
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, INVALID, "clusterIdentities: must be UUIDs") from error


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdigit():
        raise Problem(HTTPStatus.BAD_REQUEST, INVALID, f"{name}: must be a number from 0")
    return int(text)
