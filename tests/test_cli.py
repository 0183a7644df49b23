"""The command line: what each command prints, and with which exit code it ends."""

import asyncio
import csv
import io
import json
import os
import shutil
import signal
import site
import subprocess
import sys
import unicodedata
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from bot.audit_output import COLUMNS, Format, write
from bot.cli import app
from bot.settings import Settings
from bot.slack.web.calls import Failure
from bot.slack.web.identity import refusal
from bot.store.storage import Storage
from bot.workflow.repositories import Fact
from tests.builders import a_fact

ROOT = Path(__file__).parents[1]
COMPLETE = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    "ACLOUD_PERSONAL_ACCESS_TOKEN": "acpat_1",
    "ACLOUD_ORGANISATION": "acme",
    "BOT_CHANNEL": "C0UPGRADES",
    "BOT_APPROVERS": "*",
}
SLOW_IMPORT = """
import sys, time

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "{name}":
            print("loading", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
"""
HEAVY = ("sqlalchemy", "slack_bolt", "slack_sdk", "httpx", "aiohttp", "apscheduler", "dateparser")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Begin with no setting at all, in an empty folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize("words", [["--help"], ["version"], ["manifest"], ["run", "--help"]])
def test_what_needs_nothing_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom bot.cli import app\n"
        f"try:\n    app({words!r})\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603

    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_a_bot_that_runs_has_nothing_loaded_that_it_may_never_use() -> None:
    """Each of these weighs 2 to 18 MiB for as long as the bot runs; these are not for SQLite, or not before a start."""
    idle = ("dateparser", "alembic", "rapidfuzz", "asyncpg")
    code = (
        "import sys, bot.cli, bot.policy.file, bot.app\n"
        "from bot.store.storage import Storage\n"
        "Storage.open('sqlite+aiosqlite:///bot.db')\n"
        f"print('idle:', [name for name in {idle!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603

    assert done.stdout == "idle: []\n"


def test_what_reads_names_and_times_is_loaded_by_a_start() -> None:
    """The first person who misspells a name or writes an odd time would wait for half a second, and all others too."""
    code = (
        "import sys, time\n"
        "from datetime import UTC, datetime\n"
        "from bot.slack.form import filling, when\n"
        "filling.load()\n"
        "began = time.process_time()\n"
        "when.read('5 december 2026 22:00', now=datetime(2026, 11, 30, tzinfo=UTC), zone=UTC)\n"
        "print(time.process_time() - began < 0.2, 'rapidfuzz' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603

    assert done.stdout == "True True\n"


@pytest.mark.parametrize("command", ["run", "sandbox"])
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("loading", ["typer", "slack_bolt"])
def test_a_signal_while_the_bot_is_still_being_loaded_ends_it_well(
    command: str, loading: str, sign: signal.Signals, tmp_path: Path
) -> None:
    """Nothing is in hand yet: exit code 0, and no traceback."""
    (tmp_path / "sitecustomize.py").write_text(SLOW_IMPORT.format(name=loading))
    environment = os.environ | COMPLETE | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}  # noqa: TID251 - a process needs one
    with subprocess.Popen(  # noqa: S603 - this very program
        [sys.executable, "-m", "bot", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"loading\n"
        process.send_signal(sign)
        _, errors = process.communicate(timeout=120)

    assert (process.returncode, errors) == (0, b"")


def test_the_module_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "version"], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout.startswith("schedule-upgrade-bot ")
    assert f"Python {sys.version.split()[0]}" in done.stdout
    assert "slack-bolt " in done.stdout


def test_help_names_every_command() -> None:
    said = typed("--help")

    assert said.exit_code == 0
    for command in ("run", "sandbox", "doctor", "policy", "audit", "manifest", "version"):
        assert command in said.output


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_missing_settings_end_with_2_and_a_line_each(command: str) -> None:
    said = typed(command)

    assert said.exit_code == 2
    assert said.stdout == ""
    assert [line.split()[0] for line in said.stderr.splitlines()] == [
        "SLACK_BOT_TOKEN",
        "ACLOUD_PERSONAL_ACCESS_TOKEN",
        "ACLOUD_ORGANISATION",
        "SLACK_SIGNING_SECRET",
        "BOT_CHANNEL",
        "BOT_APPROVERS",
    ]


def test_doctor_looks_at_the_cloud_of_what_can_be_an_organisation() -> None:
    said = typed("doctor", "--cloud", "acme corp")

    assert said.exit_code == 2
    assert '"acme corp" is not a valid slug' in said.stderr


def test_a_database_that_lets_nobody_make_tables_ends_with_1_and_a_line(
    empty_postgresql_url: str, stranger: str, tmp_path: Path
) -> None:
    url = empty_postgresql_url.replace("postgres@", f"{stranger}:hunter2hunter2@")

    done = run_apart(tmp_path, BOT_DATABASE_URL=url)

    assert done.returncode == 1
    assert done.stderr == "The database cannot be used: permission denied for schema public\n"


NOBODY = 54321
"""The number of a user who has no name on this machine."""


def as_nobody(python: str, environment: dict[str, str]) -> bool:
    """Whether somebody else may run this program with that Python."""
    command = [python, "-c", "import bot.settings"]
    tried = subprocess.run(  # noqa: S603 - ours
        command, env=environment, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False, capture_output=True
    )
    return tried.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a name")
@pytest.mark.parametrize("home", [None, "/root", "/nowhere"])
@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("sqlite+aiosqlite:////nowhere/at/all.db", 1, "cannot be written: No such file or directory"),
        ("postgresql+asyncpg://bot:hush@127.0.0.1:9/bot", 1, "The database cannot be reached: "),
        ("postgresql+asyncpg://127.0.0.1:9/bot", 2, "BOT_DATABASE_URL is wrong: it names no user, "),
    ],
)
def test_a_user_without_a_name_or_a_home_is_as_good_as_any(home: str | None, url: str, code: int, said: str) -> None:
    """As OpenShift gives to a container. Whatever is not there is said in a line."""
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()])}
    python = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")
    if python is None or not as_nobody(python, environment | {"HOME": "/nowhere"}):
        pytest.skip("another user may not run this program here")

    done = subprocess.run(  # noqa: S603 - this very program
        [python, "-m", "bot", "run"],
        env=environment | COMPLETE | {"BOT_DATABASE_URL": url} | ({"HOME": home} if home else {}),
        cwd="/", user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.returncode == code


def run_apart(folder: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Run the bot in a process of its own, complete but for the changes."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | COMPLETE | changes  # noqa: TID251 - a process needs one
    command = [sys.executable, "-m", "bot", "run"]
    return subprocess.run(  # noqa: S603 - this very program
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def test_settings_and_policy_are_judged_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[defaults]\napprovers = []", encoding="utf-8")
    monkeypatch.setenv("BOT_POLICY_FILE", "policy.toml")
    monkeypatch.setenv("BOT_PORT", "none")

    said = typed("run")

    assert said.exit_code == 2
    assert "BOT_PORT is wrong" in said.stderr
    assert "BOT_POLICY_FILE=policy.toml: [defaults] approvers is wrong" in said.stderr
    assert said.stderr.count("BOT_PORT is wrong") == 1


def test_the_manifest_is_all_that_is_printed() -> None:
    said = typed("manifest", "--url", "https://bot.example.com", "--name", "Test Bot", "--command", "/test")

    document = yaml.safe_load(said.stdout)
    assert said.exit_code == 0
    assert document["display_information"]["name"] == "Test Bot"
    assert document["features"]["slash_commands"][0]["command"] == "/test"


@pytest.mark.parametrize("words", [["--socket", "--url", "https://a.example"], ["--url", "a.example"]])
def test_a_manifest_that_slack_would_refuse_is_not_printed(words: list[str]) -> None:
    said = typed("manifest", *words)

    assert said.exit_code == 2
    assert said.stdout == ""


def test_policy_check_says_each_environments_rule(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(
        '[defaults]\nchannel = "C1"\napprovers = ["S0PLATFORM"]\n[environments.production]\nrequired_approvals = 2\n',
        encoding="utf-8",
    )

    said = typed("policy", "check", "policy.toml")

    assert said.exit_code == 0
    assert said.stdout.startswith("production:\n  - 2 approvals from S0PLATFORM, not the requester\n  - ")
    assert said.stderr == ""


def test_policy_check_needs_no_settings_and_names_what_is_still_missing() -> None:
    said = typed("policy", "check")

    assert said.exit_code == 0
    assert said.stdout.startswith(
        "every environment:\n  - 1 approval from nobody yet (BOT_APPROVERS), not the requester\n"
    )
    assert "Warning: BOT_CHANNEL is missing" in said.stderr


def test_a_wrong_policy_file_ends_the_check_with_2(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[defaults]\naprovers = []", encoding="utf-8")

    said = typed("policy", "check", "policy.toml")

    assert said.exit_code == 2
    assert 'policy.toml: [defaults] "aprovers" is unknown, the nearest key is "approvers"' in said.stderr


@pytest.mark.parametrize("approvers", ['["U0SEM"]', '["U0SEM", "W0KIM"]'])
def test_a_quorum_that_nobody_can_reach_ends_the_check_with_2(tmp_path: Path, approvers: str) -> None:
    """The rules are said all the same; the line names the environment, and who is there."""
    rules = f'[defaults]\nchannel = "C1"\napprovers = {approvers}\n[environments.production]\nrequired_approvals = 3\n'
    (tmp_path / "policy.toml").write_text(rules, encoding="utf-8")

    said = typed("policy", "check", "policy.toml")

    assert said.exit_code == 2
    assert said.stdout.startswith("production:\n  - 3 approvals from U0SEM")
    assert "required_approvals is wrong for production: a request needs 3 approvals, and only U0SEM" in said.stderr


def test_an_override_that_nobody_can_have_is_pointed_out(tmp_path: Path) -> None:
    """It takes one approval more; everything else can be approved."""
    rules = '[defaults]\nchannel = "C1"\napprovers = ["U0SEM"]\noverride = true\n'
    (tmp_path / "policy.toml").write_text(rules, encoding="utf-8")

    said = typed("policy", "check", "policy.toml")

    assert said.exit_code == 0
    assert "overriding a freeze needs 2 approvals, and only U0SEM may give one" in said.stderr


# --- the audit trail --------------------------------------------------------------------------------------------


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Fill a database with the events of two requests."""
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    monkeypatch.setenv("BOT_DATABASE_URL", url)
    facts = [
        Fact(
            kind=kind, at=datetime(2026, 12, day, 9, tzinfo=UTC), request_id=request, actor="U1", organisation="acme",
            cluster=cluster, facts={"reason": "=1+1 [bold]"},
        )
        for day, request, kind, cluster in (
            (1, "R1", "upgrade_requested", "staging/web"),
            (2, "R1", "vote_cast", "staging/web"),
            (3, "R2", "upgrade_requested", "production/web"),
        )
    ]  # fmt: skip

    async def fill() -> None:
        storage = Storage.open(url)
        await storage.take()
        async with storage.begin() as work:
            await work.audit.append(*facts)
            await work.commit()
        await storage.close()

    asyncio.run(fill())
    return tmp_path / "bot.db"


def exported(*words: str) -> list[dict[str, object]]:
    said = typed("audit", "--format", "jsonl", *words)
    assert said.exit_code == 0, said.stderr
    return [json.loads(line) for line in said.stdout.splitlines()]


async def test_the_table_says_how_many_had_approved_with_each_vote() -> None:
    """A vote of before, which does not know it, is shown as its kind."""

    async def events() -> AsyncIterator[dict[str, object]]:
        empty = dict.fromkeys(COLUMNS, "")
        told = {"approvals": ["U0SEM"], "policy": {"required_approvals": 2}}
        yield empty | {"number": 1, "kind": "vote cast", "facts": told}
        yield empty | {"number": 2, "kind": "vote cast", "facts": told | {"card": {"override": True}}}
        yield empty | {"number": 3, "kind": "vote cast", "facts": {}}

    out = io.StringIO()
    await write(events(), Format.TABLE, out)

    assert "approved, 1 of 2" in out.getvalue()
    assert "approved, 1 of 3" in out.getvalue()
    assert "vote cast" in out.getvalue()


@pytest.mark.usefixtures("trail")
def test_the_trail_is_exported_oldest_first() -> None:
    assert [(event["request_id"], event["number"]) for event in exported()] == [("R1", 1), ("R1", 2), ("R2", 1)]


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--request", "R1"], 2),
        (["--cluster", "web"], 3),
        (["--cluster", "production/web"], 1),
        (["--since", "2026-12-02"], 2),
        (["--since", "2026-12-03T09:00:00Z"], 1),
        (["--since", "365d"], 3),
        (["--since", "365d ago"], 3),
        (["--since", "0001-01-01"], 3),
    ],
)
def test_the_trail_can_be_narrowed(words: list[str], count: int) -> None:
    assert len(exported(*words)) == count


@pytest.mark.usefixtures("trail")
def test_csv_is_a_table_of_all_columns() -> None:
    rows = list(csv.DictReader(io.StringIO(typed("audit", "--format", "csv").stdout)))

    assert [row["kind"] for row in rows] == ["upgrade_requested", "vote_cast", "upgrade_requested"]
    assert json.loads(rows[0]["facts"]) == {"reason": "=1+1 [bold]"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
async def test_no_cell_of_the_csv_is_a_formula(text: str) -> None:
    """A spreadsheet would run what begins so, whoever wrote it."""

    async def events() -> AsyncIterator[dict[str, object]]:
        yield dict.fromkeys(COLUMNS, text) | {"number": 1}

    out = io.StringIO()
    await write(events(), Format.CSV, out)

    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row.pop("number") == "1"
    assert set(row.values()) == {f"'{text}"}


@pytest.mark.parametrize("form", Format)
async def test_no_reader_of_the_trail_is_given_what_a_terminal_obeys(form: Format) -> None:
    """Titles, colours, C1 and marks of direction are shown escaped; JSON says the same as before."""
    reason = "\x1b]0;owned\x07 \x9b31m \x7f \u202egpj.exe\u2066 \u2028 \ud800 caf\u00e9 \U0001f469\u200d\U0001f4bb"

    async def events() -> AsyncIterator[dict[str, object]]:
        texts = dict.fromkeys(COLUMNS, reason) | {"number": 1, "at": "2026-12-05T09:00:00.000000+00:00"}
        yield texts | {"facts": {"reason": reason, "list": [reason]}}

    out = io.StringIO()
    await write(events(), form, out)

    printed = out.getvalue()
    assert not [
        one for one in printed if one not in "\r\n\u200d" and unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl"}
    ]
    assert "caf\u00e9" in printed
    assert "\U0001f469\u200d\U0001f4bb" in printed.replace("\n", "")
    if form is Format.JSONL:
        assert json.loads(printed)["facts"] == {"reason": reason, "list": [reason]}
        assert "\\u202e" in printed
    else:
        assert "\\x1b]0;owned\\x07" in printed


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_output_will_do(trail: Path, encoding: str) -> None:
    """What it lacks is escaped as JSON does, so that a document stays one; never a traceback."""

    async def add() -> None:
        storage = Storage.open(f"sqlite+aiosqlite:///{trail}")
        async with storage.begin() as work:
            await work.audit.append(a_fact("R3", facts={"reason": "\u2013 \u00e9 \U0001f7e1 \ud800"}))
            await work.commit()
        await storage.close()

    asyncio.run(add())
    told = {"PYTHONIOENCODING": encoding, "BOT_DATABASE_URL": f"sqlite+aiosqlite:///{trail}"}
    for words in (["--format", "jsonl"], ["--format", "csv"], []):
        done = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-m", "bot", "audit", "--request", "R3", *words],
            capture_output=True, check=False, cwd=ROOT, env=os.environ | told,  # noqa: TID251 - a process needs one
        )  # fmt: skip

        assert (done.returncode, done.stderr) == (0, b"")
        if words[1:] == ["jsonl"]:
            assert json.loads(done.stdout.decode(encoding))["facts"]["reason"] == "\u2013 \u00e9 \U0001f7e1 \ud800"


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_doctor_speaks_in_any_encoding(tmp_path: Path, words: list[str]) -> None:
    """And what a file or Slack contains does not steer the terminal."""
    reason = "Peak \u2013 caf\u00e9 \\u001b]0;owned\\u0007 \u202e"
    freeze = f'freeze = [{{ from = "2026-12-20", to = "2027-01-03", reason = "{reason}" }}]'
    (tmp_path / "policy.toml").write_text(f"[defaults]\n{freeze}", encoding="utf-8")
    nowhere = {"SLACK_API_URL": "http://127.0.0.1:9/api/", "ACLOUD_API_ENDPOINT": "http://127.0.0.1:9"}
    told = COMPLETE | nowhere | {"BOT_POLICY_FILE": "policy.toml", "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}

    done = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", "bot", "doctor", *words],
        capture_output=True, check=False, cwd=tmp_path, env=os.environ | told,  # noqa: TID251 - a process needs one
    )  # fmt: skip

    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stdout
    assert b"Peak \\u2013 caf\\u00e9" in done.stdout
    if words:
        findings = " ".join(one["finding"] for one in json.loads(done.stdout)["findings"])
        assert "Peak \u2013 caf\u00e9 \x1b]0;owned\x07 \u202e" in findings


@pytest.mark.usefixtures("trail")
def test_the_table_shows_what_people_wrote_as_they_wrote_it() -> None:
    said = typed("audit")

    assert said.exit_code == 0
    assert "[bold]" in said.stdout
    assert "vote_cast" in said.stdout


async def test_the_table_tells_clusters_of_two_organisations_apart() -> None:
    """And does not repeat the organisation in each line where there is one."""

    async def table(*organisations: str) -> str:
        async def events() -> AsyncIterator[dict[str, object]]:
            for one in organisations:
                yield dict.fromkeys(COLUMNS, "") | {"cluster": "staging/web", "organisation": one, "facts": {}}

        out = io.StringIO()
        await write(events(), Format.TABLE, out)
        return out.getvalue()

    assert "acme/staging/web" not in await table("acme", "")
    both = await table("acme", "globex")
    assert "acme/staging/web" in both
    assert "globex/staging/web" in both


@pytest.mark.usefixtures("trail")
def test_a_whole_trail_is_said_to_be_whole() -> None:
    said = typed("audit", "verify")

    assert said.exit_code == 0
    assert "whole" in said.stdout


@pytest.mark.usefixtures("trail")
def test_what_an_earlier_export_has_and_the_trail_lacks_is_found(tmp_path: Path) -> None:
    export = typed("audit", "--format", "jsonl").stdout
    (tmp_path / "export.jsonl").write_text(export + export.splitlines()[-1].replace('"R2"', '"R3"') + "\n")

    said = typed("audit", "verify", "--expect", "export.jsonl")

    assert said.exit_code == 1
    assert "Request R3, event 1" in said.stdout


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    "words",
    [
        ["--format", "xml"],
        ["--since", "yesterday"],
        ["--since", "0001-01-01T00:00:00+14:00"],
        ["verify", "--expect", "none.jsonl"],
        ["--cluster", "web", "verify"],
        ["--request", "R1", "verify"],
        ["--since", "7d", "verify"],
        ["--format", "csv", "verify"],
    ],
)
def test_options_that_cannot_be_understood_end_with_2(words: list[str]) -> None:
    """Nor is one passed over in silence: a verdict on the whole trail would look like one on a cluster."""
    assert typed("audit", *words).exit_code == 2


def test_a_database_that_is_not_there_is_not_made() -> None:
    said = typed("audit")

    assert said.exit_code == 1
    assert "There is no database at upgrade-bot.db" in said.stderr
    assert not Path("upgrade-bot.db").exists()


def test_a_file_that_cannot_be_written_is_named_with_the_reason(tmp_path: Path) -> None:
    """Neither the class of the error nor its number."""
    (tmp_path / "file").touch()

    said = typed("sandbox", "--script", "--data", str(tmp_path / "file" / "data"))

    assert said.exit_code == 1
    assert said.stderr == f"Cannot write to {tmp_path / 'file' / 'data'}: not a directory\n"


def test_a_slack_that_cannot_be_found_is_said_without_names_of_classes() -> None:
    failure = Failure(code="ClientConnectorDNSError", why="Could not reach slack.com: DNS lookup failed")

    assert str(refusal(failure, asked="auth.test", variable="SLACK_BOT_TOKEN")) == (
        "Could not reach slack.com: DNS lookup failed"
    )
