"""Puts Delivery together from what it needs of the world."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from bot.domain.naming import PLAIN, Naming
from bot.domain.people import MemberId
from bot.notifications.delivery.context_loader import ContextLoader
from bot.notifications.delivery.deliver import Delivery, DrawHome
from bot.notifications.delivery.failure_policy import ChannelContacts, FailurePolicy, Report
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.delivery.paced_messenger import PacedMessenger
from bot.notifications.delivery.rate_limiter import RateLimiter
from bot.workflow.ports import BeginReading, BeginWork, Claims, Clock


def delivery(
    *,
    begin: BeginWork,
    read: BeginReading,
    claims: Claims,
    messenger: Messenger,
    now: Clock,
    naming: Naming = PLAIN,
    home: DrawHome,
    invite: str,
    contacts: ChannelContacts | None = None,
    report: Report | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> Delivery:
    """Return what delivers; `invite` is what to type to let the bot into a channel, `report` counts outcomes.

    `contacts` are told of a broken channel where nobody's own request is concerned.
    """
    count = report or _count_nothing
    return Delivery(
        begin=begin,
        read=read,
        context_loader=ContextLoader(messenger=messenger, now=now, naming=naming),
        paced_messenger=PacedMessenger(
            messenger=messenger, rate_limiter=RateLimiter(claims=claims, sleep=sleep, seconds=seconds), report=count
        ),
        failure_policy=FailurePolicy(begin=begin, now=now, invite=invite, contacts=contacts or _nobody, report=count),
        home=home,
        report=count,
    )


async def _nobody(channel: str) -> Sequence[MemberId]:  # noqa: ARG001 - as Menders
    return ()


def _count_nothing(kind: str, outcome: str) -> None:
    """Count nothing."""
