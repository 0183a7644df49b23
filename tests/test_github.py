"""What .github/ holds: workflows that a fork can run at once, of pinned actions, and forms that ask for what helps."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def read(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_beside_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))

    assert used
    assert [one for one in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v[0-9.]+|\./\S+ # zizmor: .*", one)] == []
    pins = re.findall(r"([\w-]+/[\w-]+)\S*@(\w+)", "\n".join(used))
    assert len(set(pins)) == len({action for action, _ in pins}), "one action has one version"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_take_nothing_that_a_fork_lacks_and_no_right_that_they_need_not(path: Path) -> None:
    text, workflow = path.read_text(encoding="utf-8"), read(path)

    assert set(re.findall(r"secrets\.(\w+)", text)) <= {"GITHUB_TOKEN"}
    assert set(re.findall(r"ghcr\.io/(\S+)", text.partition("jobs:")[2])) <= {
        "${{", "${{ github.repository_owner }}/schedule-upgrade-bot"
    }  # fmt: skip
    assert workflow["permissions"] in ({}, {"contents": "read"})
    assert all("timeout-minutes" in job or "uses" in job for job in workflow["jobs"].values())


def test_a_called_workflow_waits_for_nothing_that_its_caller_holds() -> None:
    """Two of one concurrency group wait for each other when one calls the other."""
    groups = [read(path)["concurrency"]["group"] for path in WORKFLOWS]

    assert all("github.workflow" not in group for group in groups)
    assert len(set(groups)) == len(groups)


def test_the_gate_runs_on_every_python_that_is_supported() -> None:
    job = read(GITHUB / "workflows" / "test.yml")["jobs"]["gate"]

    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert f'requires-python = ">={job["strategy"]["matrix"]["python"][0]}"' in PYPROJECT
    assert job["steps"][-1] == {"run": ".ci/run", "env": {"PYTHON": "python"}}


def test_a_release_is_tested_and_comes_with_its_contents_and_origin() -> None:
    job = read(GITHUB / "workflows" / "release.yml")["jobs"]["image"]
    build = job["steps"][-1]["with"]

    assert job["needs"] == "test"
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert (build["sbom"], build["provenance"], build["push"]) == (True, "mode=max", True)
    assert build["build-args"].startswith("PYTHON_IMAGE=")


def test_the_audit_reads_the_files_that_the_image_is_built_from() -> None:
    runs = [step.get("run", "") for step in read(GITHUB / "workflows" / "security.yml")["jobs"]["packages"]["steps"]]
    (audit,) = (run for run in runs if "pip-audit" in run)

    assert "--require-hashes" in audit
    named = re.findall(r"-r (\S+)", audit)
    assert named == ["deploy/requirements.txt", "deploy/requirements-build.txt"]
    assert all((ROOT / name).is_file() for name in named)


def test_the_lint_of_workflows_has_one_version_here_and_there() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = (GITHUB / "workflows" / "security.yml").read_text(encoding="utf-8")

    assert re.findall(r"zizmor==\S+", gate) == re.findall(r"zizmor==\S+", workflow) != []


def test_a_report_of_a_bug_comes_with_what_doctor_says() -> None:
    fields = {one["id"]: one for one in read(GITHUB / "ISSUE_TEMPLATE" / "bug.yml")["body"] if "id" in one}

    assert "doctor --json" in fields["doctor"]["attributes"]["label"]
    assert fields["doctor"]["validations"]["required"] is True


def test_the_security_policy_names_the_version_that_is_supported() -> None:
    (minor,) = re.findall(r'^version = "(\d+\.\d+)\.', PYPROJECT, re.MULTILINE)

    assert f"(now {minor})" in (GITHUB / "SECURITY.md").read_text(encoding="utf-8")
