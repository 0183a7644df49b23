"""Puts into a database what version 0.1.0 had written to it, with the tables of its own migration.

`written_by_0_1_0.json` is data and nothing else, so that it outlives every name in the code. It was made by running
0.1.0 against the simulators: requests were brought into every state by people in Slack and by answers of the cloud;
then the worker was stopped, while presses, forms and polls went on being stored; what no story leads to was put there
through the storage of 0.1.0 (every kind of message with every event, a digest that was begun, tries that failed, a
letter given up, the lease of a dead process). `tables` are its rows, `slack` and `cloud` what the simulators held, as
`sandbox --data` keeps it. Of what had ended in inbox and outbox, and of Slack's messages, only some were kept.
"""

import json
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import time
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, DateTime, Float, LargeBinary, MetaData, Table, func, insert, select

import bot.store.migrating
from bot.store.storage import Storage

POLICY = """
[environments.production]
channel = "C0PROD"
required_approvals = 2
on_call = ["S0ONCALL"]
"""
"""What 0.1.0 ran with, beside the settings of the harness."""
_FILE = Path(__file__).parent / "written_by_0_1_0.json"
_MIGRATIONS = Path(bot.store.migrating.__file__).parent / "migrations"
_SLACK = "SLACK_ADDRESS"
"""Replaces the port in the file where the simulated Slack listened, which is another port each time."""


@dataclass(frozen=True, slots=True)
class Written:
    """The rows of every table as JSON, and what the simulators held."""

    tables: dict[str, list[dict[str, Any]]]
    slack: dict[str, Any]
    cloud: dict[str, Any]
    written_at: float = field(repr=False)

    def undone(self, box: str) -> dict[str, list[dict[str, Any]]]:
        """Return what waits in inbox or outbox, by queue, in stored order."""
        queues: dict[str, list[dict[str, Any]]] = {}
        for row in sorted(self.tables[box], key=lambda row: int(row["number"])):
            if row["ended_at"] is None:
                queues.setdefault(row["queue"], []).append(row)
        return queues


def written(*, slack_url: str = "http://127.0.0.1:1") -> Written:
    """Read the file; addresses in it are those of this Slack."""
    return Written(**json.loads(_text().replace(_SLACK, slack_url)))


async def write(url: str, content: Written) -> None:
    """Make the tables as 0.1.0 made them, and fill them."""
    storage = Storage.open(url)
    async with storage.engines.write.connect() as connection:
        await connection.run_sync(_first_tables)
        await connection.run_sync(_fill, content)
        await connection.commit()
    await storage.close()


@cache
def _text() -> str:
    return _FILE.read_text(encoding="utf-8")


def _first_tables(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


def _fill(connection: Connection, content: Written) -> None:
    tables = MetaData()
    tables.reflect(connection)
    later = time() - content.written_at
    for name, rows in content.tables.items():
        table = tables.tables[name]
        stored = [{column: _value(table, column, value, later=later) for column, value in row.items()} for row in rows]
        connection.execute(insert(table), stored)
        if connection.dialect.name == "postgresql" and table.autoincrement_column is not None:
            number = table.autoincrement_column
            sequence = func.pg_get_serial_sequence(name, number.name)
            connection.execute(select(func.setval(sequence, select(func.max(number)).scalar_subquery())))


def _value(table: Table, column: str, value: Any, *, later: float) -> Any:  # noqa: ANN401 - whatever a column holds
    """Return what the column takes; what goes by the database's clock is as long ago as it was then."""
    kind = table.columns[column].type
    match value:
        case None:
            return None
        case str() if isinstance(kind, DateTime):
            moment = datetime.fromisoformat(value).astimezone(UTC)
            return moment if kind.timezone else moment.replace(tzinfo=None)
        case str() if isinstance(kind, LargeBinary):
            return zlib.compress(value.encode(), level=1)
        case float() if isinstance(kind, Float):
            return value + later if value > 0 else value
    return value
