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
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, BUILD = PYPROJECT["project"], PYPROJECT["build-system"]["requires"]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PINNED = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in CONSTRAINTS}
VARIABLES = {name.upper() for name in Settings.model_fields}


def needed(*roots: str, **machine: str) -> Iterator[Requirement]:
    """Yield everything that is installed for the roots, what they need included."""
    waiting = [Requirement(text) for text in roots]
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
            if found.marker is None or any(found.marker.evaluate(machine | extra) for extra in extras):
                waiting.append(found)


def everything() -> Iterator[Requirement]:
    """Yield what is installed for the bot, its tests and its build."""
    return needed(*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"], *BUILD)


def hashed(name: str) -> dict[str, tuple[str, list[str]]]:
    """Return version and hashes of each package in one of the files that the image is built from."""
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(words[0].split("==")[0]): (words[0].split("==")[1], words[1:]) for words in lines}


def test_every_constraint_is_an_exact_version_without_an_address() -> None:
    for constraint in CONSTRAINTS:
        assert re.fullmatch(r"==[^*,]+", str(constraint.specifier)), constraint
        assert constraint.url is None


def test_everything_that_is_installed_has_an_exact_version_that_fits() -> None:
    for requirement in everything():
        name = canonicalize_name(requirement.name)
        assert name in PINNED, f"{name} has no exact version in constraints.txt"
        assert requirement.specifier.contains(PINNED[name], prereleases=True), requirement


def test_nothing_is_pinned_that_nobody_needs() -> None:
    needs = {canonicalize_name(requirement.name) for requirement in everything()}

    assert [one.name for one in CONSTRAINTS if canonicalize_name(one.name) not in needs] == []


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize(
    ("name", "roots"),
    [("requirements.txt", PROJECT["dependencies"]), ("requirements-build.txt", BUILD)],
    ids=["bot", "build"],
)
def test_the_image_is_built_from_the_pinned_versions_by_their_hashes(
    name: str, roots: list[str], python: str, machine: str
) -> None:
    """When this fails, the commands under Versions in CONTRIBUTING.md write the files anew."""
    wanted = {
        canonicalize_name(one.name): PINNED[canonicalize_name(one.name)]
        for one in needed(
            *roots, sys_platform="linux", platform_system="Linux", platform_machine=machine, python_version=python
        )
    }
    given = hashed(name)

    assert {package: version for package, (version, _) in given.items()} == wanted
    for package, (_, hashes) in given.items():
        assert hashes, package
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), package


def test_the_build_backend_is_an_exact_version() -> None:
    assert [f"hatchling=={PINNED[canonicalize_name('hatchling')]}"] == BUILD


def test_the_dockerfile_installs_nothing_without_a_hash() -> None:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    installs = re.findall(r"pip [^&\n]*install [^&\n]*", text)

    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index --no-deps" in one for one in installs)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


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
