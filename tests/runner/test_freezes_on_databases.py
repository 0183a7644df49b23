"""A freeze and a submission at the same moment, on two replicas over each database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count

import pytest

from bot.domain.cluster import Organisation
from bot.domain.freeze import FrozenPlace
from bot.domain.request import RequestId, State, UpgradeRequest, Vote
from bot.domain.scheduled import Reading
from bot.store.storage import Storage
from bot.workflow import outbox
from bot.workflow.inbox import FreezeAsked, FreezeLiftPressed
from bot.workflow.ports import Submission
from tests.builders import ACME, KIM, NOON, SEM, a_catalog, an_upgrade_request
from tests.fakes import FakeCloud
from tests.runner.test_on_databases import Process, Start, start, stored

__all__ = ["start", "stored"]
PRODUCTION = FrozenPlace(organisation=ACME, environment="production")
ROUNDS = 16
A_LITTLE = 0.0015


class HeldCloud(FakeCloud):
    """Takes a submission, and answers it only when the freeze is stored: so it is still being submitted then."""

    def __init__(self) -> None:
        super().__init__(a_catalog())
        self.frozen = asyncio.Event()
        self.arrived = asyncio.Event()

    async def submit(self, organisation: Organisation, submission: Submission) -> Reading:
        """Answer late."""
        self.arrived.set()
        await self.frozen.wait()
        return await super().submit(organisation, submission)


async def approved(storage: Storage, number: int) -> UpgradeRequest:
    votes = (Vote(member=SEM, at=NOON), Vote(member=KIM, at=NOON))
    request = an_upgrade_request(id=RequestId(f"q{number}"), state=State.APPROVED, votes=votes, required=2)
    async with storage.begin() as work:
        added = await work.requests.add(request)
        await work.outbox.put(outbox.submit(added))
        await work.commit()
    return added


async def tried(submitter: Process, request: UpgradeRequest) -> State:
    """Submit until it is settled: a submission that finds a new freeze is judged again."""
    while await submitter.harness.submit(request):
        async with submitter.storage.read() as work:
            state = (await work.requests.get(request.id)).state
        if state not in {State.APPROVED, State.SUBMITTING}:
            return state
    raise AssertionError("nothing was due any more")


async def decided(process: Process, entry: FreezeAsked | FreezeLiftPressed) -> None:
    number = await process.harness.enter(entry)
    await process.harness.decide(number, entry, await process.harness.lease())


async def freeze_once_sent(freeze: Callable[[float], Awaitable[None]], cloud: HeldCloud) -> None:
    """Freeze when the submission has reached the cloud, which holds it until then."""
    await cloud.arrived.wait()
    await freeze(0)


@pytest.mark.timeout(120)
async def test_what_begins_after_a_freeze_is_not_sent_and_what_began_before_is_listed(
    stored: Storage,
    start: Start,
) -> None:
    """Whoever of the two is first, by however little: it was sent if and only if the freeze lists it."""
    cloud = HeldCloud()
    submitter, freezer = start(cloud), start(cloud)
    for process in (submitter, freezer):
        await process.harness.catalog_cache.renew()
    freezer.harness.entered = count(1000)
    until = NOON + timedelta(days=30)
    outcomes: list[bool] = []
    for number in range(ROUNDS):
        request = await approved(stored, number)
        cloud.frozen.clear()
        cloud.arrived.clear()
        sent = len(cloud.submissions)

        async def freeze(after: float) -> None:
            await asyncio.sleep(after)
            asked = FreezeAsked(member=SEM, places=(PRODUCTION,), until=until, reason="Incident")
            await decided(freezer, asked)
            cloud.frozen.set()

        if number == 0:  # surely the freeze
            await freeze(0)
            state = await tried(submitter, request)
        elif number == ROUNDS - 1:  # surely the submission
            state, _ = await asyncio.gather(tried(submitter, request), freeze_once_sent(freeze, cloud))
        else:
            state, _ = await asyncio.gather(tried(submitter, request), freeze(number * A_LITTLE))

        async with stored.read() as work:
            (standing,) = await work.freezes.standing()
        listed = request.id in standing.underway
        assert listed is (len(cloud.submissions) > sent)
        assert state is (State.SUBMITTED if listed else State.SUBMISSION_FAILED)
        outcomes.append(listed)
        await decided(freezer, FreezeLiftPressed(member=SEM, freeze_id=standing.id))
        async with stored.begin() as work:
            ended = await work.requests.get(request.id)
            if ended.state is State.SUBMISSION_FAILED:
                await work.requests.save(ended.withdraw(by=ended.requester, at=NOON))
            await work.commit()

    assert set(outcomes) == {True, False}
