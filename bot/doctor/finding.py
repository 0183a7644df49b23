"""What one check found, and how it reads."""

from dataclasses import dataclass
from enum import StrEnum

from bot.observe.redaction import redact


class State(StrEnum):
    """The result. Only WRONG keeps the bot from working; UNKNOWN means that the check was not possible."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`about` names the variable or the place in the policy file, `text` says what was found, `fix` what to do."""

    about: str
    state: State
    text: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding as a JSON object. The key `mend` is the one that readers of 0.1.0 know."""
        return {"about": self.about, "state": self.state, "finding": redact(self.text), "mend": redact(self.fix)}


def ok(about: str, text: str) -> Finding:
    """Say that something is right."""
    return Finding(about=about, state=State.OK, text=text)


def warning(about: str, text: str, fix: str) -> Finding:
    """Say that something works, but perhaps not as intended."""
    return Finding(about=about, state=State.WARNING, text=text, fix=fix)


def wrong(about: str, text: str, fix: str) -> Finding:
    """Say that something keeps the bot from working."""
    return Finding(about=about, state=State.WRONG, text=text, fix=fix)


def unknown(about: str, text: str, fix: str = "Fix the problems above, then run doctor again.") -> Finding:
    """Say that something could not be checked."""
    return Finding(about=about, state=State.UNKNOWN, text=text, fix=fix)


def count(number: int, one: str) -> str:
    """Return `1 approval`, `2 approvals`, `no approvals`."""
    return f"{number or 'no'} {one}{'' if number == 1 else 's'}"
