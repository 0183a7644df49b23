"""What the simulated cloud says no with."""


class Problem(Exception):
    """An answer with an error status and the documented `message` and `details`."""

    def __init__(self, status: int, message: str, *details: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details

    def body(self) -> dict[str, object]:
        """Write the documented error body."""
        return {"message": self.message, "details": list(self.details)}
