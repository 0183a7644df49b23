"""Puts the use cases together from values and ports; touches nothing outside."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import partial

from bot.domain.cluster import Organisation
from bot.domain.errors import NotEntitled
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.policy import Policy
from bot.domain.request import RequestId
from bot.kubernetes_facts import kubernetes_facts
from bot.notifications import freeze, rules
from bot.notifications.blocks import View
from bot.notifications.console import Console
from bot.notifications.delivery.delivery import Delivery, DrawHome, build_delivery
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.home import closed, home
from bot.notifications.links import Links
from bot.observe import metrics
from bot.workflow.announcing import Announcing
from bot.workflow.blindness import Blindness
from bot.workflow.catalog_cache import CatalogCache, Cataloguing
from bot.workflow.channel_contacts import ChannelContacts
from bot.workflow.concluding import Concluding
from bot.workflow.deciding import Deciding
from bot.workflow.errors import MembersUnavailable
from bot.workflow.fleet import FleetReading
from bot.workflow.freezing import Freezing
from bot.workflow.homes import HomeReading
from bot.workflow.permissions import Permissions, who_is_it
from bot.workflow.policy_in_force import PolicyInForce
from bot.workflow.polling import Polling, Recording
from bot.workflow.ports import AvisiCloud, BeginReading, BeginWork, Claims, Clock, Members
from bot.workflow.readiness import CloudReadings, ReadinessCheck, ReadinessKeeping
from bot.workflow.reminding import Reminding
from bot.workflow.repositories import Source
from bot.workflow.requesting import Requesting, new_request_id
from bot.workflow.revoting import Revoting
from bot.workflow.rollout_turns import Turns
from bot.workflow.rollouts import Rollouts
from bot.workflow.rule_check import RuleCheck
from bot.workflow.submitting import Submitting
from bot.workflow.viewing import Viewing


@dataclass(frozen=True, kw_only=True, slots=True)
class UseCases:
    """The use cases of one process, and what they share."""

    catalog_cache: CatalogCache
    in_force: PolicyInForce
    viewing: Viewing
    home_reading: HomeReading
    fleet: FleetReading
    requesting: Requesting
    deciding: Deciding
    submitting: Submitting
    rollouts: Rollouts
    freezing: Freezing
    polling: Polling
    cataloguing: Cataloguing
    reminding: Reminding
    readiness_check: ReadinessCheck
    readiness_keeping: ReadinessKeeping
    delivery: Delivery
    draw_home: DrawHome
    links: Links


def use_cases(
    policy: Policy,
    *,
    organisations: tuple[Organisation, ...],
    zone: tzinfo,
    poll_every: timedelta,
    status_source: Source | None,
    invite: str,
    begin: BeginWork,
    read: BeginReading,
    claims: Claims,
    cloud: AvisiCloud,
    members: Members,
    messenger: Messenger,
    now: Clock,
    real_time: Clock,
    console_url: str = "",
    workspace: Callable[[], str] = str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    new_id: Callable[[], RequestId] = new_request_id,
) -> UseCases:
    """Put the use cases together.

    `zone` is the time zone of maintenance windows; `status_source` is where statuses are read, None to find out;
    `invite` is what people type to let the bot into a channel; `console_url` is the pattern of a cluster's page;
    `workspace` returns the address of the Slack workspace, empty while it is not known; `sleep` pauses between two
    steps of one piece of work.
    """
    in_force = PolicyInForce(policy, begin=begin, read=read, real_time=real_time)
    judge = in_force.guarding(begin)
    catalog_cache = CatalogCache(read, organisations)
    naming = Naming.among(organisations)
    permissions = Permissions(members)
    rule_check = RuleCheck(
        policy=policy,
        catalog_cache=catalog_cache,
        permissions=permissions,
        read=read,
        now=now,
        zone=zone,
        words=rules,
        naming=naming,
    )
    readiness_check = ReadinessCheck(
        facts=kubernetes_facts(),
        catalog_cache=catalog_cache,
        cloud_readings=CloudReadings(cloud, now=now),
        now=now,
    )
    viewing = Viewing(
        read=read,
        catalog_cache=catalog_cache,
        policy=policy,
        rule_check=rule_check,
        permissions=permissions,
        readiness_check=readiness_check,
        organisations=organisations,
        now=now,
    )
    revoting = Revoting(
        begin=judge, catalog_cache=catalog_cache, permissions=permissions, rule_check=rule_check, words=rules, now=now
    )
    announcing = Announcing(policy=policy, rule_check=rule_check, words=rules, now=now)
    cataloguing = Cataloguing(begin=begin, cloud=cloud, catalog_cache=catalog_cache)
    links = Links(workspace=workspace, console=Console(pattern=console_url))
    fleet = FleetReading(read=read, catalog_cache=catalog_cache, facts=kubernetes_facts(), now=now, zone=zone)
    home_reading = HomeReading(viewing=viewing, permissions=permissions, rule_check=rule_check, fleet=fleet)
    draw_home = partial(_draw_home, home_reading, links)
    return UseCases(
        catalog_cache=catalog_cache,
        in_force=in_force,
        viewing=viewing,
        home_reading=home_reading,
        fleet=fleet,
        requesting=Requesting(
            begin=judge,
            read=read,
            policy=policy,
            catalog_cache=catalog_cache,
            permissions=permissions,
            readiness_check=readiness_check,
            rule_check=rule_check,
            words=rules,
            now=now,
            real_time=real_time,
            new_id=new_id,
        ),
        deciding=Deciding(
            begin=judge,
            read=read,
            catalog_cache=catalog_cache,
            permissions=permissions,
            rule_check=rule_check,
            words=rules,
            revoting=revoting,
            naming=naming,
            cloud=cloud,
            announcing=announcing,
            now=now,
            real_time=real_time,
        ),
        submitting=Submitting(
            begin=begin,
            begin_judged=judge,
            read=read,
            cloud=cloud,
            catalog_cache=catalog_cache,
            permissions=permissions,
            rule_check=rule_check,
            words=rules,
            revoting=revoting,
            announcing=announcing,
            now=now,
            sleep=sleep,
        ),
        rollouts=Rollouts(
            begin=judge,
            read=read,
            policy=policy,
            catalog_cache=catalog_cache,
            permissions=permissions,
            words=rules,
            turns=Turns(
                policy=policy,
                catalog_cache=catalog_cache,
                permissions=permissions,
                now=now,
                zone=zone,
                new_request_id=new_id,
            ),
            now=now,
        ),
        freezing=Freezing(
            begin=judge,
            read=read,
            policy=policy,
            catalog_cache=catalog_cache,
            permissions=permissions,
            words=rules,
            freeze_words=freeze,
            now=now,
        ),
        polling=Polling(
            begin=begin,
            read=read,
            cloud=cloud,
            catalog_cache=catalog_cache,
            recording=Recording(
                begin=begin, read=read, catalog_cache=catalog_cache, policy=policy, announcing=announcing, now=now
            ),
            concluding=Concluding(
                begin=begin, read=read, announcing=announcing, cataloguing=cataloguing, cloud=cloud, now=now
            ),
            blindness=Blindness(
                begin=begin,
                catalog_cache=catalog_cache,
                policy=policy,
                organisations=organisations,
                now=now,
                poll_every=poll_every,
            ),
            now=now,
            forced=status_source,
        ),
        cataloguing=cataloguing,
        reminding=Reminding(
            begin=judge,
            read=read,
            policy=policy,
            organisations=organisations,
            catalog_cache=catalog_cache,
            permissions=permissions,
            rule_check=rule_check,
            revoting=revoting,
            now=now,
            real_time=real_time,
        ),
        readiness_check=readiness_check,
        readiness_keeping=ReadinessKeeping(begin=begin, read=read, check=readiness_check, policy=policy, now=now),
        delivery=build_delivery(
            begin=begin,
            read=read,
            claims=claims,
            messenger=messenger,
            now=now,
            policy=policy,
            naming=naming,
            console=links.console,
            home=draw_home,
            invite=invite,
            contacts=ChannelContacts(policy, permissions).of,
            report=_count,
            sleep=sleep,
        ),
        draw_home=draw_home,
        links=links,
    )


def _count(kind: str, outcome: str) -> None:
    metrics.DELIVERIES.labels(kind, outcome).inc()


async def _draw_home(home_reading: HomeReading, links: Links, member: MemberId) -> View:
    try:
        return home(await home_reading.read(member), links=links)
    except NotEntitled as refusal:
        return closed(rules.refusal(*refusal.why))
    except MembersUnavailable:
        return closed(who_is_it(home_reading.permissions.members))
