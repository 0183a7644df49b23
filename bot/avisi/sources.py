"""Where statuses come from: the organisation's list, if the cloud offers one, else the clusters."""

from contextlib import aclosing

from bot.avisi.client import AvisiClient
from bot.domain.cluster import Organisation
from bot.domain.scheduled import OPEN
from bot.workflow.errors import NoList


async def probe(client: AvisiClient, organisation: Organisation) -> NoList | None:
    """Ask for the first page of the list; returns why there is none, or None.

    Raises AvisiError when the answer tells neither way.
    """
    try:
        async with aclosing(client.scheduled(organisation, statuses=OPEN)) as pages:
            await anext(pages)
    except NoList as error:
        return error
    return None
