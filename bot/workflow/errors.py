"""What can go wrong outside, sorted by what the caller does next.

AvisiError
├── Declined          a clear no: nothing was done, show the message
├── Waiting           nothing was done, try again later
│   ├── Unauthorised  the token is refused (401)
│   ├── Overloaded    429; `retry_after` in seconds
│   └── NotConnected  the connection was never made
├── Unclear           the request may have been carried out; look before sending again
│   ├── NoAnswer      time-out or dropped connection
│   ├── Broken        an error answer (5xx)
│   └── Unreadable    an answer that cannot be read (HTML, another shape)
└── NoList            the cloud offers us no list of scheduled upgrades
"""


class AvisiError(Exception):
    """Avisi Cloud did not do what was asked. `message` and `details` are the API's own words, if any."""

    def __init__(self, message: str, *, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def words(self) -> str:
        """Return message and details in one line."""
        return ". ".join(part.rstrip(". ") for part in (self.message, *self.details) if part)


class Declined(AvisiError):
    """A clear no. `status` is the HTTP status (400, 403, 404, 409, ...)."""

    def __init__(self, message: str, *, details: tuple[str, ...] = (), status: int = 400) -> None:
        super().__init__(message, details=details)
        self.status = status


class Waiting(AvisiError):
    """Nothing was done; the same call may go through later."""

    retry_after: float | None = None


class Unauthorised(Waiting):
    """The token is refused."""


class Overloaded(Waiting):
    """Too many requests; `retry_after` is in seconds, None when the API did not say."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotConnected(Waiting):
    """The connection was never made."""


class Unclear(AvisiError):
    """It may have been carried out or not. `retry_after` as for Overloaded, when a 5xx said it."""

    retry_after: float | None = None


class NoAnswer(Unclear):
    """No answer came: a time-out, or the connection dropped."""


class Broken(Unclear):
    """The API answered with an error of its own (5xx)."""


class Unreadable(Unclear):
    """The answer cannot be read."""


class NoList(AvisiError):
    """The cloud offers no list of scheduled upgrades, or not to this token (403, 404, 405 there)."""


def brief(error: AvisiError) -> str:  # noqa: PLR0911 - one for each error
    """Say in two or three words what went wrong: a status, or what there was instead of an answer."""
    match error:
        case Unauthorised():
            return "401"
        case Overloaded():
            return "429"
        case Declined(status=status):
            return str(status)
        case NoAnswer():
            return "no answer"
        case NotConnected():
            return "no connection"
        case Broken():
            return "error of Avisi Cloud"
        case _:
            return "unreadable answer"


class MembersUnavailable(Exception):
    """Slack could not be asked who somebody is, or who is in a group: decide nothing, try again."""


class LookUpRefused(MembersUnavailable):
    """Slack refuses to say it, and goes on until somebody changes something: `str()` says what, and who has to."""


class Stale(Exception):
    """Somebody else changed the row since it was read: read again."""


class Taken(Exception):
    """Another open request for the cluster exists."""


class Missing(Exception):
    """There is no such row."""


class UnreadableRow(Exception):
    """A row of inbox or outbox that this version cannot read, such as one of a newer version.

    `attempts` counts earlier tries; `member` is whose entry it is, if that is known.
    """

    def __init__(self, number: int, *, attempts: int, error: Exception, member: str = "") -> None:
        super().__init__(f"cannot be read: {error!r}")
        self.number = number
        self.attempts = attempts
        self.member = member


class UnreadableRequest(Exception):
    """A stored request that this version cannot read."""


class StoreAway(Exception):
    """What is stored cannot be reached now: try again later."""


class LeaseLost(Exception):
    """Another process took over: record nothing."""


class OlderPolicy(Exception):
    """Another process started with a newer policy than that of this one, so nothing was decided here."""
