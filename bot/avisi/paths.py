"""The paths of the API. Some contain `orgs`, others `organisations` (avisi-cloud go-client)."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from bot.domain.cluster import Organisation


@dataclass(frozen=True, slots=True)
class Path:
    """A path with placeholders: `{org}`, and `{}` for each of `parts` in order. Metrics count calls by template.

    `paged` says whether the vendor's client reads it in pages; a bare array is requested without a page parameter.
    """

    template: str
    parts: tuple[str, ...] = ()
    paged: bool = True

    def at(self, *parts: str) -> "Path":
        """Return the path of one thing in an organisation."""
        return replace(self, parts=parts)

    def of(self, organisation: Organisation) -> str:
        """Return the path of one organisation."""
        path = self.template.replace("{org}", quote(organisation, safe=""))
        for part in self.parts:
            path = path.replace("{}", quote(part, safe=""), 1)
        return path


UPGRADES = Path("/api/v1/orgs/{org}/scheduled-cluster-upgrades")
CLUSTERS = Path("/api/v1/orgs/{org}/clusters")
CLUSTER = Path("/api/v1/orgs/{org}/clusters/{}/{}")
POOLS = Path("/api/v1/orgs/{org}/clusters/{}/{}/pools", paged=False)
ALERTS = Path("/api/v1/orgs/{org}/alerts/{}", paged=False)
CHANNELS = Path("/api/v1/orgs/{org}/update-channels")
ENVIRONMENTS = Path("/api/v1/orgs/{org}/environments")
SCHEDULES = Path("/api/v1/organisations/{org}/maintenance-schedule", paged=False)
ME = Path("/api/v1/organisations/{org}/me")
VERSIONS = Path("/api/v1/cluster-versions", paged=False)
MEMBERSHIPS = Path("/api/v1/memberships")
