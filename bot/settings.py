"""The settings: read once from the environment and `.env`, checked, with problems explained in plain lines."""

import getpass
import os
import ssl
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot import database_url, proxies, shapes
from bot.observe.redaction import redact

ENV_FILE: Final = Path(".env")
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - a container is reached from outside
_LONGEST: Final = 300
_LARGEST_SECRET: Final = 64 * 1024
_NOWHERE: Final = Path("/nonexistent")

Commas = Annotated[tuple[str, ...], BeforeValidator(shapes.parts)]
"""A list, written with commas in its variable. Its field says NoDecode, else a value in quotes is read as JSON."""
SecretCommas = Annotated[
    tuple[Annotated[SecretStr, AfterValidator(shapes.secret())], ...], BeforeValidator(shapes.parts)
]
Lowered = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)


class SettingsProblems(Exception):
    """Settings are wrong or missing; `lines` has one readable line per problem, without secrets."""

    def __init__(self, *lines: str) -> None:
        self.lines = tuple(shapes.printable(" ".join(line.splitlines())) for line in lines)
        super().__init__("\n".join(self.lines))


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: Any) -> Any:  # noqa: ANN401 - any input of pydantic
        """Strip spaces and line breaks around values, such as `echo` leaves in a Kubernetes Secret."""
        if not isinstance(values, dict):
            return values
        return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}


def _with_a_user(url: SecretStr) -> SecretStr:
    """Check that PostgreSQL has a user: from the URL, from libpq's PGUSER, or the user of this process."""
    text = url.get_secret_value()
    if text.startswith(database_url.POSTGRESQL) and not os.environ.get("PGUSER"):
        try:
            _ = database_url.postgresql(text).arguments.get("user") or getpass.getuser()
        except (KeyError, OSError) as error:
            raise ValueError("it names no user, and whoever runs this has no name on this machine") from error
    return url


class DatabaseSettings(_Checked):
    """The one variable that is needed to read the database."""

    bot_database_url: Annotated[SecretStr, AfterValidator(shapes.database), AfterValidator(_with_a_user)] = Field(
        default=SecretStr("sqlite+aiosqlite:///upgrade-bot.db"),
        description="a SQLAlchemy URL with the driver aiosqlite or asyncpg",
        examples=["postgresql+asyncpg://bot:PASSWORD@db.example.com/bot"],
    )


class RuleSettings(_Checked):
    """The variables that the policy file is merged with, and its path."""

    bot_channel: Annotated[str, AfterValidator(shapes.channel)] | None = Field(
        default=None, description="the ID of the channel for requests and notifications", examples=["C0123456789"]
    )
    bot_approvers: Annotated[Annotated[Commas, AfterValidator(shapes.people)] | None, NoDecode] = Field(
        default=None,
        description="IDs of users (U…, W…) and user groups (S…) separated by commas, or * for every full member",
        examples=["S0123456789,U0123456789"],
    )
    bot_required_approvals: int = Field(
        default=1, ge=0, le=100, description="a whole number from 0 to 100; 0 submits without approval", examples=["1"]
    )
    bot_self_approval: bool = Field(default=False, description="true or false", examples=["false"])
    bot_policy_file: Path | None = Field(default=None, description="the path of a TOML file", examples=["policy.toml"])
    bot_watch: Annotated[Literal["all", "requested"], Lowered] = Field(
        default="all", description="all or requested", examples=["all"]
    )


class Settings(RuleSettings, DatabaseSettings):
    """All settings; the fields are named like the variables, in small letters.

    Creating one reads nothing: `read_settings` reads the environment.
    """

    slack_bot_token: Annotated[SecretStr, AfterValidator(shapes.secret("xoxb-"))] = Field(
        description="the bot token of the Slack app, which begins with xoxb-", examples=["xoxb-123-456-abc"]
    )
    slack_app_token: Annotated[SecretStr, AfterValidator(shapes.secret("xapp-"))] | None = Field(
        default=None,
        description="the app-level token of the Slack app, which begins with xapp-; it switches Socket Mode on",
        examples=["xapp-1-A012-345-abc"],
    )
    slack_signing_secret: Annotated[Annotated[SecretCommas, Field(min_length=1, max_length=5)] | None, NoDecode] = (
        Field(
            default=None,
            description="the signing secret of the Slack app, or up to five with commas between, while one is replaced",
            examples=["8f742231b10e8888abcd99yyyzzz85a5"],
        )
    )
    slack_api_url: Annotated[str, AfterValidator(shapes.web_address), AfterValidator(lambda url: f"{url}/")] = Field(
        "https://slack.com/api/", description="the address of Slack's Web API", examples=["https://slack.com/api/"]
    )
    acloud_personal_access_token: Annotated[SecretStr, AfterValidator(shapes.secret())] = Field(
        description="a personal access token of Avisi Cloud, without the word Token", examples=["a1b2c3d4"]
    )
    acloud_api_endpoint: Annotated[str, AfterValidator(shapes.web_address), AfterValidator(shapes.cloud_address)] = (
        Field(
            "https://api.avisi.cloud",
            description="the address of Avisi Cloud's API",
            examples=["https://api.avisi.cloud"],
        )
    )
    acloud_organisation: Annotated[Commas, NoDecode, AfterValidator(shapes.slugs)] = Field(
        description="the slug of an organisation, or several separated by commas", examples=["acme"]
    )
    bot_command: Annotated[str, AfterValidator(shapes.command)] = Field(
        default="/schedule-upgrade",
        description="the name of the slash command: a slash, then at most 31 small letters, digits, - and _",
        examples=["/schedule-upgrade"],
    )
    bot_poll_seconds: float = Field(
        default=60,
        ge=1,
        le=3600,
        allow_inf_nan=False,
        description="a number of seconds from 1 to 3600",
        examples=["60"],
    )
    bot_status_source: Annotated[Literal["auto", "organisation", "clusters"], Lowered] = Field(
        default="auto", description="auto, organisation or clusters", examples=["auto"]
    )
    bot_window_timezone: Annotated[str, AfterValidator(shapes.zone_name)] = Field(
        default="UTC", description="the IANA name of a time zone", examples=["Europe/Amsterdam"]
    )
    bot_host: Annotated[str, AfterValidator(shapes.host)] = Field(
        default=_EVERYWHERE,
        min_length=1,
        description="the address to listen on, without a port; :: is IPv6 and IPv4",
        examples=[_EVERYWHERE],
    )
    bot_port: int = Field(default=3000, ge=0, le=65535, description="a port number from 0 to 65535", examples=["3000"])
    bot_log_format: Annotated[Literal["json", "console"], Lowered] | None = Field(
        default=None, description="json or console", examples=["json"]
    )
    bot_log_level: Annotated[Literal["debug", "info", "warning", "error"], Lowered] = Field(
        default="info", description="debug, info, warning or error", examples=["info"]
    )

    bot_console_url: Annotated[str, AfterValidator(shapes.console_pattern)] | None = Field(
        default=None,
        description="an https address in which {organisation}, {environment}, {cluster} and {identity} are filled in",
        examples=["https://console.avisi.cloud/{organisation}/{environment}/clusters/{cluster}"],
    )
    bot_calendar_token: Annotated[SecretStr, AfterValidator(shapes.token)] | None = Field(
        default=None,
        description="at least 20 characters; whoever knows it may read /calendar.ics",
        examples=["c1f3b0d2a4e5968778695a4b"],
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the value of every secret, so that the log can hide it."""
        values = (getattr(self, name) for name in type(self).model_fields)
        each = (one for value in values for one in (value if isinstance(value, tuple) else (value,)))
        return tuple(one.get_secret_value() for one in each if isinstance(one, SecretStr))

    @property
    def socket_mode(self) -> bool:
        """Whether Slack delivers over Socket Mode instead of HTTP."""
        return self.slack_app_token is not None


class _EnvironmentSettings(Settings, BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, env_file_encoding="utf-8-sig")


class _EnvironmentRuleSettings(RuleSettings, BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, env_file_encoding="utf-8-sig")


class _EnvironmentDatabaseSettings(DatabaseSettings, BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, env_file_encoding="utf-8-sig")


_Environment = TypeVar("_Environment", _EnvironmentSettings, _EnvironmentRuleSettings, _EnvironmentDatabaseSettings)


def read_settings(env_file: Path = ENV_FILE) -> Settings:
    """Read all settings; raises SettingsProblems with all problems at once."""
    _check_encoding(env_file)
    names = set(_outside(env_file))
    settings = _read(_EnvironmentSettings, env_file, *_no_transport(names), *_unknown(names), *_certificates())
    if unusable := dict.fromkeys(_proxies(settings.slack_api_url, settings.acloud_api_endpoint)):
        raise SettingsProblems(*unusable)
    return settings


def read_rule_settings(env_file: Path = ENV_FILE) -> RuleSettings:
    """Read only the settings that a policy is merged with; raises SettingsProblems."""
    return _read(_EnvironmentRuleSettings, env_file)


def read_database_settings(env_file: Path = ENV_FILE) -> DatabaseSettings:
    """Read only the setting of the database; raises SettingsProblems."""
    return _read(_EnvironmentDatabaseSettings, env_file)


def _read(kind: type[_Environment], env_file: Path, *known_problems: str) -> _Environment:
    _check_encoding(env_file)
    found, unreadable = _secret_files(kind, env_file)
    problems: list[str] = list(unreadable.values())
    try:
        settings = kind(_env_file=env_file, **found)  # type: ignore[call-arg] # mypy sees a dataclass-like __init__ only
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        problems += [_line(kind, details, found) for details in wrong if details["loc"][0] not in unreadable]
    if problems or known_problems:
        raise SettingsProblems(*problems, *known_problems)
    return settings


def _secret_files(kind: type[BaseModel], env_file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the secrets that NAME_FILE gives the path of; returns them, and one line for each that is wrong."""
    outside = _outside(env_file)
    found, wrong = {}, {}
    for name in filter(_is_secret, kind.model_fields):
        variable = f"{name.upper()}_FILE"
        if variable not in outside:
            continue
        try:
            found[name] = _secret_in_file(name.upper(), outside)
        except (OSError, ValueError) as error:
            why = f"the file cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
            wrong[name] = (
                f"{variable} is wrong: {why}. It must be the path of a file that holds this secret and nothing else. "
                f"Example: {_example(variable)}"
            )
    return found, wrong


def _secret_in_file(name: str, outside: Mapping[str, str]) -> str:
    """Return what the file of a secret holds, without the white space around it; raises OSError, ValueError."""
    if name in outside:
        raise ValueError(f"{name} is set too, and only one of them can count")
    with Path(outside[f"{name}_FILE"]).open("rb") as opened:
        content = opened.read(_LARGEST_SECRET + 1)
    if len(content) > _LARGEST_SECRET:
        raise ValueError("the file is larger than any secret")
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError("the file is not written in UTF-8") from error
    if not text:
        raise ValueError("the file is empty")
    return text


def _check_encoding(env_file: Path) -> None:
    """Raise SettingsProblems when the file exists but cannot be read."""
    try:
        if not env_file.is_file() or "\0" not in env_file.read_text(encoding="utf-8-sig"):
            return
        why = "it is not written in UTF-8"
    except UnicodeDecodeError:
        why = "it is not written in UTF-8"
    except OSError as error:
        why = f"it cannot be read ({error.strerror})"
    raise SettingsProblems(
        f"{env_file} is wrong: {why}. It must be a file of lines such as SLACK_BOT_TOKEN=xoxb-123-456-abc, saved as "
        "UTF-8 (PowerShell: Out-File -Encoding utf8), which this user may read. Example: chmod u+r .env"
    )


def _certificates() -> Iterator[str]:
    """Name a variable for a private CA that does not work: every connection would fail, often without saying why."""
    file, folder = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    wanted = "It must be a file of certificates in PEM. Example: SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
    try:
        if file:
            ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        yield f"SSL_CERT_FILE is wrong: there is no certificate in the file. {wanted}"
    except OSError as error:
        yield f"SSL_CERT_FILE is wrong: the file cannot be read ({error.strerror}). {wanted}"
    if folder and not any(os.access(one, os.X_OK) for one in folder.split(os.pathsep)):
        yield "SSL_CERT_DIR is wrong: there is no such folder. Example: SSL_CERT_DIR=/etc/ssl/certs"


def _proxies(*addresses: str) -> Iterator[str]:
    for address in addresses:
        proxy = proxies.proxy_for(address)
        if proxy and (why := proxies.wrong_with(proxy)):
            kinds = [f"{address.partition(':')[0]}_proxy", "all_proxy"]
            names = (name for kind in kinds for name in (kind, kind.upper()) if os.environ.get(name, "").strip())
            name = next(names, kinds[0].upper())
            host = urlsplit(address).hostname
            yield (
                f"{name} is wrong: {why}. It must be the address of an HTTP proxy, or be left out; NO_PROXY names what "
                f"is reached without one, {host} for instance. Example: {name}=http://proxy.example.com:3128"
            )


def leave_home() -> None:
    """Set another HOME when this user may not enter it: libraries look for files there, and fail."""
    try:
        home = Path.home()
    except RuntimeError:  # HOME is unset, and the user is not in passwd
        home = _NOWHERE
    if not os.access(home, os.X_OK):
        os.environ["HOME"] = str(_NOWHERE)


def _outside(env_file: Path) -> dict[str, str]:
    """Return all variables that are not empty, with their names in capitals and their values without outer spaces."""
    outside = {**dotenv_values(env_file, encoding="utf-8-sig"), **os.environ}
    return {name.upper(): value.strip() for name, value in outside.items() if value and value.strip()}


def _no_transport(names: set[str]) -> Iterator[str]:
    """Without Socket Mode the signing secret is needed: it proves that a request comes from Slack."""
    given = {name.removesuffix("_FILE") for name in names}
    if not given & {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}:
        yield (
            "SLACK_SIGNING_SECRET is missing: without SLACK_APP_TOKEN Slack is heard over HTTP, and every request's "
            "signature is checked. Example: SLACK_SIGNING_SECRET=8f742231b10e8888abcd99yyyzzz85a5, "
            "or for Socket Mode SLACK_APP_TOKEN=xapp-1-A012-345-abc"
        )


def _unknown(names: set[str]) -> Iterator[str]:
    fields = {name.upper() for name in Settings.model_fields}
    known = fields | {f"{name}_FILE" for name in fields if _is_secret(name)}
    for name in sorted(name for name in names - known if name.startswith("BOT_")):
        meant = shapes.nearest(name, sorted(known))
        yield f"{name} is unknown: no setting has this name. The nearest is {_example(meant)}"


def _line(kind: type[BaseModel], details: ErrorDetails, in_files: Container[str]) -> str:
    """Turn one of pydantic's errors into a sentence that people can act on."""
    name = str(details["loc"][0])
    wanted = kind.model_fields[name].description
    if details["type"] == "missing":
        return f"{name.upper()} is missing: it must be {wanted}. Example: {_example(name)}"
    finding = _finding(name, details)
    finding = finding if len(finding) <= _LONGEST else f"{finding[:_LONGEST]}…"
    if name in in_files:
        example = _example(f"{name.upper()}_FILE")
        return f"{name.upper()}_FILE is wrong: in the file, {finding}. It must hold {wanted}. Example: {example}"
    return f"{name.upper()} is wrong: {finding}. It must be {wanted}. Example: {_example(name)}"


def _finding(name: str, details: ErrorDetails) -> str:
    if isinstance(details["input"], str) and shapes.quoted(details["input"]):
        return shapes.QUOTED
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    if _is_secret(name):
        return "it cannot be read"
    return f'"{redact(str(details["input"]))}" does not fit'


def _is_secret(name: str) -> bool:
    return "SecretStr" in str(Settings.model_fields[name.lower()].annotation)


def _example(name: str) -> str:
    field = Settings.model_fields.get(name.lower())
    if field is None:  # the name of a file with a secret
        return f"{name}=/run/secrets/{name.removesuffix('_FILE')}"
    return f"{name.upper()}={(field.examples or [''])[0]}"
