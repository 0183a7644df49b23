"""What a stranger installs: everything is pinned, described, and where the Dockerfile looks for it."""

import fnmatch
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.settings import Settings, read_settings

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
VARIABLES = {name.upper() for name in Settings.model_fields}


def needed() -> Iterator[Requirement]:
    """Yield everything that is installed for the bot and its tests, what it needs included."""
    waiting = [Requirement(text) for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"])]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        yield requirement
        if (asked := (canonicalize_name(requirement.name), frozenset(requirement.extras))) in seen:
            continue
        seen.add(asked)
        try:
            texts = requires(requirement.name) or []
        except PackageNotFoundError:  # needed on another platform only
            continue
        for found in map(Requirement, texts):
            extras = [{"extra": extra} for extra in requirement.extras] or [{"extra": ""}]
            if found.marker is None or any(found.marker.evaluate(extra) for extra in extras):
                waiting.append(found)


def test_every_constraint_is_an_exact_version_without_an_address() -> None:
    for constraint in CONSTRAINTS:
        assert re.fullmatch(r"==[^*,]+", str(constraint.specifier)), constraint
        assert constraint.url is None


def test_everything_that_is_installed_has_an_exact_version_that_fits() -> None:
    pinned = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in CONSTRAINTS}

    for requirement in needed():
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} has no exact version in constraints.txt"
        assert requirement.specifier.contains(pinned[name], prereleases=True), requirement


def test_nothing_is_pinned_that_nobody_needs() -> None:
    needs = {canonicalize_name(requirement.name) for requirement in needed()}

    assert [one.name for one in CONSTRAINTS if canonicalize_name(one.name) not in needs] == []


def test_the_env_example_names_every_setting_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert set(re.findall(r"^(?:# )?([A-Z_]+)=", text, re.MULTILINE)) == VARIABLES


def test_the_env_example_is_valid_as_it_stands_and_with_everything_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    full = tmp_path / "full"
    full.write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", text, flags=re.MULTILINE), encoding="utf-8")

    assert read_settings(ROOT / ".env.example").socket_mode
    assert read_settings(full).bot_port == 3000


def test_the_readme_describes_every_setting() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [name for name in sorted(VARIABLES) if f"`{name}`" not in text] == []


def test_the_dockerfile_copies_what_exists_and_is_not_ignored() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    let_in = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = [word for line in lines if line.startswith("COPY") and "--from" not in line for word in line.split()[1:-1]]

    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name, pattern) for pattern in let_in), name


def test_the_image_runs_the_bot_without_root_and_looks_after_itself() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert "USER 10001" in text
    assert "HEALTHCHECK" in text
    assert "/healthz" in text
    assert 'ENTRYPOINT ["upgrade-bot"]\nCMD ["run"]' in text


def test_the_gate_runs_the_readmes_own_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    (command,) = re.findall(r"^python3 -m venv .*pytest.*$", readme, re.MULTILINE)

    assert "-c constraints.txt" in command
