"""Every request that the simulated cloud saw, for tests and for the page. Never the token."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(kw_only=True, slots=True)
class Seen:
    """One request; `name` is the endpoint's, `body` parsed JSON or text, `status` 0 while or when unanswered."""

    number: int
    at: datetime
    name: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    status: int = 0
    answer: object = None
    """The answer's JSON, cut when it is long."""
    ms: float = 0.0


@dataclass(kw_only=True, slots=True)
class Requests:
    """The newest requests in order, and how many there were of each endpoint."""

    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=5000))
    counts: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def note(self, seen: Seen) -> None:
        """Keep a request."""
        self.total += 1
        seen.number = self.total
        self.counts[seen.name] += 1
        self.seen.append(seen)

    def of(self, name: str) -> list[Seen]:
        """Give the requests to one endpoint, oldest first."""
        return [seen for seen in self.seen if seen.name == name]

    def clear(self) -> None:
        """Forget them all."""
        self.seen.clear()
        self.counts.clear()
        self.total = 0
