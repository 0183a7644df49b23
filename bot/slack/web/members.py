"""The Members port over users.info and usergroups.users.list: looked up live, reused for at most 30 seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import AccountType, Member, MemberId
from bot.slack.payload import pick, text
from bot.slack.web.calls import REFUSED, Failure, call
from bot.slack.web.identity import Identity, Installation
from bot.workflow.errors import LookUpRefused, MembersUnavailable
from bot.workflow.permissions import who_is_it
from bot.workflow.ports import Members

_log = structlog.get_logger(__name__)

REUSED = 30.0
REMEMBERED = 3600.0
"""Seconds for which a full member stays one while Slack does not answer look-ups."""
SLACKBOT = "USLACKBOT"
_NOBODY = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
_NO_GROUP = frozenset({"no_such_subteam", "plan_upgrade_required", "subteam_not_found", "invalid_usergroup"})
_NO_GROUPS_HERE = "plan_upgrade_required"
_MOST_KEPT = 10_000
_AT_ONCE = 100
"""How many old answers are checked for each new one."""
_WORKSPACES = 300.0
"""Seconds for which the list of an organisation's workspaces is reused."""
_REFUSED = REFUSED | {
    "missing_argument",
    "invalid_arguments",
    "invalid_arg_name",
    "unknown_method",
    "method_deprecated",
    "deprecated_endpoint",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "team_not_found",
}
"""Codes that stay the same until somebody changes the app, its token or the bot."""
_TOKENS = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type"}
)

Answer = TypeVar("Answer")


class Reused(Generic[Answer]):
    """A cache of answers that asks one question at a time for each key. Failures are never kept.

    All answers become stale when `age` changes; at most `most` answers are kept.
    """

    def __init__(
        self,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        age: Callable[[], int] = lambda: 0,
        most: int = _MOST_KEPT,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._age = age
        self._kept: dict[str, tuple[float, int, Answer]] = {}
        self._asking: dict[tuple[str, int], asyncio.Task[Answer]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the kept answer, or ask. Callers who wait for the same key share one question, which outlives them."""
        kept, age = self._kept.get(key), self._age()
        if kept is not None and self._clock() - kept[0] < self._seconds and kept[1] == age:
            return kept[2]
        task = self._asking.get((key, age))
        if task is None:
            task = asyncio.ensure_future(self._ask(key, age, ask))
            self._asking[key, age] = task
            task.add_done_callback(lambda done: self._forget((key, age), done))
        return await asyncio.shield(task)

    def at_hand(self, key: str) -> Answer | None:
        """Return the kept answer, None when there is none that may be reused; asks nobody."""
        kept = self._kept.get(key)
        is_fresh = kept is not None and self._clock() - kept[0] < self._seconds and kept[1] == self._age()
        return kept[2] if kept is not None and is_fresh else None

    async def close(self) -> None:
        """Cancel all open questions."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, key: str, age: int, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        asked_at = self._clock()
        answer = await ask()
        self._kept.pop(key, None)
        self._kept[key] = (asked_at, age, answer)
        self._forget_old()
        return answer

    def _forget_old(self) -> None:
        """Drop answers that are too old or too many, the oldest first."""
        for key, (asked_at, _, _) in list(islice(self._kept.items(), _AT_ONCE)):
            if len(self._kept) <= self._most and self._clock() - asked_at < self._seconds:
                return
            del self._kept[key]

    def _forget(self, question: tuple[str, int], done: asyncio.Task[Answer]) -> None:
        self._asking.pop(question, None)
        if not done.cancelled():
            done.exception()  # retrieved, so that asyncio does not report a failure that nobody waited for


class People:
    """The Members port. An answer is reused for at most `seconds`."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        identity: Identity,
        seconds: float = REUSED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._identity = identity
        self._clock = clock
        self._full: dict[MemberId, tuple[float, Member]] = {}
        self._members: Reused[Member] = Reused(seconds=seconds)
        self._groups: Reused[frozenset[MemberId] | None] = Reused(seconds=seconds)
        self._workspaces: Reused[tuple[str, ...]] = Reused(seconds=_WORKSPACES)
        self._team_of: dict[str, str] = {}
        self._refusals: dict[str, str] = {}

    async def find(self, member: MemberId) -> Member:
        """Return a person; one that Slack does not know has the account type UNKNOWN."""
        return await self._members.get(member, lambda: self._find(member))

    async def group(self, group: str) -> frozenset[MemberId] | None:
        """Return the members of a user group, None when there is no such group (or no groups on this plan)."""
        return await self._groups.get(group, lambda: self._group(group))

    def group_at_hand(self, group: str) -> frozenset[MemberId] | None:
        """Return the members of a user group by an answer that may be reused, None when there is none; no call."""
        return self._groups.at_hand(group)

    async def answers(self) -> bool:
        """Whether Slack answers look-ups at all; looks up the bot itself."""
        here = self._identity.known
        try:
            await self._ask(MemberId(here.bot_user_id if here else ""))
        except MembersUnavailable:
            return False
        return True

    def recently_full(self, member: MemberId) -> Member | None:
        """Return a person who was a full member within the last hour, else None; makes no call."""
        at, found = self._full.get(member, (0.0, None))
        return found if found and self._clock() - at < REMEMBERED else None

    async def close(self) -> None:
        """Cancel all look-ups."""
        await self._members.close()
        await self._groups.close()
        await self._workspaces.close()

    async def _find(self, member: MemberId) -> Member:
        asked_at = self._clock()
        found = await self._ask(member)
        self._full.pop(member, None)
        if found.counts:
            if len(self._full) >= _MOST_KEPT:
                self._full.pop(next(iter(self._full)))  # the one that was seen longest ago
            self._full[member] = (asked_at, found)
        return found

    @property
    def refusal(self) -> str:
        """Return why Slack refuses to look up people, empty while it does not."""
        return self._refusals.get("users.info", "")

    @property
    def refusals(self) -> tuple[str, ...]:
        """Return which look-ups of people and groups Slack refuses, and what to do about it."""
        return tuple(self._refusals.values())

    async def _ask(self, member: MemberId) -> Member:
        here = await self._here()
        try:
            asked = self._client.users_info(user=member)
            answer = await self._look_up("users.info", asked, what="who people are")
        except UnknownToSlack:
            _log.warning("slack.names_nobody", member=member)
            return Member(id=member, name="", account_type=AccountType.UNKNOWN)
        return read_member(member, answer.get("user"), here)

    async def _group(self, group: str) -> frozenset[MemberId] | None:
        method = "usergroups.users.list"
        for team in await self._teams(group):
            try:
                asked = self._client.usergroups_users_list(usergroup=group, team_id=team)
                answer = await self._look_up(method, asked, what=f"who is in the user group {group}")
            except UnknownToSlack:
                continue
            if team:
                self._team_of[group] = team
            users = answer.get("users")
            return frozenset(MemberId(str(user)) for user in users) if isinstance(users, list) else frozenset()
        _log.warning("slack.names_nobody", group=group)
        return None

    async def _here(self) -> Installation:
        here = await self._identity.soon(within=5.0)
        if here is None:
            raise MembersUnavailable("Slack has not said yet who we are.")
        return here

    async def _teams(self, group: str) -> Sequence[str | None]:
        """Return the workspaces to search for a group; an org-wide installation has to name one in each call."""
        if not (await self._here()).org_wide:
            return [None]
        teams = await self._workspaces.get("", self._list_workspaces)
        if not teams:
            raise LookUpRefused(
                "The app is installed for the organisation, but approved for no workspace of it. An administrator of "
                "Slack has to add it to the workspace whose people use it."
            )
        known = self._team_of.get(group)
        return sorted(teams, key=lambda team: team != known)

    async def _list_workspaces(self) -> tuple[str, ...]:
        teams: list[str] = []
        cursor = ""
        while True:
            asked = self._client.auth_teams_list(cursor=cursor or None)
            answer = await self._look_up("auth.teams.list", asked, what="in which workspaces the app may work")
            listed = answer.get("teams")
            teams += [text(team, "id") for team in listed] if isinstance(listed, list) else []
            cursor = text(answer.get("response_metadata"), "next_cursor")
            if not cursor:
                return tuple(team for team in teams if team)

    async def _look_up(self, method: str, asked: Awaitable[Any], *, what: str) -> Any:  # noqa: ANN401 - Slack's answer
        """Await a look-up, and remember whether Slack refuses it; `what` says in words what is looked up.

        Raises UnknownToSlack, LookUpRefused or MembersUnavailable.
        """
        try:
            answer = await call(method, asked, error=partial(_look_up_failed, method, what))
        except LookUpRefused as error:
            self._refuse(method, str(error))
            raise
        except UnknownToSlack as error:
            if error.code == _NO_GROUPS_HERE:
                self._refuse(method, f"There are no user groups without a paid plan of Slack ({method}: {error.code}).")
            else:
                self._refusals.pop(method, None)
            raise
        self._refusals.pop(method, None)
        return answer

    def _refuse(self, method: str, why: str) -> None:
        if self._refusals.get(method) != why:
            _log.error("slack.look_up_refused", method=method, error=why)
        self._refusals[method] = why


class UnknownToSlack(Exception):
    """Slack knows nobody and nothing by that ID; `code` is Slack's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _look_up_failed(method: str, what: str, failure: Failure) -> Exception:
    """Return UnknownToSlack, LookUpRefused when only a change of the app helps, MembersUnavailable for all else."""
    code = failure.code
    if code in _NOBODY | _NO_GROUP:
        return UnknownToSlack(code)
    if code in _REFUSED:
        return LookUpRefused(f"Slack refuses to say {what} ({method}: {code}). {_way_out(failure)}")
    return MembersUnavailable(f"Slack could not be asked ({code}).")


def _way_out(failure: Failure) -> str:
    """Say what has to be done so that Slack answers again."""
    if failure.code == "missing_scope":
        scope = f"the scope {failure.needed}" if failure.needed else "a scope"
        return f"The app lacks {scope}: whoever runs the bot has to add it and reinstall the app."
    if failure.code in _TOKENS:
        return "The app's token is not valid: whoever runs the bot has to reinstall the app and set its new token."
    if failure.code in REFUSED:
        return "An administrator of Slack has to give the app access."
    return "Slack does not accept the question: whoever runs the bot finds more with `upgrade-bot doctor`."


def read_member(member: MemberId, user: object, here: Installation) -> Member:
    """Read a user object of Slack (docs.slack.dev/reference/objects/user-object)."""
    name = text(user, "profile", "display_name") or text(user, "real_name") or text(user, "name")
    return Member(id=member, name=name, account_type=_account_type(member, user, here), zone=text(user, "tz") or "UTC")


def _account_type(member: MemberId, user: object, here: Installation) -> AccountType:
    if not isinstance(user, dict):
        return AccountType.UNKNOWN
    if user.get("deleted"):
        return AccountType.DEACTIVATED
    if user.get("is_bot") or user.get("is_workflow_bot") or member == SLACKBOT:
        return AccountType.BOT
    enterprise = text(user, "enterprise_user", "enterprise_id") or text(user, "enterprise_id")
    team = text(user, "team_id") or text(pick(user, "profile"), "team")
    if user.get("is_stranger") or not here.is_home_of(team, enterprise):
        return AccountType.OUTSIDER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return AccountType.GUEST
    return AccountType.FULL


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessGate:
    """Decides before the ack who may use the bot, within a second."""

    members: Members
    within: float = 1.0

    async def identify(self, member: MemberId) -> Member | None:
        """Return the person; None when Slack does not answer in time and they were no full member in the last hour."""
        try:
            async with asyncio.timeout(self.within):
                return await self.members.find(member)
        except (TimeoutError, MembersUnavailable):
            return self.members.recently_full(member)

    def refusal(self, member: Member | None) -> str | None:
        """Return why this person may not use the bot, None for full members."""
        if member is None:
            return who_is_it(self.members)
        if member.counts:
            return None
        return (
            f"Only full members of this workspace may use this, and you are here as {_article(member.account_type)}. "
            "Please ask a member of the team to request the upgrade for you."
        )


def _article(account_type: AccountType) -> str:
    match account_type:
        case AccountType.GUEST:
            return "a guest"
        case AccountType.OUTSIDER:
            return "a person of another organisation"
        case AccountType.BOT:
            return "a bot"
        case AccountType.DEACTIVATED:
            return "somebody whose account is deactivated"
        case _:
            return "somebody whom Slack does not know"
