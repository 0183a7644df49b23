"""Announcing the moves of a scheduled upgrade on the card, in the thread, in the channel and directly, each once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.events import StatusMoved, WindowBrokeRule, WindowMoved
from bot.domain.policy import ALWAYS_ANNOUNCED, Policy, Rule
from bot.domain.request import OPEN, State, UpgradeRequest
from bot.domain.scheduled import ALARMING, INFERRED, NOT_FOLLOWED, NOT_REPORTED, PENDING, Move, ScheduledUpgrade
from bot.domain.windows import Window
from bot.workflow import outbox
from bot.workflow.lookups import request_of
from bot.workflow.ports import Clock, ReadOnlyWork, UnitOfWork
from bot.workflow.repositories import AlertCheck, Fact
from bot.workflow.rule_check import RuleCheck

AFTERWARDS = timedelta(minutes=15)
"""How long after an upgrade succeeded its alerts are compared."""


@dataclass(frozen=True, slots=True)
class Announcing:
    """Stores moves together with the messages about them."""

    policy: Policy
    rule_check: RuleCheck
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
        if not waits or stored.status in self._announced(self.policy.rule_of(stored)):
            await self._tell_status(work, stored, move, request, channel=self._channel(stored))
        await self._check_window(work, stored, request)

    async def moved(self, work: UnitOfWork, before: ScheduledUpgrade, after: ScheduledUpgrade) -> ScheduledUpgrade:
        """Store a move that a poll saw and announce it; raises Stale."""
        move = _move(after, status=before.status, window=before.window, at=self.now())
        stored = await work.upgrades.save(after, move)
        request = await request_of(work, stored)
        if move.changed_status:
            known_there = await _is_back(work, before, stored)
            await self._tell_status(work, stored, move, request, channel="" if known_there else self._channel(stored))
        elif move.window != move.from_window:
            await self._tell_window(work, stored, move, request)
        if move.window != move.from_window:
            await self._check_window(work, stored, request)
        if move.changed_status and stored.status == "SUCCEEDED":
            check = AlertCheck(
                organisation=stored.organisation, upgrade=stored.identity, due_at=stored.status_since + AFTERWARDS
            )
            await work.alert_checks.put(check)
        await self._record(work, stored, move)
        await self._repaint_beside(work, stored)
        return stored

    async def appeared(self, work: UnitOfWork, upgrade: ScheduledUpgrade) -> ScheduledUpgrade:
        """Store an upgrade that nobody requested here and announce it; raises Stale."""
        first = replace(upgrade, moves=1)
        move = _move(first, status=None, window=None, at=self.now())
        stored = await work.upgrades.save(first, move)
        await self._tell_status(work, stored, move, None, channel=self._channel(stored))
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
        self, work: UnitOfWork, upgrade: ScheduledUpgrade, move: Move, request: UpgradeRequest | None, *, channel: str
    ) -> None:
        rule = self.policy.rule_of(upgrade)
        alarming = upgrade.status in ALARMING
        mention: tuple[str, ...] = ()
        if alarming:
            mention = tuple(dict.fromkeys((*([request.requester] if request else []), *rule.on_call)))
        event = StatusMoved(
            about=outbox.about_upgrade(upgrade, request),
            mention=mention,
            status=upgrade.status,
            from_status=move.from_status,
            window=upgrade.window,
            reason=upgrade.reason,
            inferred=upgrade.status in INFERRED,
        )
        key = f"move:{upgrade.organisation}:{upgrade.identity}:{move.number}"
        if channel:
            await work.outbox.put(outbox.in_channel(channel, event, key=key))
        if request is None or request.rollout:
            return
        quiet = replace(event, mention=())
        await work.outbox.put(
            outbox.repaint(request, because=key),
            outbox.in_thread(request, quiet, key=key),
        )
        if upgrade.is_final and request.state is State.SUBMITTED:
            await work.outbox.put(outbox.to_requester(request, quiet, key=key))

    async def _tell_window(
        self, work: UnitOfWork, upgrade: ScheduledUpgrade, move: Move, request: UpgradeRequest | None
    ) -> None:
        event = WindowMoved(
            about=outbox.about_upgrade(upgrade, request),
            status=upgrade.status,
            window=move.window,
            from_window=move.from_window,
        )
        key = f"move:{upgrade.organisation}:{upgrade.identity}:{move.number}"
        if channel := self._channel(upgrade):
            await work.outbox.put(outbox.in_channel(channel, event, key=key))
        if request is not None and not request.rollout:
            await work.outbox.put(outbox.repaint(request, because=key), outbox.in_thread(request, event, key=key))

    async def _check_window(self, work: UnitOfWork, upgrade: ScheduledUpgrade, request: UpgradeRequest | None) -> None:
        """Alert at once when the window that the cloud chose lies where nothing may run."""
        rule, window = self.policy.rule_of(upgrade), upgrade.window
        if window is None or upgrade.status not in PENDING or not rule.channel:
            return
        broken = await self.rule_check.window(work, upgrade, window, request)
        if broken is None:
            return
        text = self.rule_check.words.sentence(broken)
        mention = (request.requester,) if request else rule.notify
        event = WindowBrokeRule(about=outbox.about_upgrade(upgrade, request), mention=mention, window=window, rule=text)
        key = f"broke:{upgrade.organisation}:{upgrade.identity}:{upgrade.moves}"
        await work.outbox.put(outbox.in_channel(rule.channel, event, key=key))
        if request is not None and not request.rollout:
            await work.outbox.put(outbox.in_thread(request, replace(event, mention=()), key=key))

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
        return rule.channel if upgrade.status in self._announced(rule) else ""

    def _announced(self, rule: Rule) -> frozenset[str]:
        return rule.announce | ALWAYS_ANNOUNCED | ALARMING


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


async def _is_back(work: ReadOnlyWork, before: ScheduledUpgrade, after: ScheduledUpgrade) -> bool:
    """Whether it is as it was before the cloud stopped reporting it, which was posted then."""
    if before.status != NOT_REPORTED or before.window != after.window:
        return False
    moves = await work.upgrades.moves(before.organisation, before.identity)
    return any(move.number == before.moves and move.from_status == after.status for move in moves)
