"""Which policy is in force: each that a process started with, in the order in which they came."""

from sqlalchemy import select

from bot.store.tables import PolicyRow
from bot.store.transaction import Transaction
from bot.workflow.errors import Stale
from bot.workflow.repositories import PolicyGeneration

_NEWEST = select(PolicyRow.generation, PolicyRow.digest, PolicyRow.since).order_by(PolicyRow.generation.desc()).limit(1)


class StoredPolicies:
    """Generations of the policy in the database."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def newest(self) -> PolicyGeneration | None:
        """Return the one in force, None before the first."""
        row = await self._transaction.first(_NEWEST)
        return None if row is None else PolicyGeneration(number=row.generation, digest=row.digest, since=row.since)

    async def add(self, generation: PolicyGeneration) -> None:
        """Put one in force; raises Stale when another process just did so with this number."""
        statement = self._transaction.insert(PolicyRow).values(
            generation=generation.number, digest=generation.digest, since=generation.since
        )
        if not await self._transaction.run(statement.on_conflict_do_nothing(index_elements=["generation"])):
            raise Stale("Another process put its policy in force at the same moment.")
