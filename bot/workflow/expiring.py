"""Ending a request whose deadline passed."""

from bot.domain.events import RequestExpired
from bot.domain.request import UpgradeRequest
from bot.workflow import outbox
from bot.workflow.ports import UnitOfWork
from bot.workflow.record import fact
from bot.workflow.rule_check import RuleCheck


async def expire(work: UnitOfWork, request: UpgradeRequest, rule_check: RuleCheck) -> None:
    """End a request whose deadline passed and have it told; raises Stale."""
    expired = await work.requests.save(request.expire(at=rule_check.now()))
    event = RequestExpired(about=outbox.about(expired), deadline=expired.deadline)
    await work.audit.append(fact(expired, "request expired", at=expired.state_since))
    await work.outbox.put(
        outbox.repaint(expired, because="expired"),
        outbox.in_thread(expired, event),
        outbox.to_requester(expired, event),
    )
