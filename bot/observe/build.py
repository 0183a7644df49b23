"""The name and version of the installed program."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

DISTRIBUTION: Final = "schedule-upgrade-bot"


def version_of(distribution: str) -> str:
    """Return the version of a distribution, `unknown` when it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
