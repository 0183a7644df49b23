"""Puts the workflow's parts together around its ports; touches nothing outside."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.domain.cluster import Organisation
from bot.domain.errors import NotEntitled
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.notifications.blocks import View
from bot.notifications.delivery.build import delivery
from bot.notifications.delivery.deliver import Delivery, DrawHome
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.home import closed, home
from bot.observe import metrics
from bot.settings import Settings
from bot.store.storage import Storage
from bot.workflow.announcing import Telling
from bot.workflow.blindness import Blindness
from bot.workflow.catalog_cache import Shelf
from bot.workflow.cataloguing import Cataloguing
from bot.workflow.channel_contacts import Menders
from bot.workflow.concluding import Concluding
from bot.workflow.deciding import Deciding
from bot.workflow.errors import MembersUnavailable
from bot.workflow.homes import HomeReading
from bot.workflow.outcomes import Outcomes
from bot.workflow.permissions import Entitlement, who_is_it
from bot.workflow.policy_in_force import PolicyInForce
from bot.workflow.polling import Tracking
from bot.workflow.ports import AvisiCloud, Clock, Members
from bot.workflow.recording import Taking
from bot.workflow.reminding import Reminding
from bot.workflow.repositories import Source
from bot.workflow.requesting import Requesting
from bot.workflow.revoting import Revoting
from bot.workflow.rule_check import Judging
from bot.workflow.submitting import Submitting
from bot.workflow.viewing import Viewing


@dataclass(frozen=True, kw_only=True, slots=True)
class Rooms:
    """The workflow's parts, each in its place."""

    shelf: Shelf
    in_force: PolicyInForce
    viewing: Viewing
    requesting: Requesting
    deciding: Deciding
    submitting: Submitting
    tracking: Tracking
    cataloguing: Cataloguing
    reminding: Reminding
    delivery: Delivery
    draw_home: DrawHome


def rooms(
    settings: Settings,
    policy: Policy,
    *,
    storage: Storage,
    cloud: AvisiCloud,
    members: Members,
    messenger: Messenger,
    now: Clock,
    real_time: Clock,
    invite: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Rooms:
    """Build the workflow around its ports.

    `invite` is what to type to let the bot into a channel, `sleep` what is done between two steps of one piece of work.
    """
    begin, look = storage.begin, storage.look
    in_force = PolicyInForce(policy, begin=begin, look=look, real_time=real_time)
    judge = in_force.guarding(begin)
    zone = ZoneInfo(settings.bot_window_timezone)
    organisations = tuple(Organisation(slug) for slug in settings.acloud_organisation)
    shelf = Shelf(look, organisations)
    naming = Naming.among(organisations)
    viewing = Viewing(look=look, shelf=shelf, policy=policy, organisations=organisations, now=now, zone=zone)
    entitlement = Entitlement(members)
    judging = Judging(policy=policy, shelf=shelf, look=look, now=now, zone=zone, naming=naming)
    revoting = Revoting(begin=judge, entitlement=entitlement, judging=judging)
    telling = Telling(policy=policy, now=now)
    cataloguing = Cataloguing(begin=begin, cloud=cloud, shelf=shelf)
    reading = HomeReading(viewing=viewing, entitlement=entitlement, judging=judging)
    forced = None if settings.bot_status_source == "auto" else Source(settings.bot_status_source)
    return Rooms(
        shelf=shelf,
        in_force=in_force,
        viewing=viewing,
        requesting=Requesting(begin=judge, viewing=viewing, entitlement=entitlement, now=now, real_time=real_time),
        deciding=Deciding(
            begin=judge, look=look, entitlement=entitlement, judging=judging, revoting=revoting, real_time=real_time
        ),
        submitting=Submitting(
            begin=judge,
            look=look,
            cloud=cloud,
            entitlement=entitlement,
            judging=judging,
            outcomes=Outcomes(begin=begin, judging=judging, revoting=revoting, telling=telling),
            verdicts=Outcomes(begin=judge, judging=judging, revoting=revoting, telling=telling),
            sleep=sleep,
        ),
        tracking=Tracking(
            begin=begin,
            look=look,
            cloud=cloud,
            shelf=shelf,
            taking=Taking(begin=begin, look=look, shelf=shelf, policy=policy, telling=telling, now=now),
            concluding=Concluding(begin=begin, look=look, telling=telling, cataloguing=cataloguing, now=now),
            blindness=Blindness(
                begin=begin,
                shelf=shelf,
                policy=policy,
                organisations=organisations,
                now=now,
                poll_every=timedelta(seconds=settings.bot_poll_seconds),
            ),
            now=now,
            forced=forced,
        ),
        cataloguing=cataloguing,
        reminding=Reminding(
            begin=judge,
            look=look,
            policy=policy,
            organisations=organisations,
            judging=judging,
            revoting=revoting,
            now=now,
            real_time=real_time,
        ),
        delivery=delivery(
            begin=begin,
            look=look,
            claims=storage.claims,
            messenger=messenger,
            now=now,
            naming=naming,
            home=partial(_draw_home, reading),
            invite=invite,
            menders=Menders(policy, entitlement).of,
            report=_count,
            sleep=sleep,
        ),
        draw_home=partial(_draw_home, reading),
    )


def _count(kind: str, outcome: str) -> None:
    metrics.DELIVERIES.labels(kind, outcome).inc()


async def _draw_home(reading: HomeReading, member: MemberId) -> View:
    try:
        return home(await reading.read(member))
    except NotEntitled as refusal:
        return closed(str(refusal))
    except MembersUnavailable:
        return closed(who_is_it(reading.entitlement.members))
