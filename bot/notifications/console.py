"""Where a cluster is found in the vendor's Console: the operator says it as a pattern, as the vendor documents none."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade


@dataclass(frozen=True, kw_only=True, slots=True)
class Console:
    """Leads to clusters. `pattern` holds `{organisation}`, `{environment}`, `{cluster}`, `{identity}`; empty: nowhere.

    The first three are slugs, the last is the cluster's UUID.
    """

    pattern: str = ""

    def address(self, *, organisation: str, environment: str, cluster: str, identity: str) -> str | None:
        """Return the address of a cluster's page, None when nobody said where the Console is."""
        places = {"organisation": organisation, "environment": environment, "cluster": cluster, "identity": identity}
        found = self.pattern
        for name, value in places.items():
            found = found.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
        return found or None

    def of(self, one: UpgradeRequest | ScheduledUpgrade) -> str | None:
        """Return the address of the page of a request's or an upgrade's cluster."""
        return self.address(
            organisation=one.organisation,
            environment=one.environment,
            cluster=one.cluster,
            identity=one.cluster_identity,
        )


NO_CONSOLE: Final = Console()
"""Where nobody said where the Console is."""
