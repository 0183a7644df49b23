"""Whether the policy of this process is in force: that of the process that started last with another one."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.domain.policy import Policy
from bot.domain.request import OPEN, State
from bot.workflow import outbox
from bot.workflow.errors import OlderPolicy, Stale
from bot.workflow.ports import BeginReading, BeginWork, Clock, Lease, UnitOfWork
from bot.workflow.repositories import PolicyGeneration

_SHOWN = 12


class PolicyInForce:
    """Knows the policy of this process, and what was last seen to be in force.

    A process whose policy is not in force decides nothing: what waits is left to the others, or to its next start.
    """

    def __init__(self, policy: Policy, *, begin: BeginWork, read: BeginReading, real_time: Clock) -> None:
        self.digest = policy.digest
        self.newest: PolicyGeneration | None = None
        self._begin = begin
        self._read = read
        self._real_time = real_time

    @property
    def superseded(self) -> bool:
        """Whether a newer policy than ours was seen to be in force."""
        return self.newest is not None and self.newest.digest != self.digest

    @property
    def words(self) -> str:
        """Say which policy is in force, and whether it is ours."""
        if self.newest is None:
            return "no policy has been put in force yet"
        in_force = f"generation {self.newest.number} ({self.newest.digest[:_SHOWN]})"
        if not self.superseded:
            return f"judges by the policy in force, {in_force}"
        return (
            f"judges nothing: its policy ({self.digest[:_SHOWN]}) is older than the one in force, {in_force}, with "
            f"which another process started. Start it again with the policy that is meant"
        )

    async def declare(self) -> None:
        """Put this process's policy in force, unless it is; the same one started again is no newer one."""
        while True:
            try:
                async with self._begin() as work:
                    self.newest = await work.policies.newest()
                    if self.newest is None or self.superseded:
                        await self._put_in_force(work)
                        await work.commit()
            except Stale:
                continue
            return

    async def read(self) -> None:
        """See what is in force now."""
        async with self._read() as work:
            self.newest = await work.policies.newest()

    def guarding(self, begin: BeginWork) -> BeginWork:
        """Begin the same transactions, but raise OlderPolicy when a newer policy than ours is in force."""

        @asynccontextmanager
        async def guarded(lease: Lease | None) -> AsyncIterator[UnitOfWork]:
            async with begin(lease) as work:
                self.newest = await work.policies.newest()
                if self.superseded:
                    raise OlderPolicy(self.words)
                yield work

        def begin_guarded(lease: Lease | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
            return guarded(lease)

        return begin_guarded

    async def _put_in_force(self, work: UnitOfWork) -> None:
        before = self.newest
        number = before.number + 1 if before else 1
        self.newest = PolicyGeneration(number=number, digest=self.digest, since=self._real_time())
        await work.policies.add(self.newest)
        if before is None:  # the first start after 0.1.0, which knew no policies: what is open was painted by it
            painted = await work.requests.in_states(*OPEN, State.SUBMISSION_UNCLEAR)
            await work.outbox.put(*(outbox.repaint(request, because="upgraded") for request in painted))
