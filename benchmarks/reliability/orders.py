"""Stories of random steps, other ones for each seed."""

from hypothesis import seed as seeded
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.workflow.test_any_order import Story, TestStory


def played(*, stories: int, seed: int) -> None:
    """Play so many stories; raises what breaks a rule, with its story and how to play it again."""
    lasting = settings(TestStory.settings, max_examples=stories, derandomize=False, database=None)
    run_state_machine_as_test(seeded(seed)(Story), settings=lasting)
