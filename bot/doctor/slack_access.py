"""Checks the connection to Slack: tokens, scopes, transport, clocks."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

from slack_sdk.web.async_client import AsyncWebClient

from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, ok, unknown, warning, wrong
from bot.manifest import SCOPES
from bot.slack.web.calls import CallFailed, call
from bot.slack.web.identity import Installation, SlackUnreachable, TokenOfAnotherApp, TokenRefused

BOT_TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a variable
APP_TOKEN = "SLACK_APP_TOKEN"  # noqa: S105 - the name of a variable
_SKEW_WARNS = 30.0
_SKEW_BREAKS = 300.0
"""Seconds after which the bot refuses Slack's signatures as too old."""


async def slack_access(context: DoctorContext) -> AsyncIterator[Finding]:
    """Check whether Slack accepts the tokens, and who the bot is."""
    try:
        here = await context.identity.learn()
    except TokenRefused as error:
        fix = "Copy the Bot User OAuth Token again from the app's page, Install App. Example: SLACK_BOT_TOKEN=xoxb-…"
        yield wrong(BOT_TOKEN, f"Slack refuses the token ({error.code})", fix)
        return
    except SlackUnreachable as error:
        fix = reaching(context.settings.slack_api_url)
        yield wrong("SLACK_API_URL", str(error), fix)
        return
    where = "for the organisation" if here.org_wide else "in the workspace"
    yield ok(BOT_TOKEN, f"works {where} {here.team} ({here.team_id}) as the bot {here.bot_user_id}")
    yield _scopes(here)
    yield await _transport(context, here)
    yield _command(context)
    if found := await _clock(context):
        yield found


def _scopes(here: Installation) -> Finding:
    missing = [scope for scope in SCOPES if scope not in here.scopes]
    if not missing:
        return ok(BOT_TOKEN, "has every scope that is needed")
    if not here.scopes:
        return unknown(BOT_TOKEN, "Slack did not say which scopes the token has", "Compare them with manifest.yml.")
    text = f"lacks the scope{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
    fix = (
        "Add what is lacking on the app's page, OAuth & Permissions, or update the app from manifest.yml; reinstall it."
    )
    return wrong(BOT_TOKEN, text, fix)


async def _transport(context: DoctorContext, here: Installation) -> Finding:
    token = context.settings.slack_app_token
    if token is None:
        secret = "SLACK_SIGNING_SECRET"  # noqa: S105 - the name of a variable
        return ok(secret, "HTTP mode; only a request from Slack can prove the secret: try `doctor --round-trip`")
    client = AsyncWebClient(
        token=None, base_url=context.client.base_url, session=context.client.session, retry_handlers=[]
    )
    client.proxy = context.client.proxy  # its own reading of the environment ignores NO_PROXY
    try:
        await call("apps.connections.open", client.apps_connections_open(app_token=token.get_secret_value()))
    except CallFailed as error:
        code = error.failure.code
        if not error.failure.status:
            return wrong(APP_TOKEN, error.failure.why, reaching(context.settings.slack_api_url))
        fix = "Generate an app-level token with the scope connections:write, and switch Socket Mode on in the app."
        return wrong(APP_TOKEN, f"Slack opens no Socket Mode connection ({code})", fix)
    try:
        here.check_app_token(token.get_secret_value())
    except TokenOfAnotherApp as error:
        fix = "Generate the app-level token on the page of the app whose bot token it is, Basic Information."
        return wrong(APP_TOKEN, f"{error.why}: nothing that people do would arrive", fix)
    return ok(APP_TOKEN, "Slack offers a Socket Mode connection")


def _command(context: DoctorContext) -> Finding:
    """Name the command that the bot answers. A bot token cannot ask Slack which commands its app has."""
    text = f"{context.settings.bot_command} is answered; Slack does not tell whether the app has a command of this name"
    return ok("BOT_COMMAND", f"{text} (its page, Slash Commands): type it once")


async def _clock(context: DoctorContext) -> Finding | None:
    try:
        answer = await call("auth.test", context.client.auth_test())
        headers = {name.lower(): value for name, value in (answer.headers or {}).items()}
        skew = abs((context.now() - parsedate_to_datetime(str(headers["date"]))).total_seconds())
    except (CallFailed, KeyError, TypeError, ValueError):
        return None
    return clock_finding("SLACK_API_URL", "Slack", skew)


def reaching(address: str) -> str:
    """Say what to check when an address does not answer."""
    return f"Check that this machine reaches {address}; a proxy is given by HTTPS_PROXY, a private CA by SSL_CERT_FILE."


def clock_finding(about: str, service: str, skew: float) -> Finding:
    """Return the finding for a difference of so many seconds between this machine's clock and a service's."""
    text = f"this machine's clock and {service}'s are {skew:.0f} s apart"
    fix = "Synchronise this machine's clock (NTP): deadlines, reminders and signatures depend on it."
    if skew > _SKEW_BREAKS:
        return wrong(about, text, fix)
    if skew > _SKEW_WARNS:
        return warning(about, text, fix)
    return ok(about, text)
