"""The addresses of the API. Beware: some speak of `orgs`, some of `organisations` (avisi-cloud go-client)."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from bot.domain.cluster import Organisation


@dataclass(frozen=True, slots=True)
class Path:
    """A path with `{org}` in it, or without; `below` is what follows it for one thing of its list."""

    template: str
    below: tuple[str, ...] = ()

    def of(self, organisation: Organisation) -> str:
        """Return the path of one organisation."""
        base = self.template.replace("{org}", quote(organisation, safe=""))
        return "/".join((base, *(quote(part, safe="") for part in self.below)))

    def at(self, *below: str) -> "Path":
        """Return the path of one thing of this list."""
        return replace(self, below=below)


UPGRADES = Path("/api/v1/orgs/{org}/scheduled-cluster-upgrades")
CLUSTERS = Path("/api/v1/orgs/{org}/clusters")
CHANNELS = Path("/api/v1/orgs/{org}/update-channels")
ENVIRONMENTS = Path("/api/v1/orgs/{org}/environments")
SCHEDULES = Path("/api/v1/organisations/{org}/maintenance-schedule")
ME = Path("/api/v1/organisations/{org}/me")
VERSIONS = Path("/api/v1/cluster-versions")
MEMBERSHIPS = Path("/api/v1/memberships")
