"""Announcing the moves of a scheduled upgrade on the card, in the thread, in the channel and directly, each once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.events import StatusMoved, WindowBrokeRule, WindowMoved
from bot.domain.findings import BreaksRule
from bot.domain.policy import Policy, Rule
from bot.domain.request import OPEN, State, UpgradeRequest
from bot.domain.scheduled import (
    ALARMING,
    DONE,
    INFERRED,
    NOT_FOLLOWED,
    NOT_REPORTED,
    PENDING,
    Move,
    ScheduledUpgrade,
    Status,
)
from bot.domain.windows import Window
from bot.workflow import outbox
from bot.workflow.lookups import request_of
from bot.workflow.permissions import Words
from bot.workflow.ports import Clock, ReadOnlyWork, UnitOfWork
from bot.workflow.repositories import AlertCheck, Fact
from bot.workflow.rule_check import RuleCheck

AFTERWARDS = timedelta(minutes=15)
"""How long after an upgrade succeeded its alerts are compared."""
AT_ONCE = timedelta(minutes=1)
"""What would be told about one upgrade within so long is told once."""
_LATEST = 20


@dataclass(frozen=True, slots=True)
class Announcing:
    """Stores moves together with the messages about them."""

    policy: Policy
    rule_check: RuleCheck
    words: Words
    now: Clock

    async def confirmed(
        self,
        work: UnitOfWork,
        upgrade: ScheduledUpgrade,
        known: ScheduledUpgrade | None,
        request: UpgradeRequest,
    ) -> None:
        """Store an upgrade as the answer to a submission showed it; a status that is announced is announced.

        So is one past waiting, as an answer has that was found only afterwards.

        `known` is what was stored of the same record before, when the cloud keeps one record over reschedules.
        """
        moved = replace(upgrade, moves=upgrade.moves + 1)
        move = _move(moved, status=None, window=known.window if known else None, at=self.now())
        stored = await work.upgrades.save(moved, move)
        waits = stored.status in PENDING or stored.status == NOT_FOLLOWED
        if not waits or stored.status in self.policy.rule_of(stored).announced:
            event = self._status(stored, move, request)
            await self._tell(work, stored, request, event, channel=self._channel(stored))
        await self._check_window(work, stored, request)

    async def moved(self, work: UnitOfWork, before: ScheduledUpgrade, after: ScheduledUpgrade) -> ScheduledUpgrade:
        """Store a move that a poll saw and announce it; raises Stale."""
        move = _move(after, status=before.status, window=before.window, at=self.now())
        stored = await work.upgrades.save(after, move)
        request = await request_of(work, stored)
        if move.changed_status:
            await self._tell_status(work, before, stored, move, request)
        elif move.window != move.from_window:
            await self._tell_window(work, before, stored, move, request)
        if move.window != move.from_window:
            await self._check_window(work, stored, request)
        if move.changed_status and stored.status == Status.SUCCEEDED:
            check = AlertCheck(
                organisation=stored.organisation, upgrade=stored.identity, due_at=stored.status_since + AFTERWARDS
            )
            await work.alert_checks.put(check)
        await self._record(work, stored, move)
        await self._repaint_beside(work, stored)
        return stored

    async def appeared(self, work: UnitOfWork, upgrade: ScheduledUpgrade) -> ScheduledUpgrade:
        """Store an upgrade that nobody requested here and announce it, whatever its status; raises Stale."""
        first = replace(upgrade, moves=1)
        move = _move(first, status=None, window=None, at=self.now())
        stored = await work.upgrades.save(first, move)
        event = self._status(stored, move, None)
        await self._tell(work, stored, None, event, channel=self.policy.rule_of(stored).channel)
        await self._check_window(work, stored, None)
        await self._record(work, stored, move)
        await self._repaint_beside(work, stored)
        return stored

    async def _repaint_beside(self, work: UnitOfWork, upgrade: ScheduledUpgrade) -> None:
        """Draw the card of another request for the cluster again: it names the upgrade that it would supersede."""
        for request in await work.requests.of_cluster(upgrade.cluster_identity, *OPEN):
            if request.id != upgrade.request_id and not request.rollout:
                because = f"beside:{upgrade.identity}:{upgrade.moves}"
                await work.outbox.put(outbox.repaint(request, because=because))

    async def _tell_status(
        self,
        work: UnitOfWork,
        before: ScheduledUpgrade,
        after: ScheduledUpgrade,
        move: Move,
        request: UpgradeRequest | None,
    ) -> None:
        event, channel = self._status(after, move, request), self._channel(after)
        if await _is_back(work, before, after):
            channel = ""  # it was told there before the cloud stopped reporting it
        if await _ends_alarm(work, before, after) or _ends_waiting(before, after, request):
            event, channel = replace(event, ends_alarm=True), self.policy.rule_of(after).channel
        await self._tell(work, after, request, event, channel=channel)

    async def _tell_window(
        self,
        work: UnitOfWork,
        before: ScheduledUpgrade,
        after: ScheduledUpgrade,
        move: Move,
        request: UpgradeRequest | None,
    ) -> None:
        event = WindowMoved(
            about=outbox.about_upgrade(after, request),
            mention=not_asked(self.policy.rule_of(after), request),
            status=after.status,
            window=move.window,
            from_window=move.from_window,
        )
        channel, rule = self._channel(after), self.policy.rule_of(after)
        if rule.channel and await self._broken(work, after, request):
            if request and not request.rollout:  # the alert about it tells all of it
                await work.outbox.put(outbox.repaint(request, because=f"broke:{after.moves}"))
            return
        if await self._broken(work, before, request):
            event, channel = replace(event, ends_alarm=True), rule.channel
        await self._tell(work, after, request, event, channel=channel)

    async def _tell(
        self,
        work: UnitOfWork,
        upgrade: ScheduledUpgrade,
        request: UpgradeRequest | None,
        event: StatusMoved | WindowMoved,
        *,
        channel: str,
    ) -> None:
        """Tell the latest move in the channel, if it has one, else in the thread; an outcome to the requester, too."""
        key = f"move:{upgrade.organisation}:{upgrade.identity}:{upgrade.moves}"
        alarms = upgrade.status in ALARMING or event.ends_alarm
        gathered = request is not None and request.rollout is not None and not alarms  # the rollout tells many at once
        if channel and not gathered:
            near = self._countdown_just_due(upgrade) if upgrade.status == Status.SCHEDULED_NOTIFIED else ""
            await work.outbox.put(outbox.in_channel(channel, event, key=near or key))
        if request is None or request.rollout:
            return
        quiet = replace(event, mention=())
        await work.outbox.put(outbox.repaint(request, because=key))
        if not channel:
            await work.outbox.put(outbox.in_thread(request, quiet, key=key))
        if isinstance(event, StatusMoved) and upgrade.is_final and request.state is State.SUBMITTED:
            await work.outbox.put(outbox.to_requester(request, quiet, key=key))

    def _status(self, upgrade: ScheduledUpgrade, move: Move, request: UpgradeRequest | None) -> StatusMoved:
        rule = self.policy.rule_of(upgrade)
        asked = (request.requester,) if request else ()
        called = (*asked, *rule.on_call) if upgrade.status in ALARMING else ()
        return StatusMoved(
            about=outbox.about_upgrade(upgrade, request),
            mention=tuple(dict.fromkeys((*called, *not_asked(rule, request)))),
            status=upgrade.status,
            from_status=move.from_status,
            window=upgrade.window,
            reason=upgrade.reason,
            inferred=upgrade.status in INFERRED,
        )

    def _countdown_just_due(self, upgrade: ScheduledUpgrade) -> str:
        """Return the key of a countdown that was due within the last minute: one message tells both."""
        if upgrade.window is None:
            return ""
        for ahead in self.policy.rule_of(upgrade).reminders:
            if timedelta(0) <= self.now() - (upgrade.window.start - ahead) < AT_ONCE:
                return countdown_key(upgrade, upgrade.window, ahead)
        return ""

    async def _broken(
        self, work: ReadOnlyWork, upgrade: ScheduledUpgrade, request: UpgradeRequest | None
    ) -> BreaksRule | None:
        """Return the rule that the window of an upgrade which has not begun breaks."""
        if upgrade.window is None or upgrade.status not in PENDING:
            return None
        return await self.rule_check.window(work, upgrade, upgrade.window, request)

    async def _check_window(self, work: UnitOfWork, upgrade: ScheduledUpgrade, request: UpgradeRequest | None) -> None:
        """Alert at once when the window that the cloud chose lies where nothing may run."""
        rule, window = self.policy.rule_of(upgrade), upgrade.window
        if window is None or not rule.channel or (broken := await self._broken(work, upgrade, request)) is None:
            return
        text = self.words.advice(broken)
        mention = (request.requester,) if request else rule.notify
        event = WindowBrokeRule(about=outbox.about_upgrade(upgrade, request), mention=mention, window=window, rule=text)
        key = f"broke:{upgrade.organisation}:{upgrade.identity}:{upgrade.moves}"
        await work.outbox.put(outbox.in_channel(rule.channel, event, key=key))

    async def _record(self, work: UnitOfWork, upgrade: ScheduledUpgrade, move: Move) -> None:
        if upgrade.request_id is None:
            return
        facts: dict[str, object] = {
            "status": upgrade.status,
            "from_status": move.from_status,
            "move": move.number,
            "window_start": move.window.start.isoformat() if move.window else None,
            "window_end": move.window.end.isoformat() if move.window else None,
            "reason": upgrade.reason,
        }
        await work.audit.append(
            Fact(
                kind="status moved",
                at=move.seen_at,
                request_id=upgrade.request_id,
                organisation=upgrade.organisation,
                cluster=upgrade.full_name,
                facts=facts,
            )
        )

    def _channel(self, upgrade: ScheduledUpgrade) -> str:
        """Return the channel in which the status of an upgrade is posted; empty when there is none."""
        rule = self.policy.rule_of(upgrade)
        return rule.channel if upgrade.status in rule.announced else ""


def _move(after: ScheduledUpgrade, *, status: str | None, window: Window | None, at: datetime) -> Move:
    return Move(
        number=after.moves,
        seen_at=at,
        status=after.status,
        from_status=status,
        window=after.window,
        from_window=window,
        reason=after.reason,
    )


def not_asked(rule: Rule, request: UpgradeRequest | None) -> tuple[str, ...]:
    """Return those who would have been asked to approve an upgrade that nobody requested here."""
    return rule.notify if request is None and rule.required_approvals else ()


def countdown_key(upgrade: ScheduledUpgrade, window: Window, ahead: timedelta) -> str:
    """Return the key of a countdown's message."""
    hours = ahead.total_seconds() / 3600
    return f"near:{upgrade.organisation}:{upgrade.identity}:{window.start.isoformat()}:{hours:g}"


async def _ends_alarm(work: ReadOnlyWork, before: ScheduledUpgrade, after: ScheduledUpgrade) -> bool:
    """Whether the channel waits for this news: an upgrade that overran has ended, or one after a failure is done."""
    if after.status in ALARMING:
        return False
    if after.status not in DONE:
        return before.overrun_told and after.is_final
    moves = await work.upgrades.moves(after.organisation, after.identity)
    others = await work.upgrades.of_cluster(after.cluster_identity, limit=_LATEST)
    earlier = [move.status for move in reversed(moves) if move.number < after.moves]
    earlier += [one.status for one in others if one.identity != after.identity]
    return before.overrun_told or next((one in ALARMING for one in earlier if one in ALARMING | DONE), False)


def _ends_waiting(before: ScheduledUpgrade, after: ScheduledUpgrade, request: UpgradeRequest | None) -> bool:
    """Whether the channel was told that it waits for too long, and it goes on now."""
    told = request is not None and request.stale_told
    return told and before.status == Status.REQUESTED and after.status not in ALARMING


async def _is_back(work: ReadOnlyWork, before: ScheduledUpgrade, after: ScheduledUpgrade) -> bool:
    """Whether it is as it was before the cloud stopped reporting it, which was posted then."""
    if before.status != NOT_REPORTED or before.window != after.window:
        return False
    moves = await work.upgrades.moves(before.organisation, before.identity)
    return any(move.number == before.moves and move.from_status == after.status for move in moves)
