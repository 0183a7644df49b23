"""Which press in an open modal was the last one, so that a slower answer to an earlier one does not undo it."""

_MOST_VIEWS = 1000


class NewestPress:
    """The stamps of the newest presses by view; Slack's stamps (`action_ts`) sort like the moments they are of."""

    def __init__(self) -> None:
        self._stamps: dict[str, str] = {}

    def note(self, view_id: str, stamp: str) -> None:
        """Remember a press."""
        if len(self._stamps) >= _MOST_VIEWS:
            self._stamps.clear()
        self._stamps[view_id] = max(stamp, self._stamps.get(view_id, ""))

    def is_newest(self, view_id: str, stamp: str) -> bool:
        """Whether nothing was pressed in the view after that."""
        return self._stamps.get(view_id, stamp) == stamp
