"""Places in Slack: where cards were posted, who opened App Home, which channels refuse our messages."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import Executable, bindparam, delete, or_, select, update

from bot.domain.people import MemberId
from bot.domain.request import RequestId
from bot.store.tables import CardRow, DestinationRow, HomeRow
from bot.store.transaction import InsertInto, Transaction, in_parts
from bot.workflow.inbox import MessageRef
from bot.workflow.repositories import BrokenDestination

_CARD = select(CardRow.channel, CardRow.ts).where(CardRow.request_id == bindparam("request_id"))
_CARDS = select(CardRow.request_id, CardRow.channel, CardRow.ts)
_MEND = delete(DestinationRow).where(DestinationRow.channel == bindparam("mended"))


@cache
def _put_card(insert: InsertInto) -> Executable:
    new = insert(CardRow)
    place = {"channel": new.excluded.channel, "ts": new.excluded.ts}
    return new.on_conflict_do_update(index_elements=["request_id"], set_=place)


class StoredMessages:
    """Where our messages were posted."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def card(self, request_id: RequestId) -> MessageRef | None:
        """Return where a request's card was posted."""
        row = await self._transaction.first(_CARD, request_id=request_id)
        return None if row is None else MessageRef(channel=row.channel, ts=row.ts)

    async def cards(self, *request_ids: RequestId) -> Mapping[RequestId, MessageRef]:
        """Return where the cards of these requests were posted, those that have one."""
        found: dict[RequestId, MessageRef] = {}
        for some in in_parts(request_ids):
            rows = await self._transaction.all(_CARDS.where(CardRow.request_id.in_(some)))
            found |= {RequestId(row.request_id): MessageRef(channel=row.channel, ts=row.ts) for row in rows}
        return found

    async def put_card(self, request_id: RequestId, message: MessageRef) -> None:
        """Remember where a request's card was posted; a newer place wins."""
        card = {"request_id": request_id, "channel": message.channel, "ts": message.ts}
        await self._transaction.run(_put_card(self._transaction.insert), card)

    async def forget_card(self, request_id: RequestId) -> None:
        """Forget the place, because the message is gone."""
        await self._transaction.run(delete(CardRow).where(CardRow.request_id == request_id))


class StoredHomes:
    """Who opened App Home."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def opened(self, member: MemberId, *, at: datetime, page: int = 0) -> None:
        """Note that a person opened it, or turned to a page."""
        seen = {"opened_at": at, "page": page}
        statement = self._transaction.insert(HomeRow).values(member=member, **seen)
        await self._transaction.run(statement.on_conflict_do_update(index_elements=["member"], set_=seen))

    async def page(self, member: MemberId) -> int:
        """Return the page at which a person reads it."""
        row = await self._transaction.first(select(HomeRow.page).where(HomeRow.member == member))
        return row.page if row else 0

    async def to_publish(self, *, opened_after: datetime, published_before: datetime) -> tuple[MemberId, ...]:
        """Return whose Home is worth publishing again, the first opened first."""
        query = select(HomeRow.member).where(
            HomeRow.opened_at > opened_after,
            or_(HomeRow.published_at.is_(None), HomeRow.published_at < published_before),
        )
        rows = await self._transaction.all(query.order_by(HomeRow.opened_at, HomeRow.member))
        return tuple(MemberId(row.member) for row in rows)

    async def published(self, member: MemberId, *, at: datetime) -> None:
        """Note that it was published."""
        await self._transaction.run(update(HomeRow).where(HomeRow.member == member).values(published_at=at))


class StoredDestinations:
    """Channels that refuse our messages."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def broken(self) -> tuple[BrokenDestination, ...]:
        """Return all that are broken now."""
        query = select(DestinationRow.channel, DestinationRow.error, DestinationRow.since)
        rows = await self._transaction.all(query.order_by(DestinationRow.channel))
        return tuple(BrokenDestination(channel=channel, error=error, since=since) for channel, error, since in rows)

    async def note_broken(self, channel: str, *, error: str, at: datetime) -> bool:
        """Note it, with the latest error; True when it was not known to be broken."""
        statement = self._transaction.insert(DestinationRow).values(channel=channel, error=error, since=at)
        if await self._transaction.run(statement.on_conflict_do_nothing(index_elements=["channel"])):
            return True
        await self._transaction.run(update(DestinationRow).where(DestinationRow.channel == channel).values(error=error))
        return False

    async def note_mended(self, channel: str) -> bool:
        """Note it; True when it was known to be broken."""
        return bool(await self._transaction.run(_MEND, {"mended": channel}))
