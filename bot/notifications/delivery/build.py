"""Puts Delivery together from what it needs of the world."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from bot.domain.naming import PLAIN, Naming
from bot.domain.people import MemberId
from bot.notifications.delivery.context_loader import Scenes
from bot.notifications.delivery.deliver import Delivery, DrawHome
from bot.notifications.delivery.failure_policy import Menders, Report, Setbacks
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.delivery.paced_messenger import Sending
from bot.notifications.delivery.rate_limiter import Pacing
from bot.workflow.ports import BeginWork, Claims, Clock


def delivery(
    *,
    begin: BeginWork,
    look: BeginWork,
    claims: Claims,
    messenger: Messenger,
    now: Clock,
    naming: Naming = PLAIN,
    home: DrawHome,
    invite: str,
    menders: Menders | None = None,
    report: Report | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> Delivery:
    """Return what delivers; `invite` is what to type to let the bot into a channel, `report` counts outcomes.

    `menders` are told of a broken channel where nobody's own request is concerned.
    """
    count = report or _count_nothing
    return Delivery(
        begin=begin,
        look=look,
        scenes=Scenes(messenger=messenger, now=now, naming=naming),
        sending=Sending(messenger=messenger, pacing=Pacing(claims=claims, sleep=sleep, seconds=seconds), report=count),
        setbacks=Setbacks(begin=begin, now=now, invite=invite, menders=menders or _nobody, report=count),
        home=home,
        report=count,
    )


async def _nobody(channel: str) -> Sequence[MemberId]:  # noqa: ARG001 - as Menders
    return ()


def _count_nothing(kind: str, outcome: str) -> None:
    """Count nothing."""
