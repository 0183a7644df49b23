"""Where statuses come from: the organisation's list, if the cloud offers one, else the clusters."""

from contextlib import aclosing

from bot.avisi.client import AvisiClient
from bot.domain.cluster import Organisation
from bot.domain.scheduled import OPEN
from bot.workflow.errors import NoList
from bot.workflow.ports import Source


async def probe(client: AvisiClient, organisation: Organisation) -> Source:
    """Ask for the first page of the list; raises AvisiError when the answer tells neither way."""
    try:
        async with aclosing(client.scheduled(organisation, statuses=OPEN)) as pages:
            await anext(pages)
    except NoList:
        return Source.CLUSTERS
    return Source.ORGANISATION
