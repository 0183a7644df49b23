"""Every order of what happens around a submission: nothing is left to chance, and a failure names its order."""

import itertools
from collections.abc import Callable

from bot.workflow.inbox import ButtonPressed, FormSubmitted, Press
from tests.builders import ACME, NEW, ROOS, SEM, WEB, a_form
from tests.workflow.test_any_order import NEW_PATCH, Story


def test_in_whatever_order_things_happen_every_rule_holds() -> None:
    """A press, the same press delivered again, an edit, a poll, a submission, and a death right after the next POST."""
    for order in dict.fromkeys(itertools.permutations(STEPS)):
        story = Story()
        try:
            story.begin()
            _ask(story, version=NEW)
            for step in order:
                STEPS_BY_NAME[step](story)
                story.one_open_request_for_each_cluster()
            story.teardown()
        except BaseException as error:
            error.add_note(f"In this order: {', '.join(order)}")
            raise


def _ask(story: Story, *, version: str) -> None:
    story.enter(FormSubmitted(member=ROOS, organisation=ACME, form=a_form(cluster_identity=WEB, version=version)))


def _press(story: Story) -> None:
    request = story.requests[-1]
    story.enter(ButtonPressed(member=SEM, press=Press.APPROVE, request_id=request.id, seal=request.seal))


def _die(story: Story) -> None:
    story.next_answer("killed", carried_out=True, keeps=False)


STEPS_BY_NAME: dict[str, Callable[[Story], None]] = {
    "press": _press,
    "edit": lambda story: _ask(story, version=NEW_PATCH),
    "poll": Story.poll,
    "submit": Story.work,
    "die": _die,
}
STEPS = ("press", "press", "edit", "poll", "submit", "die")
