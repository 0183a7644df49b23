"""What takes the place of what: a request of an older one, and of another scheduled upgrade of its cluster."""

from datetime import datetime

from bot.domain.events import RequestReplaced
from bot.domain.naming import Naming
from bot.domain.request import UpgradeRequest, competing
from bot.domain.scheduled import ScheduledUpgrade
from bot.workflow import outbox
from bot.workflow.ports import ReadOnlyWork, UnitOfWork
from bot.workflow.record import fact

_LATEST = 5


async def find_competing(work: ReadOnlyWork, request: UpgradeRequest) -> ScheduledUpgrade | None:
    """Return the scheduled upgrade that the request would supersede, None when there is none."""
    return competing(request, await work.upgrades.of_cluster(request.cluster_identity, limit=_LATEST))


async def give_way(work: UnitOfWork, older: UpgradeRequest, *, to: UpgradeRequest, at: datetime) -> None:
    """Replace a request and have it told; raises Stale."""
    replaced = await work.requests.save(older.replaced(by=to.id, at=at))
    instead = Naming(several=to.organisation != replaced.organisation).cluster(to)
    event = RequestReplaced(
        about=outbox.about(replaced),
        by_request=to.id,
        by=to.requester,
        instead=instead if to.cluster_identity != replaced.cluster_identity else "",
    )
    await work.audit.append(fact(replaced, "request replaced", at=at, actor=to.requester, facts={"by": to.id}))
    await work.outbox.put(
        outbox.repaint(replaced, because="replaced"),
        outbox.in_thread(replaced, event),
        outbox.to_requester(replaced, event),
    )
