"""What deploy/ holds: valid for its machine, safe by default, and in step with the program."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import jsonschema
import kubernetes_validate
import pytest
import yaml

from bot.policy.file import load_policy
from bot.settings import RuleSettings, Settings
from tests.conftest import IN_CI

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
POLICY = CHART / "examples" / "policy.toml"
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
SECRETS = DEPLOY / "secrets.env.example"
OPERATING = ROOT / "docs" / "operating.md"
VARIABLES = {name.upper() for name in Settings.model_fields}
SECRET_VARIABLES = {
    name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
}
NEEDED = ("image.repository=ghcr.io/acme/schedule-upgrade-bot", "settings.ACLOUD_ORGANISATION=acme")

Documents = list[dict[str, Any]]
Render = Callable[..., Documents]


def read(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def lines_of(env_file: Path) -> dict[str, str]:
    """Return what `kubectl create secret --from-env-file` makes of a file."""
    lines = env_file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def commented(env_file: Path) -> set[str]:
    return set(re.findall(r"^# ([A-Z_]+)=", env_file.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def helm() -> str:
    """Helm, from the wheel of the development dependencies or the machine's own; CI never does without."""
    path = shutil.which("helm", path=sysconfig.get_path("scripts")) or shutil.which("helm")
    if path is None:
        reason = "there is no helm to render the chart with"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def run(helm: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *words], check=False, capture_output=True, text=True)  # noqa: S603 - ours


@pytest.fixture(scope="module")
def render(helm: str) -> Render:
    """Render the chart with files of values and with single ones."""

    def rendered(*files: Path, values: tuple[str, ...] = (), policy: Path | None = None) -> Documents:
        words = ["template", "upgrade-bot", str(CHART), "--namespace", "upgrade-bot"]
        words += [word for file in files for word in ("--values", str(file))]
        words += [word for value in values for word in ("--set", value)]
        words += ["--set-file", f"policy={policy}"] if policy else []
        done = run(helm, *words)
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return rendered


def only(documents: Documents, kind: str) -> Any:  # noqa: ANN401 - YAML
    (found,) = (one for one in documents if one["kind"] == kind)
    return found


def settings_of(documents: Documents) -> Any:  # noqa: ANN401 - YAML
    return next(
        one["data"] for one in documents if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "upgrade-bot"
    )


def pod_of(documents: Documents) -> Any:  # noqa: ANN401 - YAML
    return only(documents, "Deployment")["spec"]["template"]["spec"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_kubernetes_takes_every_document_of_every_example(render: Render, example: Path) -> None:
    documents = render(example, policy=POLICY)

    for document in documents:
        if document["apiVersion"] != "monitoring.coreos.com/v1":  # the operator's own kind
            for version in ("1.30", "1.37"):
                kubernetes_validate.validate(document, version, strict=True)
    names = [(one["kind"], one["metadata"]["name"]) for one in documents]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_helm_finds_nothing_wrong_with_the_chart(helm: str, example: Path) -> None:
    done = run(helm, "lint", "--strict", str(CHART), "--values", str(example), "--set-file", f"policy={POLICY}")

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_gives_known_settings_and_no_secret(render: Render, example: Path) -> None:
    given = set(settings_of(render(example, policy=POLICY)))

    assert {name for name in given if name.startswith(("BOT_", "SLACK_", "ACLOUD_"))} <= VARIABLES
    assert given & SECRET_VARIABLES == set()
    assert "ACLOUD_ORGANISATION" in given


def test_the_chart_names_only_settings_that_exist() -> None:
    files = [path for path in CHART.rglob("*") if path.is_file()]
    named = {
        name
        for path in [*files, SECRETS]
        for name in re.findall(r"\b(?:BOT|SLACK|ACLOUD)_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }

    assert "BOT_DATABASE_URL" in named
    assert named - VARIABLES == set()


def test_every_example_shows_values_that_exist_and_one_of_them_shows_all_that_a_schema_knows() -> None:
    known = set(SCHEMA["properties"]) - {"global"}

    assert set(read(CHART / "values.yaml")) == known
    shown = set().union(*(read(example) for example in EXAMPLES))
    assert known - shown == {"policy", "podDisruptionBudget"}


def test_secrets_are_refused_among_the_settings_and_everything_else_is_taken() -> None:
    validator = jsonschema.Draft7Validator(SCHEMA["properties"]["settings"])
    given = {name: {"ACLOUD_ORGANISATION": "acme", name: "x"} for name in (*VARIABLES, "HTTPS_PROXY", "SSL_CERT_FILE")}

    refused = {name for name, settings in given.items() if not validator.is_valid(settings)}

    assert refused == SECRET_VARIABLES | {"BOT_PORT", "BOT_POLICY_FILE", "SSL_CERT_FILE"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("image.repository=",), "image.repository"),
        (("settings.ACLOUD_ORGANISATION=",), "ACLOUD_ORGANISATION"),
        (("database.kind=mysql",), "database.kind"),
        (("ingress.enabled=true",), "ingress.host"),
        (("metrics.discovery=magic",), "metrics.discovery"),
        (("replica=3",), "replica"),
        (("networkPolicy.monitoringNamspace=x",), "monitoringNamspace"),
        (("image.digest=latest",), "image.digest"),
        (("settings.SLACK_BOT_TOKEN=xoxb-1",), "SLACK_BOT_TOKEN"),
        (("secretFiles={BOT_CHANNEL}",), "secretFiles"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(helm: str, values: tuple[str, ...], said: str) -> None:
    words = [word for value in (*NEEDED, *values) for word in ("--set", value)]

    done = run(helm, "template", "upgrade-bot", str(CHART), *words)

    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_deployment_is_locked_down_and_looked_after(render: Render, example: Path) -> None:
    pod = pod_of(render(example))
    (container,) = pod["containers"]

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["terminationGracePeriodSeconds"] > 10
    for one in (container, *pod.get("initContainers", ())):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert one["resources"]["limits"]["memory"]
    assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert only(render(example), "ServiceAccount")["automountServiceAccountToken"] is False


def test_with_sqlite_one_replica_is_replaced_and_its_volume_outlives_the_release(render: Render) -> None:
    documents = render(values=(*NEEDED, "replicas=3"))
    spec, claim = only(documents, "Deployment")["spec"], only(documents, "PersistentVolumeClaim")

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert pod_of(documents)["volumes"][0] == {
        "name": "data",
        "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]},
    }


def test_an_existing_volume_is_used_in_place_of_a_new_one(render: Render) -> None:
    documents = render(values=(*NEEDED, "database.sqlite.existingClaim=upgrade-bot-old"))

    assert [one for one in documents if one["kind"] == "PersistentVolumeClaim"] == []
    assert pod_of(documents)["volumes"][0]["persistentVolumeClaim"] == {"claimName": "upgrade-bot-old"}


def test_with_postgresql_replicas_roll_share_no_disk_and_cannot_start_without_its_url(render: Render) -> None:
    """A Secret that lacks the URL would else leave each replica with a SQLite file of its own."""
    documents = render(CHART / "examples" / "http-postgresql.yaml")
    spec, pod = only(documents, "Deployment")["spec"], pod_of(documents)

    assert spec["replicas"] > 1
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert pod["volumes"][0] == {"name": "data", "emptyDir": {}}
    assert [one for one in documents if one["kind"] == "PersistentVolumeClaim"] == []
    assert pod["containers"][0]["env"] == [
        {
            "name": "BOT_DATABASE_URL",
            "valueFrom": {"secretKeyRef": {"name": "upgrade-bot", "key": "BOT_DATABASE_URL"}},
        }
    ]


def test_secrets_given_as_files_are_in_no_variable_and_where_their_variables_say(render: Render) -> None:
    """`everything.yaml` lists them, the database's URL among them."""
    example = CHART / "examples" / "everything.yaml"
    pod = pod_of(render(example))
    (container,) = pod["containers"]
    (volume,) = (one["secret"] for one in pod["volumes"] if one["name"] == "secrets")
    (mount,) = (one for one in container["volumeMounts"] if one["name"] == "secrets")

    assert all("secretRef" not in one for one in container["envFrom"])
    given = {one["name"]: one["value"] for one in container["env"]}
    listed = read(example)["secretFiles"]
    assert given == {f"{name}_FILE": f"{mount['mountPath']}/{name}" for name in listed}
    assert volume["items"] == [{"key": name, "path": name} for name in listed]
    assert volume["secretName"] == "upgrade-bot-tokens"
    assert volume["defaultMode"] == 0o440
    assert mount["readOnly"]


def test_with_postgresql_the_url_is_named_by_itself_unless_it_is_a_file(render: Render) -> None:
    values = (*NEEDED, "database.kind=postgresql", "secretFiles={SLACK_BOT_TOKEN,ACLOUD_PERSONAL_ACCESS_TOKEN}")
    (container,) = pod_of(render(values=values))["containers"]

    assert [one["name"] for one in container["env"]] == [
        "BOT_DATABASE_URL",
        "SLACK_BOT_TOKEN_FILE",
        "ACLOUD_PERSONAL_ACCESS_TOKEN_FILE",
    ]


def test_the_chart_makes_files_of_exactly_the_secrets() -> None:
    assert set(SCHEMA["properties"]["secretFiles"]["items"]["enum"]) == SECRET_VARIABLES


def test_the_ingress_routes_two_paths_and_nothing_else(render: Render) -> None:
    spec = only(render(CHART / "examples" / "http-postgresql.yaml"), "Ingress")["spec"]

    (rule,) = spec["rules"]
    assert [(one["path"], one["pathType"]) for one in rule["http"]["paths"]] == [
        ("/slack/events", "Exact"),
        ("/calendar.ics", "Exact"),
    ]
    assert spec["tls"] == [{"hosts": [rule["host"]], "secretName": "upgrade-bot-tls"}]


def namespaces(policy: dict[str, Any]) -> list[str]:
    return [
        source["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in policy["spec"]["ingress"]
        for source in rule["from"]
        if "namespaceSelector" in source
    ]


@pytest.mark.parametrize(
    ("values", "let_in"),
    [
        ((), ["monitoring"]),
        (("ingress.enabled=true", "ingress.host=bot.example.com"), ["monitoring", "ingress-nginx"]),
        (("metrics.discovery=none",), []),
    ],
)
def test_only_prometheus_and_the_ingress_controller_reach_the_port(
    render: Render, values: tuple[str, ...], let_in: list[str]
) -> None:
    policy = only(render(values=(*NEEDED, *values)), "NetworkPolicy")

    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert namespaces(policy) == let_in
    assert all(rule["from"] and rule["ports"] == [{"port": "http"}] for rule in policy["spec"]["ingress"])


@pytest.mark.parametrize(
    ("discovery", "annotated", "monitors"), [("annotations", True, 0), ("podMonitor", False, 1), ("none", False, 0)]
)
def test_prometheus_finds_the_pods_in_one_way(render: Render, discovery: str, annotated: bool, monitors: int) -> None:  # noqa: FBT001 - a table
    documents = render(values=(*NEEDED, f"metrics.discovery={discovery}"))
    deployment = only(documents, "Deployment")["spec"]
    found = [one for one in documents if one["kind"] == "PodMonitor"]

    assert ("prometheus.io/scrape" in deployment["template"]["metadata"]["annotations"]) == annotated
    assert len(found) == monitors
    for monitor in found:
        assert monitor["spec"]["selector"] == deployment["selector"]
        assert [(one["port"], one["path"]) for one in monitor["spec"]["podMetricsEndpoints"]] == [("http", "/metrics")]


def test_changed_settings_and_policies_start_the_pods_again(render: Render, tmp_path: Path) -> None:
    changed = tmp_path / "policy.toml"
    changed.write_text(POLICY.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")

    def template(values: tuple[str, ...] = (), policy: Path | None = None) -> str:
        return str(only(render(values=(*NEEDED, *values), policy=policy), "Deployment")["spec"]["template"])

    templates = [template(), template(("settings.BOT_LOG_LEVEL=debug",)), template((), POLICY), template((), changed)]
    assert len(set(templates)) == 4
    assert template() == templates[0]


def test_the_policy_arrives_as_it_was_written_where_the_setting_says(render: Render, tmp_path: Path) -> None:
    documents = render(values=NEEDED, policy=POLICY)
    written = next(one["data"] for one in documents if one["metadata"]["name"] == "upgrade-bot-policy")
    (mount,) = (one for one in pod_of(documents)["containers"][0]["volumeMounts"] if one["name"] == "policy")

    (name, text) = written.popitem()
    assert text == POLICY.read_text(encoding="utf-8")
    assert settings_of(documents)["BOT_POLICY_FILE"] == f"{mount['mountPath']}/{name}"
    copy = tmp_path / name
    copy.write_text(text, encoding="utf-8")
    assert load_policy(copy, RuleSettings()).rule("acme", "production").required_approvals == 2


def test_a_private_authority_is_added_to_the_usual_ones(render: Render, tmp_path: Path) -> None:
    """The init container's own command, with its folders in another place."""
    documents = render(values=(*NEEDED, "extraCA.configMap=company-ca"))
    (container,) = pod_of(documents)["initContainers"]
    bundle = settings_of(documents)["SSL_CERT_FILE"]
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "ca.crt").write_text("OURS\n")

    *shell, command = container["command"]
    command = command.replace("/extra-ca/", f"{tmp_path}/extra/").replace(bundle, f"{tmp_path}/ca.crt")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run([shutil.which(shell[0]) or "", *shell[1:], command], check=True, env={"PATH": path})  # noqa: S603 - ours

    assert (tmp_path / "ca.crt").read_text() == Path(certifi.where()).read_text() + "OURS\n"
    assert Path(bundle).parent in {Path(one["mountPath"]) for one in pod_of(documents)["containers"][0]["volumeMounts"]}


def test_the_chart_is_of_the_programs_version() -> None:
    chart = read(CHART / "Chart.yaml")
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)

    assert chart["appVersion"] == version


def test_the_secrets_example_has_every_secret_and_nothing_else() -> None:
    given = lines_of(SECRETS)

    assert given.keys() | commented(SECRETS) == SECRET_VARIABLES
    assert given.keys() == {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ACLOUD_PERSONAL_ACCESS_TOKEN"}
    assert not any(value.startswith(('"', "'")) for value in given.values())


def test_the_secrets_example_and_the_env_example_have_the_same_placeholders() -> None:
    for name, value in lines_of(SECRETS).items():
        assert f"{name}={value}\n" in (ROOT / ".env.example").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl to make a Secret with")
def test_the_pages_own_command_makes_the_secret(tmp_path: Path) -> None:
    (command,) = re.findall(r"^kubectl .*--from-env-file.*$", OPERATING.read_text(encoding="utf-8"), re.MULTILINE)
    shutil.copy(SECRETS, tmp_path / "secrets.env")

    words = [*command.split(), "--dry-run=client", "--output=json"]
    made = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True, env={"PATH": os.defpath})  # noqa: S603 - ours

    secret = json.loads(made.stdout)
    assert secret["metadata"]["name"] == read(CHART / "values.yaml")["existingSecret"]
    assert secret["data"].keys() == lines_of(SECRETS).keys()


def test_the_pages_own_command_renders_the_chart(helm: str, tmp_path: Path) -> None:
    page = OPERATING.read_text(encoding="utf-8")
    (command,) = re.findall(r"^helm template .*$", page, re.MULTILINE)
    (values,) = re.findall(r"```yaml\n(image:.*?)```", page, re.DOTALL)
    (tmp_path / "values.yaml").write_text(values, encoding="utf-8")
    shutil.copy(POLICY, tmp_path)
    (tmp_path / "deploy").symlink_to(DEPLOY)

    words = command.split(" > ")[0].split()
    done = subprocess.run([helm, *words[1:]], cwd=tmp_path, check=False, capture_output=True, text=True)  # noqa: S603 - ours

    assert done.returncode == 0, done.stderr
    for document in yaml.safe_load_all(done.stdout):
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_the_compose_file_waits_for_its_database_and_gives_known_settings() -> None:
    services = read(DEPLOY / "compose.yaml")["services"]

    assert services["bot"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert set(services["bot"]["environment"]) <= VARIABLES
    assert (DEPLOY / services["bot"]["build"] / "Dockerfile").is_file()
