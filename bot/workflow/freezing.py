"""Freezes that people set: set, lifted, ended by themselves, and what each of them touches."""

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from bot.domain.calendar import Freeze
from bot.domain.cluster import Organisation
from bot.domain.errors import NotEntitled, Refused, RuleBroken, WrongState
from bot.domain.events import About
from bot.domain.findings import FreezeEnds, FreezeUnknown, MayNotFreeze, NothingToFreeze
from bot.domain.freeze import LONGEST_FREEZE, FreezeId, FrozenPlace, UpgradeFreeze
from bot.domain.people import Member, MemberId
from bot.domain.policy import Policy
from bot.domain.request import PERISHABLE, RequestId, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.domain.windows import Window
from bot.workflow import outbox
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import Missing, Stale
from bot.workflow.inbox import FreezeAsked, FreezeLiftPressed
from bot.workflow.permissions import Permissions, Words
from bot.workflow.ports import BeginReading, BeginWork, Clock, Lease, ReadOnlyWork
from bot.workflow.transitions import store_freeze

_TRIES = 8
_NOTHING = About(organisation="", environment="", cluster="", from_version="", to_version="")


def new_freeze_id() -> FreezeId:
    """Return an ID nobody can guess."""
    return FreezeId(secrets.token_hex(8))


class FreezeWords(Protocol):
    """Says to the person what came of it; safe mrkdwn."""

    def was_set(self, freeze: UpgradeFreeze, left_out: Sequence[MayNotFreeze], /) -> str:
        """Say what is frozen, and what is not because the person may not freeze it."""

    def was_lifted(self, freeze: UpgradeFreeze, /) -> str:
        """Say what is no longer frozen by it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AffectedByFreeze:
    """What a freeze touches, as it is now.

    `upgrades` are scheduled or running in a window that it touches, soonest first, each with its request if it was made
    here; `unknown` counts those without a known window. `underway` were being submitted when it was stored and are not
    among the upgrades. `expiring` counts the requests whose deadline it covers; `others` also freeze one of its places.
    """

    upgrades: tuple[tuple[ScheduledUpgrade, UpgradeRequest | None], ...] = ()
    unknown: int = 0
    underway: tuple[UpgradeRequest, ...] = ()
    expiring: int = 0
    others: tuple[UpgradeFreeze, ...] = ()


NOT_AFFECTED: Final = AffectedByFreeze()


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyFreeze:
    """A freeze of the policy file, the environments that have it, and the moments at which it begins and ends."""

    freeze: Freeze
    places: tuple[FrozenPlace, ...]
    begins: datetime
    ends: datetime

    def is_in_force(self, now: datetime) -> bool:
        """Whether upgrades are judged by it now; otherwise it is to come."""
        return self.begins <= now < self.ends


@dataclass(frozen=True, kw_only=True, slots=True)
class AllFreezes:
    """All freezes that are in force or to come."""

    set_by_people: tuple[UpgradeFreeze, ...]
    of_policy: tuple[PolicyFreeze, ...]


@dataclass(frozen=True, slots=True)
class Freezing:
    """Everything that is done with freezes that people set."""

    begin: BeginWork
    read: BeginReading
    policy: Policy
    catalog_cache: CatalogCache
    permissions: Permissions
    words: Words
    freeze_words: FreezeWords
    now: Clock
    new_id: Callable[[], FreezeId] = new_freeze_id

    # --- what people do ---

    async def set(self, number: int, asked: FreezeAsked, lease: Lease) -> None:
        """Store the freeze of inbox entry `number`, or refuse it privately; raises MembersUnavailable."""
        try:
            member = await self.permissions.somebody(asked.member)
            places, left_out = await self._places(asked.places, member)
            self._check_end(asked.until)
        except Refused as refusal:
            await self._refuse(number, asked.member, refusal, lease)
            return
        async with self.begin(lease) as work:
            await work.freezes.keep_submissions_out(places)
            freeze = UpgradeFreeze(
                id=self.new_id(),
                places=places,
                by=asked.member,
                since=self.now(),
                until=asked.until,
                reason=asked.reason,
            )
            begun = await work.requests.in_states(State.SUBMITTING)
            underway = tuple(one.id for one in begun if freeze.covers(one.organisation, one.environment))
            stored = await store_freeze(work, None, replace(freeze, underway=underway), at=freeze.since)
            text = self.freeze_words.was_set(stored, left_out)
            await work.outbox.put(outbox.answer(asked.member, text, key=f"inbox:{number}", about=_NOTHING))
            await work.inbox.done(number)
            await work.commit()

    async def lift(self, number: int, pressed: FreezeLiftPressed, lease: Lease) -> None:
        """Lift a freeze everywhere, or say privately why not; raises MembersUnavailable."""
        for _ in range(_TRIES):
            try:
                member = await self.permissions.somebody(pressed.member)
                freeze = await self._get(pressed.freeze_id)
                await self._check_may(freeze.places, member)
                async with self.begin(lease) as work:
                    lifted = freeze.lift(by=member.id, at=self.now())
                    stored = await store_freeze(work, freeze, lifted, at=self.now(), actor=member.id)
                    url, text = pressed.response_url, self.freeze_words.was_lifted(stored)
                    key = f"inbox:{number}"
                    await work.outbox.put(
                        outbox.answer(pressed.member, text, key=key, about=_NOTHING, response_url=url)
                    )
                    await work.inbox.done(number)
                    await work.commit()
            except Stale:
                continue
            except Refused as refusal:
                await self._refuse(number, pressed.member, refusal, lease, url=pressed.response_url)
            return
        raise Stale("the freeze kept changing while it was decided")

    async def refusals(self, member: Member, places: Collection[FrozenPlace]) -> tuple[MayNotFreeze, ...]:
        """Return why this person may not freeze some of the places; of all places (none given) only if they may none.

        Raises MembersUnavailable.
        """
        judged = [await self._not_permitted(place, member) for place in places or self.places()]
        found = tuple(one for one in judged if one)
        return found if places or len(found) == len(judged) else ()

    # --- what runs by itself ---

    async def end_due(self, lease: Lease) -> None:
        """End the freezes whose time is up, each once, and tell so in their threads."""
        now = self.now()
        async with self.read() as work:
            due = [freeze for freeze in await work.freezes.standing() if freeze.has_run_out(now)]
        for freeze in due:
            try:
                async with self.begin(lease) as work:
                    await store_freeze(work, freeze, freeze.end(at=now), at=now)
                    await work.commit()
            except Stale:
                continue  # lifted in the last moment, or ended by another process

    # --- reading ---

    def places(self) -> tuple[FrozenPlace, ...]:
        """Return every environment that the catalogs know, with the channel in which its upgrades are told."""
        return tuple(
            self._place(catalog.organisation, environment)
            for catalog in self.catalog_cache.catalogs
            for environment in sorted(catalog.environment_slugs)
        )

    async def all(self) -> AllFreezes:
        """Return what is in force and what is to come, from the policy file and from people."""
        now = self.now()
        async with self.read() as work:
            standing = await work.freezes.standing()
        found: dict[tuple[Freeze, datetime, datetime], list[FrozenPlace]] = {}
        for place in self.places():
            rule = self.policy.rule(place.organisation, place.environment)
            for freeze in rule.freeze:
                begins, ends = freeze.begin(rule.zone), freeze.end(rule.zone)
                if ends > now:
                    found.setdefault((freeze, begins, ends), []).append(place)
        return AllFreezes(
            set_by_people=tuple(one for one in standing if one.is_in_force(now)),
            of_policy=tuple(
                PolicyFreeze(freeze=freeze, places=tuple(places), begins=begins, ends=ends)
                for (freeze, begins, ends), places in found.items()
            ),
        )

    async def affected(self, freeze_id: FreezeId, *, channel: str) -> tuple[UpgradeFreeze, AffectedByFreeze]:
        """Return a freeze with what it touches in the environments of a channel; raises Missing."""
        async with self.read() as work:
            freeze = await work.freezes.get(freeze_id)
            return freeze, await find_affected(work, freeze, now=self.now(), channel=channel)

    # --- who may ---

    async def _places(
        self, wanted: Collection[FrozenPlace], member: Member
    ) -> tuple[tuple[FrozenPlace, ...], list[MayNotFreeze]]:
        """Return what this person freezes, and why not the rest of "All environments" (nothing is `wanted`).

        Raises NotEntitled when one of several that were chosen may not be frozen, or nothing is left of all.
        """
        known = {(one.organisation, one.environment): one for one in self.places()}
        chosen = [known[key] for one in wanted if (key := (one.organisation, one.environment)) in known]
        if wanted:
            await self._check_may(chosen, member)
            left_out = []
        else:
            judged = [(place, await self._not_permitted(place, member)) for place in known.values()]
            chosen = [place for place, why in judged if why is None]
            left_out = [why for _, why in judged if why]
        if not chosen:
            raise NotEntitled(*left_out) if left_out else RuleBroken(NothingToFreeze())
        return tuple(chosen), left_out

    async def _check_may(self, places: Collection[FrozenPlace], member: Member) -> None:
        found = [await self._not_permitted(place, member) for place in places]
        if why := [one for one in found if one]:
            raise NotEntitled(*why)

    async def _not_permitted(self, place: FrozenPlace, member: Member) -> MayNotFreeze | None:
        return await self.permissions.may_not_freeze(member, self.policy.rule(place.organisation, place.environment))

    def _check_end(self, until: datetime) -> None:
        if not self.now() < until <= self.now() + LONGEST_FREEZE:
            raise RuleBroken(FreezeEnds(until=until, most=LONGEST_FREEZE))

    def _place(self, organisation: Organisation, environment: str) -> FrozenPlace:
        channel = self.policy.rule(organisation, environment).channel
        return FrozenPlace(organisation=organisation, environment=environment, channel=channel)

    async def _get(self, freeze_id: FreezeId) -> UpgradeFreeze:
        async with self.read() as work:
            try:
                return await work.freezes.get(freeze_id)
            except Missing as error:
                raise WrongState(FreezeUnknown()) from error

    async def _refuse(
        self, number: int, member: MemberId, refusal: Refused, lease: Lease, *, url: str | None = None
    ) -> None:
        text = self.words.refusal(*refusal.why)
        async with self.begin(lease) as work:
            answer = outbox.answer(member, text, key=f"inbox:{number}", about=_NOTHING, response_url=url)
            await work.outbox.put(answer)
            await work.inbox.done(number)
            await work.commit()


async def find_affected(work: ReadOnlyWork, freeze: UpgradeFreeze, *, now: datetime, channel: str) -> AffectedByFreeze:
    """Return what a freeze touches in the environments of one channel."""
    places = tuple(one for one in freeze.places if one.channel == channel)
    here = replace(freeze, places=places)
    touched: list[ScheduledUpgrade] = []
    unknown = 0
    for organisation in dict.fromkeys(one.organisation for one in places):
        for upgrade in await work.upgrades.followed(organisation):
            if not here.covers(upgrade.organisation, upgrade.environment):
                continue
            if upgrade.window is None:
                unknown += 1
            elif _touches(freeze, upgrade.window):
                touched.append(upgrade)
    touched.sort(key=lambda one: (one.window.start if one.window else now, one.full_name))
    scheduled = {RequestId(one.request_id): one for one in touched if one.request_id}
    requests = await work.requests.these(*scheduled, *freeze.underway)
    underway = [requests[one] for one in freeze.underway if one in requests and one not in scheduled]
    waiting = await work.requests.in_states(*PERISHABLE)
    return AffectedByFreeze(
        upgrades=tuple((one, requests.get(RequestId(one.request_id or ""))) for one in touched),
        unknown=unknown,
        underway=tuple(one for one in underway if here.covers(one.organisation, one.environment)),
        expiring=sum(
            one.rollout is None
            and here.covers(one.organisation, one.environment)
            and freeze.since <= one.deadline < freeze.until
            for one in waiting
        ),
        others=tuple(
            one
            for one in await work.freezes.standing()
            if one.id != freeze.id
            and one.is_in_force(now)
            and any(one.covers(place.organisation, place.environment) for place in places)
        ),
    )


def _touches(freeze: UpgradeFreeze, window: Window) -> bool:
    return window.start < freeze.until and window.end > freeze.since
