"""The settings of contract 2: what is read, what is refused, and how the refusal reads."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import (
    Settings,
    SettingsProblems,
    leave_home,
    read_database_settings,
    read_rule_settings,
    read_settings,
)

ENOUGH = {
    "SLACK_BOT_TOKEN": "xoxb-1-2-secretbot",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "ACLOUD_PERSONAL_ACCESS_TOKEN": "cloud-secret",
    "ACLOUD_ORGANISATION": "acme",
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Begin with no setting at all, in an empty folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir", "pguser"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    for name, value in {**ENOUGH, **changes}.items():
        monkeypatch.setenv(name, value)


def problems() -> tuple[str, ...]:
    with pytest.raises(SettingsProblems) as caught:
        read_settings()
    return caught.value.lines


def test_the_defaults_are_the_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)

    settings = read_settings()

    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.acloud_api_endpoint == "https://api.avisi.cloud"
    assert settings.bot_command == "/schedule-upgrade"
    assert settings.bot_required_approvals == 1
    assert settings.bot_self_approval is False
    assert settings.bot_watch == "all"
    assert settings.bot_poll_seconds == 60
    assert settings.bot_status_source == "auto"
    assert settings.bot_window_timezone == "UTC"
    assert settings.bot_console_url is None
    assert settings.bot_database_url.get_secret_value() == "sqlite+aiosqlite:///upgrade-bot.db"
    assert (settings.bot_host, settings.bot_port) == ("0.0.0.0", 3000)  # noqa: S104
    assert settings.bot_log_format is None
    assert settings.bot_log_level == "info"
    assert not settings.socket_mode


def test_every_missing_variable_is_named_at_once_with_an_example() -> None:
    found = problems()

    assert [line.split()[0] for line in found] == [
        "SLACK_BOT_TOKEN",
        "ACLOUD_PERSONAL_ACCESS_TOKEN",
        "ACLOUD_ORGANISATION",
        "SLACK_SIGNING_SECRET",
    ]
    assert all("is missing" in line and "Example: " in line and "\n" not in line for line in found)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, SLACK_APP_TOKEN="", BOT_APPROVERS="")

    settings = read_settings()

    assert settings.slack_app_token is None
    assert settings.bot_approvers is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-mine", "does not begin with xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-mine", "does not begin with xapp-"),
        ("ACLOUD_PERSONAL_ACCESS_TOKEN", "Token mine", "a space"),
        ("ACLOUD_ORGANISATION", ",", "the list is empty"),
        ("ACLOUD_ORGANISATION", "acme corp", '"acme corp" is not a valid slug'),
        ("ACLOUD_API_ENDPOINT", "api.avisi.cloud", "not an address that begins with https://"),
        (
            "ACLOUD_API_ENDPOINT",
            "http://api.avisi.cloud",
            "it begins with http://, so tokens would be sent unencrypted",
        ),
        ("ACLOUD_API_ENDPOINT", "http://127.0.0.1.example.com", "unencrypted"),
        ("SLACK_API_URL", "http://slack.com/api/", "unencrypted"),
        ("SLACK_API_URL", "http://0.0.0.0/api/", "unencrypted"),
        ("SLACK_API_URL", "http://[/api/", "unencrypted"),
        ("ACLOUD_API_ENDPOINT", "https://roos:hush@api.avisi.cloud/x", "a user name or a password in it"),
        ("SLACK_API_URL", "http://hush@slack.test", "a user name or a password in it"),
        ("SLACK_API_URL", "slack.com/api", "not an address that begins with https://"),
        ("ACLOUD_API_ENDPOINT", "https://api.avisi.cloud/api/v1", "the bot adds /api/v1 itself"),
        ("ACLOUD_API_ENDPOINT", "https://api.avisi.cloud/api/v1/", "the bot adds /api/v1 itself"),
        ("ACLOUD_API_ENDPOINT", "https://api.avisi.cloud:port", "its host and port cannot be read"),
        ("ACLOUD_API_ENDPOINT", "https://api.avisi.cloud:65536", "its host and port cannot be read"),
        ("ACLOUD_API_ENDPOINT", "https://api..cloud", "its host and port cannot be read"),
        ("ACLOUD_API_ENDPOINT", "https://api.avisi.cloud?a=b", "not the address of a host"),
        ("SLACK_API_URL", "https://slack.com:port/api/", "its host and port cannot be read"),
        ("SLACK_API_URL", "https://[::1/api/", "its host and port cannot be read"),
        ("SLACK_SIGNING_SECRET", '"hush"', "there are quotes around it"),
        ("SLACK_SIGNING_SECRET", "'hush'", "there are quotes around it"),
        ("SLACK_BOT_TOKEN", '"xoxb-hush"', "there are quotes around it"),
        ("SLACK_BOT_TOKEN", "\u201cxoxb-hush\u201d", "there are quotes around it"),
        ("ACLOUD_PERSONAL_ACCESS_TOKEN", "\u201chush\u201d", "there are quotes around it"),
        ("ACLOUD_PERSONAL_ACCESS_TOKEN", "hush\u2019s", "a character in it that no secret has"),
        ("ACLOUD_PERSONAL_ACCESS_TOKEN", "hush\u200bhush", "a character in it that no secret has"),
        ("ACLOUD_PERSONAL_ACCESS_TOKEN", "hush\x1b", "a character in it that no secret has"),
        ("ACLOUD_ORGANISATION", '"acme"', "there are quotes around it"),
        ("BOT_CHANNEL", '"C0123456789"', "there are quotes around it"),
        ("BOT_APPROVERS", '"U0123456789"', "there are quotes around it"),
        ("BOT_PORT", '"3000"', "there are quotes around it"),
        ("BOT_DATABASE_URL", '"sqlite+aiosqlite:///bot.db"', "there are quotes around it"),
        ("BOT_DATABASE_URL", "postgresql+asyncpg://bot:Tr@ub:4dor0hush@127.0.0.1:5432/bot", "written as %40"),
        ("BOT_DATABASE_URL", "postgresql+asyncpg://bot:hush@db:port/bot", "the port is no number from 1 to 65535"),
        ("BOT_DATABASE_URL", "postgresql+asyncpg://bot:hush@db:65536/bot", "the port is no number from 1 to 65535"),
        ("BOT_DATABASE_URL", "postgresql+asyncpg://bot:hush@db/bot?keepalives=1", "leave it out: keepalives"),
        ("BOT_DATABASE_URL", "sqlite+aiosqlite:///:memory:", "names no file"),
        ("BOT_COMMAND", "schedule", '"schedule" is not a valid name of a slash command'),
        ("BOT_CHANNEL", "#upgrades", '"#upgrades" is not a valid channel ID'),
        ("BOT_APPROVERS", "bob", '"bob" is not a valid ID of a user'),
        ("BOT_APPROVERS", "*,U1", "must stand alone"),
        ("BOT_APPROVERS", ",", "the list is empty"),
        ("BOT_REQUIRED_APPROVALS", "-1", '"-1" does not fit'),
        ("BOT_REQUIRED_APPROVALS", "two", '"two" does not fit'),
        ("BOT_SELF_APPROVAL", "maybe", '"maybe" does not fit'),
        ("BOT_WATCH", "some", '"some" does not fit'),
        ("BOT_POLL_SECONDS", "0", '"0" does not fit'),
        ("BOT_POLL_SECONDS", "3601", '"3601" does not fit'),
        ("BOT_POLL_SECONDS", "nan", '"nan" does not fit'),
        ("BOT_STATUS_SOURCE", "poll", '"poll" does not fit'),
        ("BOT_CONSOLE_URL", "http://console.example.com/{cluster}", "begins with http://"),
        ("BOT_CONSOLE_URL", "console.example.com/{cluster}", "not an address that begins with https://"),
        ("BOT_CONSOLE_URL", "https://{organisation}/{cluster}", "not an address that begins with https:// and a host"),
        ("BOT_CONSOLE_URL", "https://bot:hush@console.example.com/{cluster}", "a user name or a password"),
        ("BOT_CONSOLE_URL", "https://console.example.com/{clusters}", '"{clusters}" is not filled in, only {org'),
        ("BOT_CONSOLE_URL", "https://console.example.com/{cluster", "no address has"),
        ("BOT_CONSOLE_URL", "https://console.example.com/a b", "no address has"),
        ("BOT_WINDOW_TIMEZONE", "Europe/Amsterdm", 'the nearest is "Europe/Amsterdam"'),
        ("BOT_DATABASE_URL", "postgresql://bot:hunter2@db/bot", "begins with neither"),
        ("BOT_HOST", "a..b", '"a..b" is neither an address nor a host name'),
        ("BOT_HOST", "x" * 64, "is neither an address nor a host name"),
        ("BOT_CHANNEL", "\x1b]0;a\x07", '"\\x1b]0;a\\x07" is not a valid channel ID'),
        ("BOT_CHANNEL", "x" * 5000, f"{'x' * 200}"),
        ("BOT_PORT", "65536", '"65536" does not fit'),
        ("BOT_HOST", "[::", '"[::" is neither an address nor a host name'),
        ("BOT_HOST", "[bot.example.com]", '"[bot.example.com]" is neither an address nor a host name'),
        ("BOT_HOST", "0.0.0.0:3000", '"0.0.0.0:3000" is neither an address nor a host name'),
        ("BOT_HOST", "http//bot", '"http//bot" is neither an address nor a host name'),
        ("BOT_LOG_FORMAT", "xml", '"xml" does not fit'),
        ("BOT_LOG_LEVEL", "loud", '"loud" does not fit'),
    ],
)
def test_a_wrong_value_gets_one_line_with_the_variable_the_reason_and_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    given(monkeypatch, **{name: value})

    (line,) = problems()

    assert line.startswith(f"{name} is wrong: ")
    assert expected in line
    assert f"Example: {name}=" in line
    assert "hush" not in line
    assert line.isprintable()
    assert len(line) < 700


@pytest.mark.parametrize("written", ["::", "[::]", "[::1]", "127.0.0.1", "bot.internal"])
def test_an_ipv6_address_may_stand_in_brackets(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """People know them from URLs; what listens wants none."""
    given(monkeypatch, BOT_HOST=written)

    assert read_settings().bot_host == written.strip("[]")


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "BOT_DATABASE_URL"])
def test_no_line_ever_shows_a_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    given(monkeypatch, **{name: "hunter2 hunter2"})

    assert "hunter2" not in "".join(problems())


def test_a_token_in_the_wrong_variable_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, BOT_CHANNEL="xoxb-1-2-hunter2")

    assert "hunter2" not in "".join(problems())


def test_a_secret_is_masked_wherever_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, BOT_DATABASE_URL="postgresql+asyncpg://bot:hunter2@db/bot")

    printed = repr(read_settings())

    assert "secretbot" not in printed
    assert "hunter2" not in printed


def test_every_secret_is_known_to_whoever_hides_them(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)

    assert set(read_settings().secrets) == {
        "xoxb-1-2-secretbot",
        "8f742231b10e8888abcd99yyyzzz85a5",
        "cloud-secret",
        "sqlite+aiosqlite:///upgrade-bot.db",
    }


def test_an_unknown_bot_variable_is_a_problem_that_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, BOT_APROVERS="S1")

    (line,) = problems()

    assert line.startswith("BOT_APROVERS is unknown")
    assert "BOT_APPROVERS=" in line


def test_an_unknown_variable_in_the_env_file_is_found_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch)
    (tmp_path / ".env").write_text("BOT_CHANEL=C1\nSOMETHING_ELSE=1\n")

    (line,) = problems()

    assert line.startswith("BOT_CHANEL is unknown")


def test_without_app_token_the_signing_secret_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    monkeypatch.delenv("SLACK_SIGNING_SECRET")

    (line,) = problems()

    assert line.startswith("SLACK_SIGNING_SECRET is missing")


def test_with_app_token_socket_mode_needs_no_signing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, SLACK_APP_TOKEN="xapp-1")
    monkeypatch.delenv("SLACK_SIGNING_SECRET")

    assert read_settings().socket_mode


def test_the_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch, BOT_PORT="4000")
    (tmp_path / ".env").write_text("BOT_PORT=5000\nBOT_APPROVERS=S1, U2\nBOT_CHANNEL=C9\n")

    settings = read_settings()

    assert settings.bot_port == 4000
    assert settings.bot_approvers == ("S1", "U2")
    assert settings.bot_channel == "C9"


def test_line_breaks_around_a_value_are_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    """`echo token | base64` puts a line break into a Kubernetes Secret."""
    given(monkeypatch, ACLOUD_PERSONAL_ACCESS_TOKEN="cloud-secret\n")

    assert read_settings().acloud_personal_access_token == SecretStr("cloud-secret")


def test_addresses_are_brought_into_one_form(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, SLACK_API_URL="http://127.0.0.1:1/api", ACLOUD_API_ENDPOINT="http://127.0.0.1:2/")

    settings = read_settings()

    assert settings.slack_api_url == "http://127.0.0.1:1/api/"
    assert settings.acloud_api_endpoint == "http://127.0.0.1:2"


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.8.0.1:1", "[::1]:8080"])
def test_only_this_machine_may_be_spoken_to_unencrypted(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """It is a simulator or somebody's own proxy."""
    given(monkeypatch, SLACK_API_URL=f"http://{host}/api/", ACLOUD_API_ENDPOINT=f"http://{host}")

    assert read_settings().acloud_api_endpoint == f"http://{host}"


def test_the_rule_variables_can_be_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`policy check` needs no tokens."""
    monkeypatch.setenv("BOT_REQUIRED_APPROVALS", "2")

    assert read_rule_settings().bot_required_approvals == 2


# --- secrets as files ---------------------------------------------------------------------------------------------

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1-2-secretbot",
    "SLACK_APP_TOKEN": "xapp-1-secretapp",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "ACLOUD_PERSONAL_ACCESS_TOKEN": "cloud-secret",
    "BOT_DATABASE_URL": "sqlite+aiosqlite:///hush.db",
    "BOT_CALENDAR_TOKEN": "c1f3b0d2a4e5968778695a4b",
}


def test_these_are_all_the_secrets() -> None:
    """Whatever is a secret can be given as a file."""
    assert {name for name in Settings.model_fields if "Secret" in str(Settings.model_fields[name].annotation)} == {
        name.lower() for name in SECRETS
    }


@pytest.mark.parametrize("around", ["{}", "{}\n", " \r\n{}\t\r\n", "\ufeff{}\n"])
def test_every_secret_can_be_given_as_a_file_without_the_white_space_around_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, around: str
) -> None:
    monkeypatch.setenv("ACLOUD_ORGANISATION", "acme")
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(around.format(value), encoding="utf-8", newline="")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))

    settings = read_settings()

    assert sorted(settings.secrets) == sorted(SECRETS.values())
    assert settings.socket_mode


def test_the_env_file_may_name_the_file_of_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch)
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    (tmp_path / "token").write_text("xoxb-from-a-file\n")
    (tmp_path / ".env").write_text("slack_bot_token_file=token\n")

    assert read_settings().slack_bot_token == SecretStr("xoxb-from-a-file")


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_set_both_ways_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Nobody can tell which one was meant; one of them may stand in the .env file."""
    given(monkeypatch)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    monkeypatch.delenv(name, raising=False)
    (tmp_path / "secret").write_text(SECRETS[name])
    (tmp_path / ".env").write_text(f"{name}={SECRETS[name]}\n")

    (line,) = problems()

    assert line.startswith(f"{name}_FILE is wrong: {name} is set too")
    assert f"Example: {name}_FILE=/run/secrets/{name}" in line
    assert SECRETS[name] not in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xff\xfehush", "not written in UTF-8"),
        (b"x" * 70_000, "larger than any secret"),
        (b"xoxp-hush", "in the file, it does not begin with xoxb-"),
        (b"xoxb-hush\nxoxb-hush", "in the file, there is a space or a line break in it"),
        (b'"xoxb-hush"', "in the file, there are quotes around it"),
    ],
)
def test_the_file_of_a_secret_that_does_not_fit_is_one_problem_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """Neither the content nor what stands where the path should be is shown: it may be the token itself."""
    given(monkeypatch, SLACK_BOT_TOKEN_FILE=str(tmp_path / "hush"))
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    if content is not None:
        (tmp_path / "hush").write_bytes(content)

    (line,) = problems()

    assert line.startswith("SLACK_BOT_TOKEN_FILE is wrong: ")
    assert said in line
    assert "Example: SLACK_BOT_TOKEN_FILE=/run/secrets/SLACK_BOT_TOKEN" in line
    assert "hush" not in line
    assert "\n" not in line


def test_a_folder_in_place_of_a_secret_s_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch, BOT_DATABASE_URL_FILE=str(tmp_path))

    assert "BOT_DATABASE_URL_FILE is wrong: the file cannot be read (Is a directory)" in problems()[0]
    with pytest.raises(SettingsProblems):
        read_database_settings()


def test_only_secrets_can_be_given_as_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelled one is refused like every unknown variable."""
    given(monkeypatch, BOT_CHANNEL_FILE="/etc/channel", BOT_CALENDAR_TOKENFILE="/etc/token")

    calendar, channel = problems()

    assert channel.startswith("BOT_CHANNEL_FILE is unknown")
    assert calendar.startswith("BOT_CALENDAR_TOKENFILE is unknown")
    assert "The nearest is BOT_CALENDAR_TOKEN_FILE=/run/secrets/BOT_CALENDAR_TOKEN" in calendar


def test_an_empty_name_of_a_file_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, SLACK_BOT_TOKEN_FILE=" ")

    assert read_settings().slack_bot_token == SecretStr(ENOUGH["SLACK_BOT_TOKEN"])


def test_several_signing_secrets_may_be_given_while_one_replaces_another(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, SLACK_SIGNING_SECRET="new, old,")

    settings = read_settings()

    assert settings.slack_signing_secret == (SecretStr("new"), SecretStr("old"))
    assert {"new", "old"} <= set(settings.secrets)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("hush,hush hush", "a space or a line break"),
        ("hush,'hush'", "quotes around it"),
        ("hush,hush,hush,hush,hush,hush", "SLACK_SIGNING_SECRET is wrong: it cannot be read"),
        (",", "SLACK_SIGNING_SECRET is wrong: it cannot be read"),
    ],
)
def test_every_signing_secret_has_to_be_one(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    given(monkeypatch, SLACK_SIGNING_SECRET=value)

    (line,) = problems()

    assert said in line
    assert "hush" not in line


# --- what surrounds the settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_an_env_file_in_another_encoding_is_said_to_be_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str
) -> None:
    """PowerShell's `>` writes UTF-16."""
    given(monkeypatch)
    (tmp_path / ".env").write_bytes("BOT_PORT=4000 # h\u00fbsh\n".encode(encoding))

    (line,) = problems()

    assert line.startswith(".env is wrong: it is not written in UTF-8")
    assert "Example: " in line


def test_an_env_file_may_begin_with_a_byte_order_mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch)
    (tmp_path / ".env").write_text("BOT_PORT=4000\n", encoding="utf-8-sig")

    assert read_settings().bot_port == 4000


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    given(monkeypatch, **{variable: "socks5://roos:hunter2@127.0.0.1:1080"})

    found = problems()

    assert all(line.startswith(f"{variable} is wrong: it names a proxy of socks5://") for line in found)
    assert all(f"Example: {variable}=http://proxy.example.com:3128" in line for line in found)
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize("names", ["*", "slack.com,avisi.cloud"])
def test_a_proxy_on_no_way_of_ours_is_nobodys_concern(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    given(monkeypatch, ALL_PROXY="socks5://127.0.0.1:1080", NO_PROXY=names)

    read_settings()


def test_a_proxy_on_one_way_alone_is_named_for_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, ALL_PROXY="socks5://127.0.0.1:1080", NO_PROXY="slack.com")

    (line,) = problems()

    assert "NO_PROXY names what is reached without one, api.avisi.cloud for instance" in line


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "the file cannot be read (No such file"), ("nothing", "there is no certificate in the file")],
)
def test_a_private_authority_has_to_be_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, why: str
) -> None:
    """One library would fail at it, the other pass over it in silence."""
    given(monkeypatch, SSL_CERT_FILE=str(tmp_path / "ca.pem"))
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)

    (line,) = problems()

    assert line.startswith(f"SSL_CERT_FILE is wrong: {why}")
    assert "Example: SSL_CERT_FILE=" in line


def test_a_folder_of_authorities_has_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch, SSL_CERT_DIR=str(tmp_path / "none"))

    (line,) = problems()

    assert line.startswith("SSL_CERT_DIR is wrong: there is no such folder")


@pytest.mark.parametrize("enterable", [True, False])
def test_a_home_that_nobody_may_enter_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, enterable: bool
) -> None:
    """Libraries look for certificates, passwords and files of their own in it, and fail where they may not look."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("os.access", lambda *_: enterable)

    leave_home()

    assert Path.home() == (tmp_path if enterable else Path("/nonexistent"))
