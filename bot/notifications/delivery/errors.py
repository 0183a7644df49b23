"""What can go wrong when something is sent to Slack, sorted by what the sender does next.

MessengerError
├── DestinationGone   the channel is gone or closed to us: report it, try again every minute or so
├── MessageGone       the message to change or to reply to is gone: post it again
├── BadPayload        our fault: plain words once, then give it up
├── TooLate           the private answer's address is used up: send a direct message
├── Revoked           our token or a scope is missing: an operator has to act; keep trying slowly
├── Throttled         too many; `retry_after` in seconds
├── Transient         nothing was posted: the same again later
└── OutcomeUnknown    it may have been posted: posting again may repeat it
"""


class MessengerError(Exception):
    """Slack did not do what was asked. `code` is Slack's word for it, or ours; never a secret."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DestinationGone(MessengerError):
    """The channel is archived, unknown, or closed to us."""


class MessageGone(MessengerError):
    """The message is deleted, or may no longer be changed."""


class BadPayload(MessengerError):
    """Slack refuses what we drew. `details` are Slack's own sentences."""

    def __init__(self, code: str, *, details: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.details = details


class TooLate(MessengerError):
    """A response URL that is older than 30 minutes or was used 5 times."""


class Revoked(MessengerError):
    """Slack refuses our token, or the app lacks a scope."""


class Throttled(MessengerError):
    """Too many calls; nothing was posted. `retry_after` is in seconds."""

    def __init__(self, code: str = "ratelimited", *, retry_after: float) -> None:
        super().__init__(code)
        self.retry_after = retry_after


class Transient(MessengerError):
    """Nothing was posted: Slack could not be reached, or says that it cannot now."""


class OutcomeUnknown(MessengerError):
    """No answer, an error of Slack's own (5xx, internal_error, fatal_error): it may have been posted."""
