"""What one person's App Home shows: upgrades under way, requests waiting for their decision, their own requests."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import Refused
from bot.domain.people import Member, MemberId
from bot.domain.request import RequestId, State, UpgradeRequest
from bot.workflow import outbox
from bot.workflow.errors import MembersUnavailable
from bot.workflow.fleet import FleetReading
from bot.workflow.outbox import Urgency
from bot.workflow.permissions import Permissions
from bot.workflow.ports import UnitOfWork
from bot.workflow.rule_check import RuleCheck
from bot.workflow.viewing import HomeView, Viewing, cards_of

_OWN = 20


@dataclass(frozen=True, slots=True)
class HomeReading:
    """Reads for App Home."""

    viewing: Viewing
    permissions: Permissions
    rule_check: RuleCheck
    fleet: FleetReading

    async def read(self, member_id: MemberId) -> HomeView:
        """Return what the person's Home shows now; raises NotEntitled unless it is a full member's.

        While Slack cannot tell who it is, it raises MembersUnavailable, or leaves out what waits for a decision for
        somebody who was seen as a full member within the last hour.
        """
        overview = await self.viewing.overview()
        async with self.viewing.read() as work:
            page = await work.homes.page(member_id)
            own = await work.requests.by(member_id, limit=_OWN)
            submitted = [await work.upgrades.find(one.organisation, one.upgrade) for one in own if one.upgrade]
            rollouts = await work.rollouts.unfinished()
            of_rollouts = await work.messages.cards(*(RequestId(one.id) for one in rollouts))
            cards = {**overview.cards, **await cards_of(work, (), own), **of_rollouts}
        pending = [one for one in overview.requests if one.state is State.PENDING_APPROVAL]
        try:
            member = await self.permissions.somebody(member_id)
            waiting = [one for one in pending if await self._may_decide(member, one)]
        except MembersUnavailable:
            if self.permissions.recently_full(member_id) is None:
                raise
            waiting = []
        return HomeView(
            member=member_id,
            upgrades=overview.upgrades,
            waiting=tuple(waiting),
            own=own,
            feeds=overview.feeds,
            now=self.viewing.now(),
            page=page,
            more=overview.more,
            ended=tuple(one for one in submitted if one and one.is_final),
            cards=cards,
            fleet=self.fleet.fleet(),
            rollouts=rollouts,
            policy=self.viewing.policy,
        )

    async def _may_decide(self, member: Member, request: UpgradeRequest) -> bool:
        if member.id in request.voters:
            return False
        try:
            await self.permissions.check_may_decide(member, self.rule_check.rule(request), request)
        except Refused:
            return False
        return True


async def redraw_home(work: UnitOfWork, member: MemberId, *, key: str, at: datetime) -> None:
    """Publish a person's Home ahead of all others, because of what they did in it; `at` is real time."""
    await work.homes.published(member, at=at)
    await work.outbox.put(outbox.publish_home(member, key=key, urgency=Urgency.PERSON))
