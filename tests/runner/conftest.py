"""Log lines of the runner are caught, so that tests can read them and nothing is printed."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """Collect what is logged."""
    with capture_logs() as lines:
        yield lines
