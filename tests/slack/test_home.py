"""App Home: noted and published when it is opened, its pages turned, its button opens the modal."""

import pytest

from bot.sandbox.slack.api.faults import Fault
from bot.workflow.inbox import FormSubmitted
from tests.builders import NEW, NOON, ROOS
from tests.slack.harness import Transport, harness

BOTH = pytest.mark.parametrize("transport", ["http", "socket"])


@BOTH
async def test_opening_it_publishes_and_notes_it(transport: Transport) -> None:
    """What the person sees is drawn for that person, and it is published again while it stays open."""
    async with harness(transport) as here:
        roos = here.slack.person(ROOS)
        await roos.open_home()

        await roos.home(f"Home of {ROOS}, page 0")
        assert here.storage.tables.homes[ROOS] == (NOON, NOON)


async def test_its_pages_turn_and_its_button_opens_the_modal() -> None:
    """Presses in App Home have no response URL and no message; what is asked for from there is known to be."""
    async with harness("http") as here:
        roos = here.slack.person(ROOS)
        await roos.home(f"Home of {ROOS}")
        await roos.press_in_home("Next")
        await roos.home("page 1")
        await roos.press_in_home("Schedule upgrade")
        await roos.modal("Schedule upgrade")
        await roos.choose("Cluster", "production/web")
        await roos.modal(containing="Current version")
        await roos.choose("Version", NEW)
        assert (await roos.submit()).ok

        (entry,) = here.storage.entries
        assert isinstance(entry, FormSubmitted)
        assert entry.in_home


async def test_a_guest_sees_why_there_is_nothing() -> None:
    """App Home of somebody who may not use the bot says so, and shows nothing else."""
    async with harness("http") as here:
        gijs = here.slack.person("U0GIJS")
        await gijs.open_home()
        await gijs.home("Only full members")
        assert "U0GIJS" not in here.storage.tables.homes


async def test_a_home_shows_nothing_while_nobody_can_say_whose_it_is() -> None:
    """Neither what is under way nor the form, which its button would open."""
    async with harness("http") as here:
        here.slack.faults.add("users.info", Fault(error="ratelimited"), times=None)
        roos = here.slack.person(ROOS)
        await roos.open_home()
        await roos.home("please try again")
        assert ROOS not in here.storage.tables.homes

        here.slack.faults.clear()
        await roos.open_home()
        await roos.home(f"Home of {ROOS}")
        otto = here.slack.person("U0GIJS")
        await otto.open_home()
        await otto.home("Only full members")


async def test_a_home_that_cannot_be_published_harms_nothing() -> None:
    """It is drawn again the next time."""
    async with harness("http") as here:
        here.slack.faults.add("views.publish", Fault(status=500))
        roos = here.slack.person(ROOS)
        assert (await roos.open_home()).ok
        await here.settle()
        await roos.open_home()
        await roos.home(f"Home of {ROOS}")
