"""What deploy/ holds: valid for its machine, safe by default, and in step with the program."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.observe import metrics
from bot.policy_file import load_policy
from bot.settings import RuleSettings, Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
MANIFESTS = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")
VARIABLES = {name.upper() for name in Settings.model_fields}


def read(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def known_metrics() -> set[str]:
    """Return every name that can be asked Prometheus for."""
    known: set[str] = set()
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        known |= {family.name, f"{family.name}_total", f"{family.name}_bucket", f"{family.name}_count"}
    return known


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_kubernetes_takes_every_manifest(path: Path) -> None:
    kubernetes_validate.validate(read(path), "1.37", strict=True)


def test_the_kustomization_names_files_that_exist_and_settings_that_are_known() -> None:
    kustomization = read(KUBERNETES / "kustomization.yaml")
    settings, policy = kustomization["configMapGenerator"]

    assert all((KUBERNETES / name).is_file() for name in kustomization["resources"])
    assert all((KUBERNETES / name).is_file() for name in policy["files"])
    assert {literal.split("=")[0] for literal in settings["literals"]} <= VARIABLES
    assert set(read(KUBERNETES / "secret.example.yaml")["stringData"]) <= VARIABLES


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


def test_with_postgresql_replicas_roll() -> None:
    kustomization = read(KUBERNETES / "postgresql" / "kustomization.yaml")
    deployment = next(
        found for patch in kustomization["patches"] if (found := yaml.safe_load(patch["patch"]))["kind"] == "Deployment"
    )

    assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"
    assert deployment["spec"]["replicas"] > 1


def test_the_compose_file_waits_for_its_database_and_gives_known_settings() -> None:
    services = read(DEPLOY / "compose.yaml")["services"]

    assert services["bot"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert set(services["bot"]["environment"]) <= VARIABLES
    assert (DEPLOY / services["bot"]["build"] / "Dockerfile").is_file()


def test_alerts_and_dashboard_ask_only_for_metrics_that_exist() -> None:
    alerts = (DEPLOY / "monitoring" / "alerts.yaml").read_text(encoding="utf-8")
    dashboard = (DEPLOY / "monitoring" / "dashboard.json").read_text(encoding="utf-8")

    asked = set(re.findall(r"upgrade_bot_[a-z_]+", alerts + dashboard))

    assert asked
    assert asked - known_metrics() == set()


def test_every_alert_is_explained_to_whoever_it_wakes() -> None:
    operating = (DEPLOY.parent / "docs" / "operating.md").read_text(encoding="utf-8")
    rules = read(DEPLOY / "monitoring" / "alerts.yaml")["groups"][0]["rules"]

    for rule in rules:
        assert f"`{rule['alert']}`" in operating, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_dashboard_is_one_document_with_a_target_in_every_panel() -> None:
    dashboard = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))

    assert all(panel["targets"] for panel in dashboard["panels"])
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
