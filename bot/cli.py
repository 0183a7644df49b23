"""The command line: commands, exit codes, one-line errors. Commands import what is slow to load themselves."""

import asyncio
import platform
import re
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from bot.observe.build import DISTRIBUTION, version_of
from bot.observe.printable import escape_unencodable_output, printable

OK: Final = 0
FAILED: Final = 1
WRONG: Final = 2
"""A wrong or missing setting, or a command line that cannot be understood."""
_TABLE: Final = "table"
_MOMENTS: Final = "2026-12-05, 2026-12-05T22:00:00Z, 7d or 7d ago"
_LIBRARIES: Final = (
    "slack-bolt", "slack-sdk", "httpx", "SQLAlchemy", "APScheduler", "pydantic", "aiohttp", "alembic",
    "aiosqlite", "asyncpg",
)  # fmt: skip

_NAMES: Final = typer.Option("--names", help="Ask Slack for the names of people, groups and channels.")

app = typer.Typer(
    name="upgrade-bot",
    help="Schedule cluster upgrades on Avisi Cloud from Slack, with approvals people can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
policy_app = typer.Typer(help="Look at the policy file.", no_args_is_help=True)
audit_app = typer.Typer(help="List and export the audit trail; `audit verify` checks it.")
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")


def main() -> None:
    """Run the command line."""
    escape_unencodable_output()
    app()


@app.command()
def run() -> None:
    """Run the bot against Slack and Avisi Cloud, configured by the environment and `.env`."""
    with _readable_errors():
        from bot.observe.logs import set_up
        from bot.observe.redaction import keep_secret
        from bot.policy.file import configuration

        settings, policy = configuration()
        keep_secret(*settings.secrets)
        set_up(form=settings.bot_log_format, level=settings.bot_log_level)

        from bot.app import run as run_bot
        from bot.settings import SettingsProblems
        from bot.slack.web.identity import TokenRefused

        try:
            _end(run_bot(settings, policy))
        except TokenRefused as error:
            example = "xapp-1-A012-345-abc" if error.variable == "SLACK_APP_TOKEN" else "xoxb-123-456-abc"
            said = f"{error.variable} is wrong: {error.why}"
            raise SettingsProblems(f"{said}. Example: {error.variable}={example}") from error


@app.command()
def sandbox(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page.")] = 8080,
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep state here; default: a temporary directory.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.001, max=1_000_000, help="One simulated hour takes 3600/N seconds.")
    ] = 60,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="A policy file to try out.")] = None,
    clusters: Annotated[
        int | None, typer.Option(min=1, max=5_000, metavar="N", help="Start with a fleet of N clusters; default: 9.")
    ] = None,
    script: Annotated[
        bool, typer.Option("--script", help="Play the story without a browser, print it and end.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
) -> None:
    """Run the bot in a simulated Slack against a simulated Avisi Cloud, all on this machine."""
    with _readable_errors():
        from bot.sandbox.run import serve
        from bot.sandbox.world import SandboxOptions

        options = SandboxOptions(
            port=port,
            host=host,
            data=data,
            speed=speed,
            policy=policy,
            clusters=clusters,
            script=script,
            open_page=open_page,
        )
        _end(serve(options))


@app.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
    round_trip: Annotated[
        bool, typer.Option("--round-trip", help="Post a button and wait until the running bot has stored its press.")
    ] = False,
    blocks: Annotated[
        bool, typer.Option("--blocks", help="Ask Slack whether it takes every kind of message and view, nothing else.")
    ] = False,
    cloud: Annotated[
        str | None,
        typer.Option(metavar="ORGANISATION", help="Say which shape Avisi Cloud's answers have, nothing else."),
    ] = None,
) -> None:
    """Check every setting and every connection, and say how to fix what is wrong."""
    with _readable_errors():
        from bot.doctor.block_checks import block_checks
        from bot.doctor.cloud_shapes import cloud_shapes
        from bot.doctor.examination import CHECKS, Check, examine_and_print
        from bot.doctor.round_trip import round_trip as pressed
        from bot.observe.logs import set_up
        from bot.observe.redaction import keep_secret
        from bot.policy.file import configuration

        only: tuple[Check, ...] = (block_checks,) if blocks else ()
        if cloud is not None:
            try:
                only = (*only, cloud_shapes(cloud))
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint="--cloud") from error
        settings, policy = configuration()
        keep_secret(*settings.secrets)
        set_up(form=settings.bot_log_format, level="error")
        checks = (*(only or CHECKS), *((pressed,) if round_trip else ()))
        _end(examine_and_print(settings, policy, *checks, form="json" if as_json else "text"))


@policy_app.command("check")
def policy_check(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A policy file; default: BOT_POLICY_FILE.")
    ] = None,
) -> None:
    """Validate a policy file and print each environment's effective rule in words."""
    with _readable_errors():
        from bot.policy.file import impossible, lacking, read_policy
        from bot.policy.words import in_full, out_of_reach, over_already
        from bot.settings import SettingsProblems, read_rule_settings

        settings = read_rule_settings()
        policy = read_policy(file or settings.bot_policy_file, settings)
        for name, rules in in_full(policy).items():
            typer.echo(printable(f"{name}:"))
            for rule in rules:
                typer.echo(printable(f"  - {rule}"))
        for line in (*lacking(policy), *out_of_reach(policy), *over_already(policy, today=_now().date())):
            typer.echo(f"Warning: {printable(line)}", err=True)
        if wrong := tuple(impossible(policy)):
            raise SettingsProblems(*wrong)


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    *,
    form: Annotated[str, typer.Option("--format", help="table, csv or jsonl.")] = _TABLE,
    since: Annotated[str | None, typer.Option(help=f"Only events since then: {_MOMENTS}.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Only this cluster: slug, environment/slug, or organisation/environment/slug.")
    ] = None,
    request: Annotated[str | None, typer.Option(help="Only this request.")] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Ask Slack for the names of people, groups and channels.")
    ] = False,
) -> None:
    """List the audit trail, oldest event first."""
    if context.invoked_subcommand is not None:
        narrowed = {
            "--format": form != _TABLE, "--since": since, "--cluster": cluster, "--request": request, "--names": names,
        }  # fmt: skip
        for option in (option for option, given in narrowed.items() if given):
            raise typer.BadParameter("it narrows the list; `audit verify` checks the whole trail", param_hint=option)
        return
    with _readable_errors():
        from bot.audit_output import Format, print_events
        from bot.settings import read_database_settings

        print_all = partial(
            print_events,
            read_database_settings().bot_database_url.get_secret_value(),
            form=Format(_one_of(form, [str(known) for known in Format])),
            since=_moment(since) if since else None,
            cluster=cluster,
            request=request,
        )
        _end(_naming(print_all) if names else print_all(name_of=None))


@audit_app.command("verify")
def audit_verify(
    expect: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier JSONL export, to find what was cut off.")
    ] = None,
) -> None:
    """Find changed, reordered or removed events."""
    with _readable_errors():
        from bot.audit_output import print_verdict, read_export
        from bot.settings import read_database_settings

        try:
            expected = list(read_export(expect)) if expect else []
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error), param_hint="--expect") from error
        _end(print_verdict(read_database_settings().bot_database_url.get_secret_value(), expect=expected))


@audit_app.command("report")
def audit_report(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="The request's ID, as `audit` shows it.")],
    output: Annotated[Path, typer.Option(metavar="FILE", help="The HTML file to write.")],
    *,
    names: Annotated[
        bool, typer.Option("--names", help="Ask Slack for the names of people, groups and channels.")
    ] = False,
) -> None:
    """Write the evidence of one request as an HTML page for an auditor."""
    with _readable_errors():
        from bot.app import real_time
        from bot.audit_output import write_report
        from bot.settings import read_database_settings

        url = read_database_settings().bot_database_url.get_secret_value()
        write = partial(write_report, url, request=request, output=output, at=real_time())
        _end(_naming(write) if names else write(name_of=None))


@app.command("manifest")
def print_manifest(
    *,
    socket: Annotated[bool, typer.Option("--socket", help="For Socket Mode (the default).")] = False,
    url: Annotated[str | None, typer.Option(help="For HTTP: the bot's public address, https://host.")] = None,
    name: Annotated[str, typer.Option(help="The app's name.")] = "Upgrade Bot",
    command: Annotated[str, typer.Option(help="The slash command.")] = "/schedule-upgrade",
) -> None:
    """Print the manifest of the Slack app, as YAML."""
    from bot.manifest import as_yaml, manifest, wrong_with

    if socket and url:
        raise typer.BadParameter("say either --socket or --url", param_hint="--url")
    for option, problem in wrong_with(url=url, name=name, command=command):
        raise typer.BadParameter(problem, param_hint=option)
    typer.echo(as_yaml(manifest(url=url, name=name, command=command)), nl=False)


@app.command("version")
def print_version() -> None:
    """Print the version of the bot, of Python and of the key libraries."""
    typer.echo(f"{DISTRIBUTION} {version_of(DISTRIBUTION)}")
    typer.echo(f"Python {platform.python_version()}")
    for library in _LIBRARIES:
        typer.echo(f"{library} {version_of(library)}")


@contextmanager
def _readable_errors() -> Iterator[None]:
    """Turn errors that an operator can fix into plain lines and an exit code; others are bugs and get a traceback."""
    from bot.settings import SettingsProblems, leave_home
    from bot.store.errors import DatabaseProblem

    leave_home()
    try:
        yield
    except SettingsProblems as error:
        for line in error.lines:
            typer.echo(printable(line), err=True)
        raise typer.Exit(WRONG) from error
    except DatabaseProblem as error:
        typer.echo(_one_line(error), err=True)
        raise typer.Exit(FAILED) from error
    except BrokenPipeError:
        raise  # typer ends silently when the reader of our output is gone
    except OSError as error:
        typer.echo(_cannot(error), err=True)
        raise typer.Exit(FAILED) from error


async def _naming(work: Callable[..., Coroutine[None, None, int]]) -> int:
    """Run what takes `name_of`, with Slack at hand; raises SettingsProblems, ConnectionError."""
    from bot.observe.redaction import keep_secret
    from bot.settings import read_settings
    from bot.slack.web.names import slack_names

    settings = read_settings()
    keep_secret(*settings.secrets)
    token = settings.slack_bot_token.get_secret_value()
    async with slack_names(token=token, base_url=settings.slack_api_url) as known:
        return await work(name_of=known.of)


def _end(work: Coroutine[None, None, int]) -> NoReturn:
    """Run a coroutine and end with its exit code."""
    raise typer.Exit(asyncio.run(work))


def _cannot(error: OSError) -> str:
    """Say what the machine does not let us do: write a file, listen at an address, reach Slack."""
    why = (error.strerror or "").lower()
    if error.filename is not None and why:
        return printable(f"Cannot write to {error.filename}: {why}")
    return re.sub(r"^\[Errno -?\d+\] ", "", _one_line(error))


def _one_line(error: Exception) -> str:
    from bot.observe.redaction import redact

    return printable(redact(" ".join(str(error).split()) or type(error).__name__))


def _one_of(word: str, known: list[str]) -> str:
    if word not in known:
        raise typer.BadParameter(f"it must be one of {', '.join(known)}", param_hint="--format")
    return word


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _moment(text: str) -> datetime:
    """Read a day, a moment (UTC when it names no zone), or how long ago."""
    from bot.policy.shape import duration

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return _now() - duration(text.strip().removesuffix(" ago"))
        except ValueError as error:
            raise typer.BadParameter(f'"{text}" is not a time such as {_MOMENTS}', param_hint="--since") from error
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise typer.BadParameter(f'"{text}" is out of reach; write {_MOMENTS}', param_hint="--since") from error
