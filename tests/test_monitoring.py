"""Alerts and dashboard: Prometheus takes them, they ask for what exists, and they ring when they should."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.observe import metrics
from tests.conftest import IN_CI

ROOT = Path(__file__).parents[1]
ALERTS = ROOT / "deploy" / "monitoring" / "alerts.yaml"
DASHBOARD = json.loads((ROOT / "deploy" / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
ASKED = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.fixture
def promtool() -> str:
    """Prometheus' own checker; without it the tests are skipped, except in CI."""
    path = shutil.which("promtool")
    if path is None:
        reason = "there is no promtool (Debian: prometheus) to check the rules with"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def accepted(promtool: str, *words: str, within: Path) -> None:
    """Run promtool and hold it to its exit code."""
    done = subprocess.run([promtool, *words], cwd=within, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr


def known_metrics() -> set[str]:
    """Return every name that can be asked Prometheus for."""
    known: set[str] = set()
    for family in text_string_to_metric_families(generate_latest(metrics.REGISTRY).decode()):
        known |= {family.name, f"{family.name}_total", f"{family.name}_bucket", f"{family.name}_count"}
    return known


def test_prometheus_takes_every_rule_and_every_question_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    asked = [{"record": f"panel_{number}", "expr": expr} for number, expr in enumerate(ASKED)]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": asked}]}))

    accepted(promtool, "check", "rules", str(ALERTS), "panels.yaml", within=tmp_path)


def test_alerts_ring_when_they_should_and_keep_still_otherwise(promtool: str, tmp_path: Path) -> None:
    shutil.copy(ALERTS, tmp_path)
    shutil.copy(Path(__file__).with_name("alerts.yaml"), tmp_path / "tests.yaml")

    accepted(promtool, "test", "rules", "tests.yaml", within=tmp_path)


def test_the_metrics_follow_prometheus_conventions(promtool: str) -> None:
    page = generate_latest(metrics.REGISTRY).decode()
    checked = subprocess.run([promtool, "check", "metrics"], input=page, check=False, capture_output=True, text=True)  # noqa: S603 - ours

    assert [line for line in checked.stderr.splitlines() if line.startswith("upgrade_bot_")] == []


def test_alerts_and_dashboard_ask_only_for_metrics_that_exist() -> None:
    asked = set(re.findall(r"upgrade_bot_[a-z_]+", " ".join([*ASKED, *(rule["expr"] for rule in RULES)])))

    assert asked
    assert asked - known_metrics() == set()


def test_every_alert_is_explained_to_whoever_it_wakes_and_tested() -> None:
    operating = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    tested = Path(__file__).with_name("alerts.yaml").read_text(encoding="utf-8")

    for rule in RULES:
        assert f"`{rule['alert']}`" in operating, rule["alert"]
        assert f'alertname="{rule["alert"]}"' in tested, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_panel_of_the_dashboard_has_a_target_and_a_number_of_its_own() -> None:
    assert all(panel["targets"] for panel in DASHBOARD["panels"])
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
