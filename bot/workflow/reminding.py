"""What is due by the clock: deadlines, reminders, countdowns to windows, overruns, Home; and votes checked again."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from bot.domain.cluster import Organisation
from bot.domain.events import AcknowledgementMissing, ApproversReminded, UpgradeOverran, UpgradeStale, WindowNear
from bot.domain.freeze import UpgradeFreeze
from bot.domain.people import EVERYONE
from bot.domain.policy import Policy, Rule
from bot.domain.request import PERISHABLE, RequestId, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade, Status
from bot.domain.windows import Window
from bot.workflow import outbox
from bot.workflow.announcing import AT_ONCE, countdown_key, not_asked
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.errors import MembersUnavailable, Stale
from bot.workflow.lookups import request_of
from bot.workflow.permissions import Permissions
from bot.workflow.ports import BeginReading, BeginWork, Clock, Lease, UnitOfWork
from bot.workflow.repositories import Source
from bot.workflow.revoting import Revoting
from bot.workflow.rule_check import RuleCheck
from bot.workflow.transitions import Change, expire, store_request

_LATE = 0.25
"""A countdown is dropped when it comes later than this share of its lead."""
_MOST_BY_NAME = 10
_HOME_AFTER = timedelta(seconds=30)
_HOME_FOR = timedelta(hours=1)


@dataclass(slots=True)
class Countdowns:
    """Remembers the countdowns just posted. The store knows them all; this only saves a transaction each second."""

    _keys: frozenset[str] = frozenset()

    def fresh(self, due: Mapping[str, "_Near"]) -> list["_Near"]:
        """Return those that were not posted in the last round."""
        return [near for key, near in due.items() if key not in self._keys]

    def posted(self, keys: Iterable[str]) -> None:
        """Remember these and forget all others."""
        self._keys = frozenset(keys)


@dataclass(frozen=True, slots=True)
class Reminding:
    """Does what is due by the clock. It is called every second and does each thing once.

    Upgrades of organisations that are no longer configured are history.
    """

    begin: BeginWork
    read: BeginReading
    policy: Policy
    organisations: tuple[Organisation, ...]
    catalog_cache: CatalogCache
    permissions: Permissions
    rule_check: RuleCheck
    revoting: Revoting
    now: Clock
    real_time: Clock
    countdowns: Countdowns = field(default_factory=Countdowns)

    async def look_round(self, lease: Lease) -> None:
        """Do everything that is due now."""
        await self._requests(lease)
        await self._windows(lease)
        await self._stale(lease)

    async def _requests(self, lease: Lease) -> None:
        async with self.read() as work:
            waiting = await work.requests.in_states(*PERISHABLE)
            freezes = await work.freezes.standing()
            unacknowledged = await work.requests.unacknowledged()
        for request in waiting:
            if self.now() >= request.deadline:
                await self._quietly(partial(expire, request=request, at=self.now()), lease)
            elif self._is_expected_otherwise(request):
                await self._quietly(partial(self._expect, request=request), lease)
            elif request.state is State.PENDING_APPROVAL:
                await self._waiting(request, freezes, lease)

        for request in unacknowledged:
            if request.state is not State.PENDING_APPROVAL:  # else they are reminded that it waits for approval
                await self._unacknowledged(request, lease)

    async def _unacknowledged(self, request: UpgradeRequest, lease: Lease) -> None:
        rule = self.rule_check.rule(request)
        since = request.reminded_at or request.requested_at
        if self.now() < since + rule.remind_approvers_after * 2**request.reminders:
            return

        async def remind(work: UnitOfWork) -> None:
            current = await work.requests.get(request.id)
            if current.needs_acknowledgement and current.reminders == request.reminders:
                others = (one for one in rule.approvers if one not in {EVERYONE, current.requester})
                event = AcknowledgementMissing(about=outbox.about(current), mention=tuple(others))
                change = Change(audit="approvers reminded", at=self.now(), thread=(event,))
                await store_request(work, current, current.remind(at=self.now()), change)

        await self._quietly(remind, lease)

    def _is_expected_otherwise(self, request: UpgradeRequest) -> bool:
        """Whether the window that the card shows has passed, or the cluster's windows are other ones now."""
        shown, now = request.estimate, self.now()
        if shown is None or request.ignore_windows:
            return False
        if not self.catalog_cache.holds(request.organisation):
            return shown.end <= now
        return self.rule_check.expected(request, now=now) != replace(shown, start=max(shown.start, now))

    async def _expect(self, work: UnitOfWork, request: UpgradeRequest) -> None:
        """Show the window that is expected now, so that nobody decides next to one that has passed."""
        now = self.now()
        window = self.rule_check.expected(request, now=now)
        facts = {
            "window_start": window.start.isoformat() if window else None,
            "window_end": window.end.isoformat() if window else None,
        }
        change = Change(audit="window estimated again", at=now, facts=facts, repaint="estimate")
        await store_request(work, request, request.expect(window), change)

    async def _waiting(self, request: UpgradeRequest, freezes: Collection[UpgradeFreeze], lease: Lease) -> None:
        rule = self.rule_check.rule(request)
        since = request.reminded_at or request.requested_at
        gap = rule.remind_approvers_after * 2**request.reminders
        try:
            await self.revoting.rejudge(request, freezes)
            if self.now() < since + gap:
                return
            mention = await self._to_remind(request, rule)
        except (Stale, MembersUnavailable):
            return
        await self._quietly(partial(self._remind, request=request, mention=mention), lease)

    async def _to_remind(self, request: UpgradeRequest, rule: Rule) -> tuple[str, ...]:
        """Return whom to mention: of a group with people who have already voted or may not vote, only the others."""
        gone = request.voters | (frozenset() if rule.self_approval else {request.requester})
        found: list[str] = []
        for one in rule.notify:
            members = (await self.permissions.people([one])).members
            left = members - gone
            found += sorted(left) if left != members and len(left) <= _MOST_BY_NAME else [one] if left else []
        return tuple(dict.fromkeys(found))

    async def _remind(self, work: UnitOfWork, request: UpgradeRequest, mention: tuple[str, ...]) -> None:
        current = await work.requests.get(request.id)
        if current.state is not State.PENDING_APPROVAL or current.reminders != request.reminders:
            return
        now = self.now()
        event = ApproversReminded(
            about=outbox.about(current),
            mention=mention,
            count=len(current.votes),
            required=current.required,
            deadline=current.deadline,
        )
        change = Change(audit="approvers reminded", at=now, thread=(event,))
        await store_request(work, current, current.remind(at=now), change)

    async def _windows(self, lease: Lease) -> None:
        now = self.now()
        furthest = max((ahead for rule in self.policy.rules for ahead in rule.reminders), default=timedelta(0))
        async with self.read() as work:
            coming = await work.upgrades.windows_between(now, now + furthest)
            running = await work.upgrades.windows_between(now - timedelta(days=7), now)
        due = {near.key: near for upgrade in self._ours(coming) if (near := self._near(upgrade, now))}
        for near in self.countdowns.fresh(due):
            await self._quietly(partial(self._count_down, near=near), lease)
        self.countdowns.posted(due)
        for upgrade in await self._overdue(running):
            await self._quietly(partial(self._overran, upgrade=upgrade), lease)

    async def _overdue(self, upgrades: Iterable[ScheduledUpgrade]) -> list[ScheduledUpgrade]:
        """Return the upgrades that were still running in a reading made after the end of their window.

        Before such a reading nobody can tell, as most have just ended. A reading that did not list one says nothing.
        """
        now = self.now()
        running = [
            upgrade
            for upgrade in self._ours(upgrades)
            if upgrade.status == Status.IN_PROGRESS and not upgrade.overrun_told and upgrade.missing_since is None
            if upgrade.window is not None and upgrade.window.end < now
        ]
        if not running:
            return []
        async with self.read() as work:
            feeds = {one: await work.feeds.get(one) for one in {upgrade.organisation for upgrade in running}}
        return [
            upgrade
            for upgrade in running
            if (feed := feeds[upgrade.organisation]).source is Source.ORGANISATION
            if feed.read_at is not None and upgrade.window is not None and feed.read_at > upgrade.window.end
        ]

    def _ours(self, upgrades: Iterable[ScheduledUpgrade]) -> Iterator[ScheduledUpgrade]:
        return (upgrade for upgrade in upgrades if upgrade.organisation in self.organisations)

    def _near(self, upgrade: ScheduledUpgrade, now: datetime) -> "_Near | None":
        """Return the countdown that is due now, if any."""
        rule = self.policy.rule_of(upgrade)
        window = upgrade.window
        if window is None or upgrade.status == Status.IN_PROGRESS or not rule.channel:
            return None
        nearest = nearest_reminder(window, rule, now=now)
        if nearest is None:
            return None
        return _Near(upgrade=upgrade, window=window, channel=rule.channel, ahead=nearest)

    async def _count_down(self, work: UnitOfWork, near: "_Near") -> None:
        request = await request_of(work, near.upgrade)
        if request and request.state is State.REPLACED:
            return  # the cloud has not said yet that a newer upgrade took its place
        if request and request.rollout:
            return  # the rollout counts down for many at once
        if await self._was_just_told(work, near, request):
            return
        about = outbox.about_upgrade(near.upgrade, request)
        feed = await work.feeds.get(near.upgrade.organisation)
        unread = feed.read_at if feed.blind_since and feed.source is Source.ORGANISATION else None
        event = WindowNear(
            about=about,
            mention=not_asked(self.policy.rule_of(near.upgrade), request),
            window=near.window,
            hours=near.ahead.total_seconds() / 3600,
            unread_since=unread,
        )
        await work.outbox.put(outbox.in_channel(near.channel, event, key=near.key))

    async def _was_just_told(self, work: UnitOfWork, near: "_Near", request: UpgradeRequest | None) -> bool:
        """Whether people know it anyway: the window began within the lead at submission, or the channel was told.

        What the channel was told after the countdown was due, or within the minute before, was told in its place.
        """
        due = near.window.start - near.ahead
        if request and request.attempted_at and request.attempted_at > due - AT_ONCE:
            return True
        if near.upgrade.status not in self.policy.rule_of(near.upgrade).announced:
            return False
        moves = await work.upgrades.moves(near.upgrade.organisation, near.upgrade.identity)
        return bool(moves) and moves[-1].seen_at > due - AT_ONCE

    async def _stale(self, lease: Lease) -> None:
        """Tell once of each upgrade that a reading after `stale_after` still has as REQUESTED.

        A reading of before that moment says nothing, nor does one that did not list it.
        """
        now = self.now()
        soonest = min(rule.stale_after for rule in self.policy.rules)
        async with self.read() as work:
            waiting = list(self._ours(await work.upgrades.requested_before(now - soonest)))
            if not waiting:
                return
            requests = await work.requests.these(*(RequestId(one.request_id or "") for one in waiting))
            feeds = {one: await work.feeds.get(one) for one in {upgrade.organisation for upgrade in waiting}}
        for upgrade in waiting:
            feed, request = feeds[upgrade.organisation], requests.get(RequestId(upgrade.request_id or ""))
            due = upgrade.status_since + self.policy.rule_of(upgrade).stale_after
            is_read = feed.source is Source.ORGANISATION and feed.blind_since is None
            if request is None or request.stale_told or not is_read or upgrade.missing_since is not None:
                continue
            if feed.read_at is not None and feed.read_at >= due:
                await self._quietly(partial(self._tell_stale, upgrade=upgrade, request=request), lease)

    async def _tell_stale(self, work: UnitOfWork, upgrade: ScheduledUpgrade, request: UpgradeRequest) -> None:
        now, channel = self.now(), self.policy.rule_of(upgrade).channel
        about = outbox.about_upgrade(upgrade, request)
        event = UpgradeStale(about=about, mention=(request.requester,), since=upgrade.status_since)
        change = Change(audit="still not scheduled", at=now, facts={"since": upgrade.status_since.isoformat()})
        await store_request(work, request, request.stale(), change)
        if channel:
            await work.outbox.put(outbox.in_channel(channel, event, key=f"stale:{request.id}"))

    async def _overran(self, work: UnitOfWork, upgrade: ScheduledUpgrade) -> None:
        rule = self.policy.rule_of(upgrade)
        window = upgrade.window
        if window is None:
            return
        await work.upgrades.save(replace(upgrade, overrun_told=True))
        key = f"overran:{upgrade.organisation}:{upgrade.identity}:{window.end.isoformat()}"
        request = await request_of(work, upgrade)
        if request and not request.rollout:
            await work.outbox.put(outbox.repaint(request, because=key))
        if rule.channel:
            about = outbox.about_upgrade(upgrade, request)
            event = UpgradeOverran(about=about, mention=not_asked(rule, request), window=window)
            await work.outbox.put(outbox.in_channel(rule.channel, event, key=key))

    async def _quietly(self, write: Callable[[UnitOfWork], Awaitable[object]], lease: Lease) -> None:
        """Do one thing in its own transaction; if somebody else was faster, the next round tries again."""
        try:
            async with self.begin(lease) as work:
                await write(work)
                await work.commit()
        except Stale:
            return

    async def refusals(self, lease: Lease) -> None:
        """Add the refusals that were repeated within a minute to the audit trail."""
        now = self.now()
        async with self.read() as work:
            if not await work.audit.has_counted(at=now):
                return
        async with self.begin(lease) as work:
            await work.audit.append_counted(at=now)
            await work.commit()

    async def homes(self, lease: Lease) -> None:
        """Publish every App Home again that was opened recently."""
        now = self.real_time()
        async with self.read() as work:
            stale = await work.homes.to_publish(opened_after=now - _HOME_FOR, published_before=now - _HOME_AFTER)
        if not stale:
            return
        async with self.begin(lease) as work:
            for member in stale:
                await work.homes.published(member, at=now)
                await work.outbox.put(outbox.publish_home(member, key=now.isoformat()))
            await work.commit()


def nearest_reminder(window: Window, rule: Rule, *, now: datetime) -> timedelta | None:
    """Return the lead of the countdown that is due now for a window, None when none is."""
    if window.start <= now:
        return None
    nearest = min((ahead for ahead in rule.reminders if window.start - ahead <= now), default=None)
    if nearest is None or now - (window.start - nearest) > nearest * _LATE:
        return None
    return nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class _Near:
    """A countdown that is due."""

    upgrade: ScheduledUpgrade
    window: Window
    channel: str
    ahead: timedelta

    @property
    def key(self) -> str:
        return countdown_key(self.upgrade, self.window, self.ahead)
