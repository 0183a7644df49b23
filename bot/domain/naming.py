"""What clusters and environments are called in front of people, so that two of one name can be told apart."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol


class Placed(Protocol):
    """What stands in an environment of an organisation: clusters, their upgrades, requests and events."""

    @property
    def organisation(self) -> str:
        """Return its slug."""

    @property
    def environment(self) -> str:
        """Return its slug."""

    @property
    def full_name(self) -> str:
        """Return `environment/slug`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """Names things; with several organisations each name begins with that of its organisation."""

    several: bool = False

    @classmethod
    def among(cls, organisations: Collection[object]) -> "Naming":
        """Return how to name things where there are these organisations."""
        return cls(several=len(organisations) > 1)

    def cluster(self, one: Placed) -> str:
        """Return `environment/slug`, or `organisation/environment/slug`; what is unknown of it is left out."""
        return self._name(one, one.full_name)

    def environment(self, one: Placed) -> str:
        """Return `environment`, or `organisation/environment`."""
        return self._name(one, one.environment)

    def _name(self, one: Placed, name: str) -> str:
        return (f"{one.organisation}/{name.strip('/')}" if self.several else name).strip("/")


PLAIN: Final = Naming()
"""How things are named where there is one organisation."""
