"""Node pools and alerts of the simulated cloud: its endpoints, and the panel's switches for alerts."""

import json
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.avisi.bodies import stamp
from bot.sandbox.avisi.problems import Problem
from bot.sandbox.avisi.world import Alert, Cluster, Organisation, Pool, Tenant

if TYPE_CHECKING:
    from bot.sandbox.avisi.cloud import SimulatedCloud

ALERTS = ("KubePodCrashLooping", "KubeNodeNotReady", "etcdHighCommitDurations", "KubePersistentVolumeFillingUp")
"""What the panel can switch on in every tenant."""
NOT_FOUND = "The requested resource could not be found"


def pools_of(cluster: Cluster) -> list[Pool]:
    """Give a cluster's own pools, or the two that any cluster has."""
    return cluster.pools or [
        Pool(name="system", strategy="REPLACE_MINOR_INPLACE_PATCH_WITHOUT_DRAIN", zone=f"{cluster.region}a"),
        Pool(name="workers", strategy="REPLACE", zone=f"{cluster.region}a"),
    ]


def routes(cloud: "SimulatedCloud") -> list[web.RouteDef]:
    """Give the endpoints."""
    api = MonitoringApi(cloud)
    org = "/api/v1/orgs/{org}"
    return [
        web.get(f"{org}/clusters/{{env}}/{{cluster}}/pools", api.pools, name="pools", allow_head=False),
        web.get(f"{org}/alerts", api.all_alerts, name="all-alerts", allow_head=False),
        web.get(f"{org}/alerts/{{tenant}}", api.alerts, name="alerts", allow_head=False),
    ]


class MonitoringApi:
    """One method per endpoint; all answer bare arrays."""

    def __init__(self, cloud: "SimulatedCloud") -> None:
        self._cloud = cloud

    async def pools(self, request: web.Request) -> web.Response:
        """`GET .../clusters/{env}/{cluster}/pools`."""
        where = (request.match_info["env"], request.match_info["cluster"])
        for cluster in self._owner(request).clusters.values():
            if (cluster.environment, cluster.slug) == where and cluster.deleted_at is None:
                return web.json_response([_pool_body(pool, cluster, n) for n, pool in enumerate(pools_of(cluster), 1)])
        raise Problem(HTTPStatus.NOT_FOUND, NOT_FOUND, f"no cluster {'/'.join(where)}")

    async def alerts(self, request: web.Request) -> web.Response:
        """`GET .../alerts/{tenant}`."""
        tenant = self._owner(request).tenants.get(request.match_info["tenant"])
        if tenant is None:
            raise Problem(HTTPStatus.NOT_FOUND, NOT_FOUND)
        return web.json_response(_alerts_of(tenant))

    async def all_alerts(self, request: web.Request) -> web.Response:
        """`GET .../alerts`: those of every tenant."""
        tenants = self._owner(request).tenants.values()
        return web.json_response([body for tenant in tenants for body in _alerts_of(tenant)])

    def _owner(self, request: web.Request) -> Organisation:
        return self._cloud.world.organisations[request.match_info["org"]]


class AlertPanel:
    """The panel's switches: alerts on and off, and a tenant that refuses."""

    def __init__(self, cloud: "SimulatedCloud") -> None:
        self._cloud = cloud

    async def switch(self, request: web.Request) -> web.Response:
        """`POST /cloud/alerts`: {organisation, tenant, alert, firing}, or {organisation, tenant, refuses: status}."""
        wish = await request.json()
        try:
            owner = self._cloud.world.organisations[str(wish["organisation"])]
            tenant = owner.tenants[str(wish["tenant"])]
        except (KeyError, TypeError) as error:
            text = json.dumps({"ok": False, "error": "There is no such tenant."})
            raise web.HTTPBadRequest(text=text, content_type="application/json") from error
        if "refuses" in wish:
            tenant.status = int(wish["refuses"]) if wish["refuses"] else None
        if "alert" in wish:
            self._cloud.fire(tenant.slug, str(wish["alert"]), firing=bool(wish.get("firing")), organisation=owner.slug)
        self._cloud.changes.bump()
        return web.json_response({"ok": True})


def fire(tenant: Tenant, alert: str, *, firing: bool, at: datetime) -> None:
    """Switch an alert on from this moment, or off."""
    others = [one for one in tenant.alerts if one.name != alert]
    if not firing:
        tenant.alerts = others
    elif len(others) == len(tenant.alerts):
        tenant.alerts = [*others, Alert(name=alert, active_at=at)]


def tenants_state(cloud: "SimulatedCloud") -> list[dict[str, Any]]:
    """Draw what the panel shows of tenants."""
    return [
        {
            "organisation": owner.slug,
            "slug": tenant.slug,
            "refuses": tenant.status,
            "clusters": [
                f"{one.environment}/{one.slug}"
                for one in owner.clusters.values()
                if one.tenant == tenant.slug and one.deleted_at is None
            ],
            "alerts": [
                {"name": name, "firing": any(one.name == name for one in tenant.alerts)}
                for name in dict.fromkeys((*ALERTS, *(one.name for one in tenant.alerts)))
            ],
        }
        for owner in cloud.world.organisations.values()
        for tenant in owner.tenants.values()
    ]


def _alerts_of(tenant: Tenant) -> list[dict[str, Any]]:
    if tenant.status is not None:
        raise Problem(tenant.status, "You do not have permission to access this resource")
    return [
        {
            "labels": {"alertname": alert.name, "severity": "warning", "tenant": tenant.slug},
            "annotations": {"summary": f"{alert.name} fires"},
            "activeAt": stamp(alert.active_at),
            "state": alert.state,
            "value": "1e+00",
        }
        for alert in tenant.alerts
    ]


def _pool_body(pool: Pool, cluster: Cluster, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "identity": cluster.identity[:-4] + f"{number:04}",
        "clusterIdentity": cluster.identity,
        "name": pool.name,
        "availabilityZone": pool.zone,
        "nodeSize": "c5.xlarge",
        "autoScaling": False,
        "minSize": 3,
        "maxSize": 3,
        "enableNodeAutoReplacement": True,
        "enableNodeReboots": False,
        "upgradeStrategy": pool.strategy,
        "securityUpdatesOnJoin": "OFF",
        "annotations": {},
        "labels": {},
        "taints": [],
        "provisionStatus": "DONE",
        "createdAt": stamp(cluster.created_at),
        "modifiedAt": stamp(cluster.modified_at),
    }
