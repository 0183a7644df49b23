"""The dependency rule of the package, executed: imports point inwards, and each I/O library has one home.

edges (slack, runner, avisi, store) -> notifications -> workflow -> domain; app.py sees everything.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "bot"
FILES = sorted(ROOT.rglob("*.py"))

INNER = {"domain", "workflow"}
INWARDS: dict[str, set[str]] = {
    "domain": set(),
    "workflow": {"domain"},
    "notifications": INNER,
    "slack": {*INNER, "notifications", "observe", "proxies"},
    "runner": {*INNER, "observe"},
    "avisi": {*INNER, "proxies", "observe"},
    "store": {*INNER, "observe", "database_url"},
    "feeds": INNER,
    "observe": set(),
    "sandbox": {"app", "settings", "policy", "manifest", "observe", "domain"},
    "doctor": {
        *INNER, "notifications", "app", "settings", "shapes", "policy", "manifest", "slack", "avisi", "store",
        "observe", "kubernetes_facts",
    },
    "__main__": {"cli"},
    "cli": {
        "app", "settings", "policy", "audit_output", "manifest", "doctor",
        "sandbox", "slack", "store", "observe",
    },
    "app": {
        *INNER, "slack", "runner", "avisi", "store", "observe", "feeds", "server", "settings",
        "gauges", "readyz", "wiring",
    },
    "gauges": {"server", "domain", "observe", "store"},
    "readyz": {*INNER, "runner", "server", "slack", "store"},
    "wiring": {"kubernetes_facts", *INNER, "notifications", "observe"},
    "server": {"connections", "manifest"},
    "connections": {"observe"},
    "settings": {"shapes", "observe", "database_url", "proxies"},
    "shapes": {"domain", "observe", "database_url"},
    "database_url": set(),
    "proxies": set(),
    "manifest": {"shapes"},
    "kubernetes_facts": {"domain"},
    "policy": {"domain", "settings", "shapes", "observe"},
    "audit_output": {"feeds", "store", "observe"},
}  # fmt: skip
"""For each folder, and each file beside the folders, which other parts of bot it may import."""

OUTSIDE: dict[str, set[str]] = {
    "domain": set(),
    "workflow": set(),
    "notifications": set(),
    "slack": {"slack_bolt", "slack_sdk", "aiohttp", "dateparser", "rapidfuzz", "structlog"},
    "runner": {"apscheduler", "structlog"},
    "avisi": {"httpx", "pydantic", "stamina"},
    "store": {"sqlalchemy", "alembic", "pydantic", "aiosqlite", "asyncpg", "structlog"},
    "feeds": {"aiohttp", "icalendar"},
    "observe": {"structlog", "prometheus_client"},
    "sandbox": {"aiohttp", "pydantic", "rich"},
    "doctor": {"slack_sdk"},
    "__main__": set(),
    "cli": {"typer"},
    "app": {"slack_sdk", "slack_bolt", "structlog"},
    "gauges": {"structlog"},
    "readyz": set(),
    "wiring": set(),
    "server": {"aiohttp", "prometheus_client"},
    "connections": {"structlog"},
    "settings": {"pydantic", "pydantic_core", "pydantic_settings", "dotenv"},
    "shapes": {"pydantic"},
    "database_url": set(),
    "proxies": set(),
    "manifest": set(),
    "kubernetes_facts": set(),
    "policy": {"pydantic", "pydantic_core"},
    "audit_output": {"rich"},
}
"""For each of them, which distributions it may import beside the standard library."""

AWAY_FROM_HOME = {"app", "server", "sandbox", "doctor"}
"""Parts that put things together, so they may touch libraries that have their home elsewhere."""


def place(path: Path) -> str:
    """Return the folder, or the file beside the folders, that a file belongs to."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=None):
                yield "."
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield from (f"{module}.{name.name}" for name in names) if module == "bot" else (module,)
            case ast.ImportFrom():
                yield "."


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inwards(path: Path) -> None:
    """A file imports its own folder, what lies further inwards, and the libraries that have their home there."""
    if path == ROOT / "__init__.py":
        assert not path.read_text(encoding="utf-8")
        return
    here = place(path)
    assert here in INWARDS, f"{here} has no rule yet: say what it may import"
    for name in imported(path):
        package, *rest = name.split(".")
        assert package, "no relative imports"
        if package == "bot":
            assert rest, "say which part of bot is imported"
            assert rest[0] == here or rest[0] in INWARDS[here], f"{here} may not import {name}"
        elif package not in sys.stdlib_module_names:
            assert package in OUTSIDE[here], f"{here} may not import {name}"


def test_every_rule_speaks_of_something_that_exists() -> None:
    """A rule that outlived its folder would let a new one slip in under it."""
    places = {place(path) for path in FILES} - {"__init__"}

    assert set(INWARDS) == set(OUTSIDE) == places


def test_no_part_may_import_what_it_does_not_need() -> None:
    """A right that nobody uses lets an import in that nobody decided on."""
    used: dict[str, set[str]] = {here: set() for here in INWARDS}
    for path in FILES:
        for name in imported(path):
            package, *rest = name.split(".")
            used.setdefault(place(path), set()).add(rest[0] if package == "bot" else package)

    unused = {here: (INWARDS[here] | OUTSIDE[here]) - used[here] for here in INWARDS}

    assert {here: rights for here, rights in unused.items() if rights} == {}


@pytest.mark.parametrize("library", ["httpx", "sqlalchemy", "alembic", "apscheduler", "slack_bolt", "structlog"])
def test_no_inner_part_knows_a_library(library: str) -> None:
    assert all(library not in OUTSIDE[inner] for inner in ("domain", "workflow", "notifications"))


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("httpx", "avisi"),
        ("sqlalchemy", "store"),
        ("alembic", "store"),
        ("apscheduler", "runner"),
        ("slack_bolt", "slack"),
        ("slack_sdk", "slack"),
        ("prometheus_client", "observe"),
        ("typer", "cli"),
    ],
)
def test_each_io_library_has_one_home(library: str, home: str) -> None:
    assert {here for here, allowed in OUTSIDE.items() if library in allowed} - AWAY_FROM_HOME == {home}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("__init__.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_package_files_stay_empty(path: Path) -> None:
    assert not path.read_text(encoding="utf-8")


def test_requests_are_saved_in_one_place() -> None:
    """Nothing else can change a request without an audit event, or without telling anybody."""
    found = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"save", "add"}
        and ast.unparse(node.value).rpartition(".")[2] in {"requests", "rollouts", "freezes"}
    }

    assert found == {"workflow/transitions.py"}
