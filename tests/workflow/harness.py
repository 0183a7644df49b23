"""The workflow put together over fakes: what people and the clock do to it, and what a test sees of it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic
from typing import TypeVar

from bot.domain.cluster import Catalog, Organisation
from bot.domain.events import Answered, AnyEvent, Event
from bot.domain.form import Form
from bot.domain.people import AccountType, MemberId
from bot.domain.policy import Policy
from bot.domain.request import RequestId, Seal, State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.wiring import use_cases
from bot.workflow.errors import AvisiError
from bot.workflow.inbox import (
    AnyEntry,
    ApprovalCommented,
    ButtonPressed,
    FormSubmitted,
    FreezeAsked,
    FreezeLiftPressed,
    MessageRef,
    NewEntry,
    Press,
    RejectionGiven,
    RolloutPlanned,
    RolloutPressed,
)
from bot.workflow.outbox import Kind, OutboxMessage
from bot.workflow.ports import Lease
from bot.workflow.repositories import Feed, Source
from tests.builders import ACME, GUS, KIM, NOON, ROOS, SEM, a_catalog, a_form, a_member, a_policy
from tests.fakes import FakeClock, FakeCloud, FakeMembers, FakeStorage
from tests.notifications.delivery.recorder import FakeMessenger

ANNE = MemberId("U0ANNE")
"""A full member who approves nothing."""
OTTO = MemberId("U0OTTO")
"""Somebody of another organisation."""
TEAM = "S0TEAM"
"""A user group: Sem and Kim, until somebody leaves it."""

E = TypeVar("E", bound=Event)


def decision(request: UpgradeRequest) -> tuple[State, set[MemberId]]:
    """Return what a press can change."""
    return request.state, set(request.voters)


def the_people() -> FakeMembers:
    """Build everybody, each of their kind."""
    return FakeMembers(
        *(a_member(one) for one in (ROOS, SEM, KIM, ANNE)),
        a_member(GUS, account_type=AccountType.GUEST),
        a_member(OTTO, account_type=AccountType.OUTSIDER),
        groups={TEAM: frozenset({SEM, KIM})},
    )


@dataclass(kw_only=True)
class Harness:
    """One process: the real workflow over fake ports. `restarted` gives another over the same ports."""

    storage: FakeStorage
    cloud: FakeCloud
    members: FakeMembers
    clock: FakeClock
    policy: Policy
    forced: Source | None = None
    organisations: tuple[Organisation, ...] = (ACME,)
    slept: list[float] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    entered: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        built = use_cases(
            self.policy,
            organisations=self.organisations,
            zone=UTC,
            poll_every=timedelta(minutes=1),
            status_source=self.forced,
            invite="/invite @upgrades",
            begin=self.storage.begin,
            read=self.storage.read,
            claims=self.storage.claims,
            cloud=self.cloud,
            members=self.members,
            messenger=FakeMessenger(seconds=monotonic),
            now=self.clock,
            real_time=self.clock,
            sleep=self._sleep,
            new_id=self._new_id,
        )
        self.catalog_cache = built.catalog_cache
        self.in_force = built.in_force
        self.viewing = built.viewing
        self.home_reading = built.home_reading
        self.cataloguing = built.cataloguing
        self.requesting = built.requesting
        self.deciding = built.deciding
        self.submitting = built.submitting
        self.rollouts = built.rollouts
        self.freezing = built.freezing
        self.polling = built.polling
        self.reminding = built.reminding
        self.readiness_check = built.readiness_check
        self.readiness_keeping = built.readiness_keeping

    async def restarted(self, *, policy: Policy | None = None, forced: Source | None = None) -> "Harness":
        """Return another process over the same ports, with another policy if one is given."""
        harness = Harness(
            storage=self.storage,
            cloud=self.cloud,
            members=self.members,
            clock=self.clock,
            policy=policy or self.policy,
            forced=forced or self.forced,
            organisations=self.organisations,
            ids=self.ids,
            entered=self.entered,
        )
        await harness.catalog_cache.renew()
        return harness

    # --- what people do ---

    async def enter(self, entry: AnyEntry) -> int:
        """Store an inbox entry as an edge does; returns its number."""
        key = f"entry-{next(self.entered)}"
        async with self.storage.begin() as work:
            assert await work.inbox.put(NewEntry(entry=entry, key=key, queue=key))
            received = await work.inbox.due(key)
            await work.commit()
        assert received
        return received.number

    async def decide(self, number: int, entry: AnyEntry, lease: Lease) -> None:
        """Take an entry as the worker does."""
        match entry:
            case FormSubmitted():
                await self.requesting.request(number, entry, lease)
            case RolloutPlanned():
                await self.rollouts.plan(number, entry, lease)
            case RolloutPressed():
                await self.rollouts.press(number, entry, lease)
            case FreezeAsked():
                await self.freezing.set(number, entry, lease)
            case FreezeLiftPressed():
                await self.freezing.lift(number, entry, lease)
            case _:
                await self.deciding.decide(number, entry, lease)

    async def do(self, entry: AnyEntry) -> str:
        """Enter it and have it decided; returns the private answer to it."""
        number = await self.enter(entry)
        await self.decide(number, entry, await self.lease())
        answers = [one.event for one in self.outbox(Kind.PRIVATE) if one.key == f"private:inbox:{number}"]
        return answers[0].text if answers and isinstance(answers[0], Answered) else ""

    async def ask(self, form: Form | None = None, *, by: MemberId = ROOS) -> UpgradeRequest:
        """Have somebody ask for an upgrade that is accepted."""
        before = set(self.storage.requests)
        answer = await self.do(FormSubmitted(member=by, organisation=ACME, form=form or a_form()))
        made = [one for key, one in self.storage.requests.items() if key not in before]
        assert made, answer
        return made[0]

    async def press(
        self,
        request: UpgradeRequest,
        press: Press = Press.APPROVE,
        *,
        by: MemberId = SEM,
        seal: Seal | None = None,
        message: MessageRef | None = None,
    ) -> str:
        """Press a button on the card as it is now; returns the private answer."""
        seal = seal or self.now_of(request).seal
        return await self.do(ButtonPressed(member=by, press=press, request_id=request.id, seal=seal, message=message))

    async def reject(self, request: UpgradeRequest, *, by: MemberId = SEM, seal: Seal | None = None) -> str:
        """Reject by the modal; returns the private answer."""
        seal = seal or self.now_of(request).seal
        return await self.do(RejectionGiven(member=by, request_id=request.id, seal=seal, reason="Not this week"))

    async def comment(self, request: UpgradeRequest, text: str = "Tried it in staging", *, by: MemberId = SEM) -> str:
        """Approve with a comment by the modal; returns the private answer."""
        seal = self.now_of(request).seal
        return await self.do(ApprovalCommented(member=by, request_id=request.id, seal=seal, comment=text))

    # --- what runs by itself ---

    async def lease(self) -> Lease:
        """Claim something, as whoever does the work has."""
        lease = await self.storage.claims.claim(f"harness-{next(self.entered)}")
        assert lease
        return lease

    async def submit(self, request: UpgradeRequest) -> bool:
        """Submit the request if that is due; returns whether it was."""
        async with self.storage.read() as work:
            due = await work.outbox.due(f"submit:{request.id}", limit=1)
        if due:
            await self.submitting.submit(due[0], await self.lease())
        return bool(due)

    async def approved(self, form: Form | None = None) -> UpgradeRequest:
        """Have Roos ask and Sem approve."""
        request = await self.ask(form)
        await self.press(request)
        return self.now_of(request)

    async def submitted(self, form: Form | None = None) -> UpgradeRequest:
        """Have Roos ask, Sem approve, and the cloud confirm."""
        request = await self.approved(form)
        await self.submit(request)
        return self.now_of(request)

    async def poll(self, organisation: Organisation = ACME) -> Source | None:
        """Poll an organisation once; None when nothing could be read."""
        with suppress(AvisiError):
            return await self.polling.poll(organisation, await self.lease())
        return None

    async def look_round(self) -> None:
        """Let the clock's work be done."""
        await self.reminding.look_round(await self.lease())

    async def recatalog(self, *clusters: object, **changes: object) -> None:
        """Let the cloud offer something else, and read it until it is believed."""
        self.clock.advance(timedelta(milliseconds=1))
        self.cloud.catalogs[ACME] = a_catalog(*clusters, fetched_at=self.clock(), **changes)  # type: ignore[arg-type]
        with suppress(AvisiError):
            await self.cataloguing.refresh(ACME)
        await self.cataloguing.refresh(ACME)

    # --- what a test sees ---

    def now_of(self, request: UpgradeRequest) -> UpgradeRequest:
        """Return the request as it is stored."""
        return self.storage.requests[request.id]

    @property
    def upgrades(self) -> Mapping[str, ScheduledUpgrade]:
        """Return the stored upgrades by identity."""
        return {identity: upgrade for (_, identity), upgrade in self.storage.upgrades.items()}

    def outbox(self, kind: Kind, event: type[Event] | None = None) -> list[OutboxMessage]:
        """Return every outbox message of a kind, optionally only those about one type of event."""
        return [
            one for one in self.storage.told if one.kind is kind and (event is None or isinstance(one.event, event))
        ]

    def told(self, event: type[E], kind: Kind = Kind.THREAD) -> list[E]:
        """Return the events of a type that are told in one place, in order."""
        return [one.event for one in self.outbox(kind) if isinstance(one.event, event)]

    @property
    def answers(self) -> list[str]:
        """Return every private answer, in order."""
        return [answered.text for answered in self.told(Answered, Kind.PRIVATE)]

    def channel(self) -> list[AnyEvent]:
        """Return everything told in channels."""
        return [one.event for one in self.outbox(Kind.CHANNEL) if one.event]

    def facts(self, request: UpgradeRequest) -> list[str]:
        """Return the kinds of the request's audit facts, in order."""
        return [str(event["kind"]) for event in self.storage.audited if event["request_id"] == request.id]

    def _new_id(self) -> RequestId:
        return RequestId(f"request-{next(self.ids)}")

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def a_harness(
    *things: UpgradeRequest | ScheduledUpgrade | Feed | Catalog,
    policy: Policy | None = None,
    catalog: Catalog | None = None,
    forced: Source | None = None,
    now: datetime = NOON,
    organisations: tuple[Organisation, ...] = (ACME,),
) -> Harness:
    """Build a harness with everybody, acme's catalog, and a rule under which Sem or Kim approves."""
    catalog = catalog or a_catalog()
    harness = Harness(
        storage=FakeStorage(catalog, *things),
        cloud=FakeCloud(catalog),
        members=the_people(),
        clock=FakeClock(now),
        policy=policy or a_policy(),
        forced=forced,
        organisations=organisations,
    )
    await harness.catalog_cache.renew()
    return harness
