"""What the cloud says around an upgrade, on the wire: node pools and alerts. Shapes as in avisi-cloud go-client."""

import hashlib
import json
from typing import Annotated, Self

from pydantic import BeforeValidator

from bot.avisi.lenient import Body, Moment, Name, Text, read_name
from bot.domain.readiness import Alert, NodePool
from bot.workflow.errors import Unreadable

_LONGEST_NAME = 80
_QUIET = frozenset({"pending", "inactive"})
"""States of an alert whose condition does not hold, or not for long enough yet (Prometheus)."""


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name): text if isinstance(text, str) else json.dumps(text) for name, text in value.items()}


class PoolBody(Body):
    """A node pool."""

    name: Name = ""
    availability_zone: Name = ""
    upgrade_strategy: Name = ""

    @classmethod
    def of(cls, item: object) -> Self:
        """Read an item of the list; raises Unreadable for what is no pool."""
        body = cls.model_validate(item) if isinstance(item, dict) else cls()
        if not (body.name or body.upgrade_strategy):
            raise Unreadable("Avisi Cloud lists a node pool that cannot be read")
        return body

    def as_domain(self) -> NodePool:
        """Return it in our own words."""
        return NodePool(
            name=_short(self.name) or "unnamed", strategy=self.upgrade_strategy, zone=_short(self.availability_zone)
        )


class AlertBody(Body):
    """An alert, in the shape of Prometheus' own list."""

    labels: Annotated[dict[str, str], BeforeValidator(_labels)] = {}  # noqa: RUF012 - pydantic copies it
    active_at: Moment = None
    state: Text = ""

    @classmethod
    def of(cls, item: object) -> Self:
        """Read an item of the list; raises Unreadable for what is no alert: it may be one that fires."""
        body = cls.model_validate(item) if isinstance(item, dict) else cls()
        if not (body.labels or body.state):
            raise Unreadable("Avisi Cloud lists an alert that cannot be read")
        return body

    @property
    def fires(self) -> bool:
        """Whether it fires; a state that nobody knows counts, so that nothing is passed over."""
        return self.state.lower() not in _QUIET

    def as_domain(self) -> Alert:
        """Return it in our own words. Its key is a digest of its labels, as it has no identity."""
        name = _short(read_name(self.labels.get("alertname"))) or "unnamed alert"
        known = self.state.lower() in {"", "firing"}
        labels = json.dumps(sorted(self.labels.items()))
        return Alert(
            name=name if known else f"{name} ({_short(read_name(self.state))})",
            key=hashlib.sha256(labels.encode("utf-8", "replace")).hexdigest()[:16],
            active_at=self.active_at,
        )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
