"""What many tests need: a SQLite file, a real PostgreSQL that is started once and shared by all workers, the log."""

import asyncio
import io
import logging
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog

from bot.observe.logs import set_up
from bot.store.storage import Storage
from tests import postgresql

IN_CI = os.environ.get("CI") == "true"  # noqa: TID251 - the only setting that tests have

T = TypeVar("T")


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Start PostgreSQL, or join the one that another worker of this run started; yields its socket's directory."""
    worker: dict[str, Any] = getattr(request.config, "workerinput", {})
    place = Path(tempfile.gettempdir()) / f"upgrade-bot-tests-{worker.get('testrunuid', str(os.getpid()))[:12]}"
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql.running(place))
        except ImportError as error:
            if IN_CI:
                raise
            pytest.skip(f"no PostgreSQL here: {error}")
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str, worker_id: str) -> str:
    """Make a database with all tables, from which each test's is copied; returns its name."""
    name = f"template_{worker_id}"

    async def prepare() -> None:
        await postgresql.administer(postgresql_server, f"CREATE DATABASE {name}")
        storage = Storage.open(postgresql.url(postgresql_server, name))
        await storage.migrate()
        await storage.close()

    _apart(prepare())
    return name


@pytest.fixture
def empty_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """Make a database without tables; yields its URL."""
    url = _apart(postgresql.make(postgresql_server))
    yield url
    _apart(postgresql.drop(postgresql_server, url))


@pytest.fixture
def postgresql_url(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    """Make a database with all tables; yields its URL."""
    url = _apart(postgresql.make(postgresql_server, template=postgresql_template))
    yield url
    _apart(postgresql.drop(postgresql_server, url))


@pytest.fixture
def stranger(postgresql_server: str) -> str:
    """Return the name of a PostgreSQL user who owns nothing."""
    return _apart(postgresql.make_stranger(postgresql_server))


@pytest.fixture
def pooler_folder() -> Iterator[Path]:
    """Make a folder for PgBouncer, with a name as short as a socket's has to be, where another user may write."""
    if not IN_CI and not postgresql.pgbouncer():
        pytest.skip("there is no pgbouncer (Debian: pgbouncer) to connect through")
    made = Path(tempfile.mkdtemp(prefix="pooled-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file with all tables, from which each test's is copied."""
    file = tmp_path_factory.mktemp("template") / "upgrade-bot.db"

    async def prepare() -> None:
        storage = Storage.open(f"sqlite+aiosqlite:///{file}")
        await storage.migrate()
        await storage.close()

    _apart(prepare())
    return file


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """Return the URL of a file with all tables."""
    file = tmp_path / "upgrade-bot.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Collect the log as JSON, with everything in it that there is."""
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("bot")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    set_up(form="json", level="debug", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.reset_defaults()


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a loop of its own: the test's may be running already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
