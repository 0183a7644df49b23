"""How long to wait before something that failed is tried again, and when to give up."""

MOST_TRIES = 10
"""After so many tries something that fails by itself becomes a dead letter: with growing pauses, after 4 minutes."""
_LONGEST = 60.0
_MOST_DOUBLINGS = 10


def growing_pause(attempts: int, *, first: float = 1.0) -> float:
    """Return seconds: `first` before the second try, then twice as long each time, up to a minute."""
    return min(_LONGEST, first * 2.0 ** min(attempts, _MOST_DOUBLINGS))
