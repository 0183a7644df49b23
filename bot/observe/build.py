"""Which build this is."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

DISTRIBUTION: Final = "schedule-upgrade-bot"


def version_of(distribution: str) -> str:
    """Return the installed version of a distribution, `unknown` when it runs without being installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
