"""Who the bot is in Slack: its team, bot user and app, and whether its token still works."""

import asyncio
import re
from dataclasses import dataclass

import structlog
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.payload import Payload, app_of, teams_of
from bot.slack.web.calls import REFUSED, CallFailed, Failure, call

_log = structlog.get_logger(__name__)

NOT_ASKED = "not asked yet"
_APP_TOKEN = re.compile(r"xapp-[0-9]+-(?P<app>A[A-Z0-9]+)-")


class TokenRefused(Exception):
    """Slack refuses a token. `variable` names the setting that holds it; `why` says the same without naming it."""

    def __init__(self, code: str, *, variable: str) -> None:
        super().__init__(
            f"Slack refuses the token in {variable} ({code}). Start the bot again with one that is valid; "
            f"`upgrade-bot doctor` says more."
        )
        self.code = code
        self.variable = variable
        self.why = f"Slack refuses the token ({code})"


class TokenOfAnotherApp(TokenRefused):
    """The app-level token and the bot token belong to different Slack apps, so nothing people do would arrive here."""

    def __init__(self, theirs: str, ours: str) -> None:
        super().__init__("another app", variable="SLACK_APP_TOKEN")
        self.why = f"the token belongs to the Slack app {theirs}, and SLACK_BOT_TOKEN to {ours}"


class SlackUnreachable(Exception):
    """Slack did not answer; trying again may help."""


def refusal(failure: Failure, *, asked: str, variable: str) -> TokenRefused | SlackUnreachable:
    """Return the error for a failed call: Slack refuses the token, or another try may help."""
    if failure.code in REFUSED:
        return TokenRefused(failure.code, variable=variable)
    return SlackUnreachable(failure.why or f"Slack answered {asked} with {failure.code}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """What auth.test and bots.info return. `app_id` and `enterprise_id` are empty when Slack does not say."""

    team_id: str
    team: str
    enterprise_id: str
    bot_user_id: str
    bot_id: str
    app_id: str
    scopes: tuple[str, ...]
    url: str = ""
    bot_name: str = ""
    org_wide: bool = False
    """Whether the app is installed for an Enterprise organisation; calls about one workspace then need its ID."""

    def concerns(self, payload: Payload) -> bool:
        """Whether a payload is for this app and comes from its workspace or organisation."""
        app = app_of(payload)
        if self.app_id and app and app != self.app_id:
            return False
        return bool(teams_of(payload) & ({self.team_id, self.enterprise_id} - {""}))

    def check_app_token(self, token: str) -> None:
        """Raise TokenOfAnotherApp when the token names another app; a token that names none is accepted."""
        found = _APP_TOKEN.match(token)
        if found and self.app_id and found["app"] != self.app_id:
            raise TokenOfAnotherApp(found["app"], self.app_id)

    def is_home_of(self, team_id: str, enterprise_id: str) -> bool:
        """Whether people of this team or organisation belong to the installation."""
        return (bool(team_id) and team_id == self.team_id) or (
            bool(self.enterprise_id) and enterprise_id == self.enterprise_id
        )


class Identity:
    """The installation once it is known, and whether the token works; checked again every `recheck` seconds."""

    def __init__(self, *, client: AsyncWebClient, recheck: float = 20.0, pause: float = 2.0) -> None:
        self._client = client
        self._recheck = recheck
        self._pause = pause
        self._known: Installation | None = None
        self._error = NOT_ASKED
        self._learning = asyncio.Lock()

    @property
    def known(self) -> Installation | None:
        """Return the installation, None before the first answer of Slack."""
        return self._known

    @property
    def error(self) -> str:
        """Return why the last auth.test failed, empty when it succeeded."""
        return self._error

    async def learn(self) -> Installation:
        """Ask Slack who we are; raises TokenRefused, SlackUnreachable."""
        try:
            answer = await call("auth.test", self._client.auth_test())
            org_wide = answer.get("is_enterprise_install") is True
            enterprise_id = str(answer.get("enterprise_id") or "")
            app_id = await self._app_id(str(answer.get("bot_id") or ""), enterprise_id if org_wide else "")
        except CallFailed as error:
            refused = refusal(error.failure, asked="auth.test", variable="SLACK_BOT_TOKEN")
            self._error = str(refused)
            raise refused from error
        if not answer.get("team_id") and not answer.get("enterprise_id"):
            self._error = "auth.test named no team, so nobody can be told apart from its members"
            raise SlackUnreachable(self._error)
        scopes = str((answer.headers or {}).get("x-oauth-scopes") or (answer.headers or {}).get("X-OAuth-Scopes") or "")
        self._error = ""
        self._known = Installation(
            team_id=str(answer.get("team_id") or ""),
            team=str(answer.get("team") or ""),
            enterprise_id=enterprise_id,
            bot_user_id=str(answer.get("user_id") or ""),
            bot_id=str(answer.get("bot_id") or ""),
            app_id=app_id,
            scopes=tuple(scope.strip() for scope in scopes.split(",") if scope.strip()),
            url=str(answer.get("url") or ""),
            bot_name=str(answer.get("user") or ""),
            org_wide=org_wide,
        )
        return self._known

    async def soon(self, *, within: float = 1.0) -> Installation | None:
        """Return the installation, and ask Slack if it is not known yet; None when that takes too long."""
        if self._known is not None:
            return self._known
        try:
            async with asyncio.timeout(within), self._learning:
                return self._known or await self.learn()
        except (TimeoutError, TokenRefused, SlackUnreachable):
            return None

    async def keep(self) -> None:
        """Ask until Slack answers, then check from time to time whether the token still works."""
        pause = self._pause
        while True:
            before = self._error
            try:
                await self.learn()
            except (TokenRefused, SlackUnreachable) as error:
                if self._error != before:
                    _log.warning("slack.auth_failed", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._recheck)
                continue
            if before and before != NOT_ASKED:
                _log.info("slack.auth_works_again")
            pause = self._pause
            await asyncio.sleep(self._recheck)

    async def authorize(self) -> AuthorizeResult | None:
        """Return what Bolt needs before each listener; calls Slack only while the installation is unknown."""
        here = await self.soon()
        if here is None:
            return None
        return AuthorizeResult(
            enterprise_id=here.enterprise_id or None,
            team_id=here.team_id,
            bot_user_id=here.bot_user_id,
            bot_id=here.bot_id or None,
            bot_token=self._client.token,
        )

    async def _app_id(self, bot_id: str, organisation: str) -> str:
        """Return the app ID of a bot; the token of an org-wide installation needs the `organisation`."""
        if self._known is not None or not bot_id:
            return self._known.app_id if self._known else ""
        try:
            answer = await call("bots.info", self._client.bots_info(bot=bot_id, team_id=organisation or None))
        except CallFailed as error:
            if error.failure.status:  # Slack answered, but does not say
                return ""
            raise
        bot = answer.get("bot")
        return str(bot.get("app_id") or "") if isinstance(bot, dict) else ""
