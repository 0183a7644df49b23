"""Slack's rate limits, counted in real time; switched off until a test or the page wants them."""

import math
import time
from collections import defaultdict, deque

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
WORKSPACE_POSTS = 300
"""chat.postMessage in a minute over the whole workspace ("several hundred")."""
_MINUTE = 60.0
_SECOND = 1.0


class RateLimits:
    """How many calls of a method fit in a minute, and one message a second in each channel."""

    def __init__(self) -> None:
        self.on = False
        self.burst = 1
        """Messages that one channel takes in the same second."""
        self._seen: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, method: str, tier: int) -> int | None:
        """Seconds until the method may be called again, or None when it may be called now (which counts)."""
        if not self.on or tier == 0:
            return None
        return self._wait(method, PER_MINUTE[tier], _MINUTE)

    def wait_to_post(self, channel: str) -> int | None:
        """Give the same for a message to a channel."""
        if not self.on:
            return None
        return self._wait(f"post {channel}", self.burst, _SECOND) or self._wait("post", WORKSPACE_POSTS, _MINUTE)

    def _wait(self, key: str, allowed: int, period: float) -> int | None:
        now = time.monotonic()
        calls = self._seen[key]
        while calls and calls[0] <= now - period:
            calls.popleft()
        if len(calls) >= allowed:
            return max(1, math.ceil(calls[0] + period - now))
        calls.append(now)
        return None
