"""Ending a request because a newer one takes its place."""

from datetime import datetime

from bot.domain.events import RequestReplaced
from bot.domain.naming import Naming
from bot.domain.request import UpgradeRequest
from bot.workflow import errands
from bot.workflow.ports import Work
from bot.workflow.record import fact


async def give_way(work: Work, older: UpgradeRequest, *, to: UpgradeRequest, at: datetime) -> None:
    """Replace a request and have it told; raises Stale."""
    replaced = await work.requests.save(older.replaced(by=to.id, at=at))
    instead = Naming(several=to.organisation != replaced.organisation).cluster(to)
    event = RequestReplaced(
        about=errands.about(replaced),
        by_request=to.id,
        by=to.requester,
        instead=instead if to.cluster_identity != replaced.cluster_identity else "",
    )
    await work.audit.append(fact(replaced, "request replaced", at=at, actor=to.requester, facts={"by": to.id}))
    await work.outbox.put(
        errands.repaint(replaced, because="replaced"),
        errands.in_thread(replaced, event),
        errands.to_requester(replaced, event),
    )
