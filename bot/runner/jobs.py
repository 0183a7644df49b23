"""What runs by itself: each job claims its name, makes one workflow call, and gives the name back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

import structlog

from bot.domain.cluster import Organisation
from bot.domain.rollout import RolloutId
from bot.observe.metrics import LEASES_LOST
from bot.observe.reference import referenced
from bot.runner.leases import RENEW_EVERY, kept
from bot.runner.outage import Outage
from bot.runner.schedule import Job, Schedule
from bot.workflow import queues
from bot.workflow.catalog_cache import CatalogCache, Cataloguing
from bot.workflow.errors import AvisiError, LeaseLost, OlderPolicy, Unauthorised
from bot.workflow.freezing import Freezing
from bot.workflow.policy_in_force import PolicyInForce
from bot.workflow.polling import Polling
from bot.workflow.ports import Claims, Lease
from bot.workflow.readiness import ReadinessKeeping
from bot.workflow.reminding import Reminding
from bot.workflow.repositories import Source
from bot.workflow.rollouts import Rollouts

log = structlog.get_logger("bot.runner")

_TICK = timedelta(seconds=1)
_CATALOG_AGAIN = 5.0
_PRUNE_EVERY = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    """The jobs of one process; with several processes each run is done by one of them.

    `poll_every` and `catalog_every` are seconds of real time between the end of one run and the start of the next.
    """

    claims: Claims
    polling: Polling
    cataloguing: Cataloguing
    reminding: Reminding
    rollouts: Rollouts
    freezing: Freezing
    readiness: ReadinessKeeping
    catalog_cache: CatalogCache
    in_force: PolicyInForce
    prune: Callable[[], Awaitable[None]]
    polled: Callable[[str, float], None]
    organisations: tuple[Organisation, ...]
    poll_every: float
    catalog_every: float
    renew_every: float = RENEW_EVERY
    outage: Outage = field(default_factory=Outage)

    def join(self, schedule: Schedule) -> None:
        """Put every job on the schedule."""
        for organisation in self.organisations:
            schedule.every(_TICK, queues.catalog(organisation), self._catalog(organisation))
            schedule.every(_TICK, queues.poll(organisation), self._poll(organisation))
        schedule.every(_TICK, "reminding", self._job("reminding", self._remind, again_in=1.0))
        schedule.every(_TICK, "rollouts", self.guarded("rollouts", self._rollouts))
        schedule.every(_TICK, queues.FREEZES, self._job(queues.FREEZES, self.freezing.end_due, again_in=1.0))
        schedule.every(_TICK, "readiness", self._job("readiness", self._readiness, again_in=1.0))
        schedule.every(_TICK, "policy", self.guarded("policy", self._policy()))
        schedule.every(_TICK, "catalog_cache", self.guarded("catalog_cache", self.catalog_cache.renew))
        schedule.every(timedelta(minutes=1), "prune", self._job("prune", self._prune, again_in=_PRUNE_EVERY))

    def _poll(self, organisation: Organisation) -> Job:
        told = _Told("poll.unreadable", "poll.readable_again", organisation)
        in_use: Source | None = None

        async def poll(lease: Lease) -> None:
            nonlocal in_use
            began = monotonic()
            try:
                source = await self.polling.poll(organisation, lease)
                told.works()
                if source is not in_use:
                    in_use = source
                    log.info("poll.source", organisation=organisation, source=source)
                log.debug("poll.done", organisation=organisation, source=source)
            except AvisiError as error:
                told.failed(error)
            self.polled(organisation, monotonic() - began)

        return self._job(queues.poll(organisation), poll, again_in=self.poll_every)

    def _catalog(self, organisation: Organisation) -> Job:
        name = queues.catalog(organisation)
        told = _Told("catalog.not_read", "catalog.read_again", organisation)

        async def catalog() -> None:
            lease = await self.claims.claim(name)
            if lease is None:
                return
            again_in = _CATALOG_AGAIN
            try:
                async with kept(self.claims, lease, renew_every=self.renew_every):
                    await self.cataloguing.refresh(organisation, lease)
                again_in = self.catalog_every
                told.works()
            except AvisiError as error:
                told.failed(error)
            finally:
                await self.claims.release(lease, again_in=min(again_in, self.catalog_every))
                self.outage.over()

        return self.guarded(name, catalog)

    def _policy(self) -> Job:
        told = False

        async def policy() -> None:
            nonlocal told
            await self.in_force.read()
            if self.in_force.superseded and not told:
                log.error("policy.superseded", detail=self.in_force.words)
            elif told and not self.in_force.superseded:
                log.info("policy.in_force_again", detail=self.in_force.words)
            told = self.in_force.superseded

        return policy

    async def _rollouts(self) -> None:
        """Move each rollout on, under a lease of its own: one that fails or is slow holds up no other replica's."""
        if self.in_force.superseded:
            return
        for rollout_id in await self.rollouts.followed():

            async def advance(lease: Lease, one: RolloutId = rollout_id) -> None:
                await self.rollouts.advance(one, lease)

            await self._job(queues.rollout(rollout_id), advance, again_in=0.5)()

    async def _remind(self, lease: Lease) -> None:
        await self.reminding.look_round(lease)
        await self.reminding.homes(lease)
        await self.reminding.refusals(lease)

    async def _readiness(self, lease: Lease) -> None:
        await self.readiness.refresh(lease)
        await self.readiness.compare_alerts(lease)

    async def _prune(self, _lease: Lease) -> None:
        await self.prune()

    def _job(self, name: str, run: Callable[[Lease], Awaitable[None]], *, again_in: float) -> Job:
        async def job() -> None:
            if self.in_force.superseded:
                return
            lease = await self.claims.claim(name)
            if lease is None:
                return
            try:
                async with kept(self.claims, lease, renew_every=self.renew_every):
                    await run(lease)
            finally:
                await self.claims.release(lease, again_in=again_in)
                self.outage.over()

        return self.guarded(name, job)

    def guarded(self, name: str, job: Job) -> Job:
        """Log whatever goes wrong; the next run goes on."""

        async def guarded() -> None:
            try:
                with referenced(job=name):
                    await job()
            except LeaseLost:
                LEASES_LOST.inc()
                log.info("job.taken_over", job=name)
            except OlderPolicy:
                log.info("job.left_to_others", job=name)
            except Exception as error:  # noqa: BLE001 - it is logged there
                self.outage.failed("job.failed", error, job=name)

        return guarded


@dataclass(slots=True)
class _Told:
    """Logs that something goes wrong once, not at every try, and once that it works again."""

    failing: str
    mended: str
    organisation: Organisation
    last: str = ""

    def failed(self, error: AvisiError) -> None:
        """Say why, when it is not what was said last; a refused token needs a person."""
        if (words := error.words()) != self.last:
            say = log.error if isinstance(error, Unauthorised) else log.warning
            say(self.failing, organisation=self.organisation, error=words)
            self.last = words

    def works(self) -> None:
        """Say that it is over, when something was said."""
        if self.last:
            log.info(self.mended, organisation=self.organisation)
            self.last = ""
