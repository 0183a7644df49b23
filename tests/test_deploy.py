"""What deploy/ holds: valid for its machine, safe by default, and in step with the program."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.policy.file import load_policy
from bot.settings import RuleSettings, Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
POSTGRESQL = DEPLOY / "kubernetes-postgresql"
MANIFESTS = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")
VARIABLES = {name.upper() for name in Settings.model_fields}


def read(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_kubernetes_takes_every_manifest(path: Path) -> None:
    kubernetes_validate.validate(read(path), "1.37", strict=True)


def test_the_kustomization_names_files_that_exist_and_settings_that_are_known() -> None:
    kustomization = read(KUBERNETES / "kustomization.yaml")
    settings, policy = kustomization["configMapGenerator"]

    assert all((KUBERNETES / name).is_file() for name in policy["files"])
    assert {literal.split("=")[0] for literal in settings["literals"]} <= VARIABLES
    assert set(read(KUBERNETES / "secret.example.yaml")["stringData"]) <= VARIABLES


def test_the_page_shows_the_secrets_as_the_file_that_its_command_reads() -> None:
    """`kubectl create secret --from-env-file` reads NAME=value, not YAML; both forms hold the same."""
    page = (DEPLOY.parent / "docs" / "operating.md").read_text(encoding="utf-8")

    (shown,) = re.findall(r"```sh\n((?:[A-Z_]+=.*\n)+)```", page)

    example = read(KUBERNETES / "secret.example.yaml")
    assert dict(line.split("=", 1) for line in shown.splitlines()) == example["stringData"]


def test_the_policy_that_is_deployed_is_valid() -> None:
    assert load_policy(KUBERNETES / "policy.toml", RuleSettings()).rule("acme", "production").required_approvals == 2


def test_the_deployment_is_locked_down_and_looked_after() -> None:
    spec = read(KUBERNETES / "deployment.yaml")["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]

    assert spec["strategy"]["type"] == "Recreate"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["terminationGracePeriodSeconds"] > 10


def test_with_postgresql_replicas_roll_and_share_no_disk() -> None:
    removal, changes = read(POSTGRESQL / "kustomization.yaml")["patches"]
    operations = {one["path"]: one["value"] for one in yaml.safe_load(changes["patch"])}

    assert yaml.safe_load(removal["patch"]) | {"$patch": "delete"} == {
        "$patch": "delete",
        **{key: value for key, value in read(KUBERNETES / "storage.yaml").items() if key != "spec"},
    }
    assert operations["/spec/replicas"] > 1
    assert operations["/spec/strategy"]["type"] == "RollingUpdate"
    assert operations["/spec/template/spec/volumes/0"] == {"name": "data", "emptyDir": {}}


@pytest.mark.parametrize("folder", [KUBERNETES, POSTGRESQL], ids=lambda folder: folder.name)
def test_kustomize_finds_everything_and_no_overlay_lies_within_its_base(folder: Path) -> None:
    """Kustomize calls a base that holds its own overlay a cycle."""
    for name in read(folder / "kustomization.yaml")["resources"]:
        resource = (folder / name).resolve()
        assert resource.is_file() or (resource / "kustomization.yaml").is_file(), name
        assert resource not in folder.resolve().parents


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl to build it with")
@pytest.mark.parametrize(
    ("folder", "kind", "volume"),
    [(KUBERNETES, "Recreate", "persistentVolumeClaim"), (POSTGRESQL, "RollingUpdate", "emptyDir")],
    ids=["sqlite", "postgresql"],
)
def test_kubernetes_takes_what_kustomize_builds(folder: Path, kind: str, volume: str) -> None:
    built = subprocess.run(["kubectl", "kustomize", str(folder)], check=True, capture_output=True, text=True)  # noqa: S603, S607 - ours

    documents = list(yaml.safe_load_all(built.stdout))
    for document in documents:
        kubernetes_validate.validate(document, "1.37", strict=True)
    spec = next(one["spec"] for one in documents if one["kind"] == "Deployment")
    assert spec["strategy"]["type"] == kind
    assert spec["template"]["spec"]["volumes"][0].keys() == {"name", volume}


def test_the_compose_file_waits_for_its_database_and_gives_known_settings() -> None:
    services = read(DEPLOY / "compose.yaml")["services"]

    assert services["bot"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert set(services["bot"]["environment"]) <= VARIABLES
    assert (DEPLOY / services["bot"]["build"] / "Dockerfile").is_file()
