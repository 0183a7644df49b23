"""The facts that ship are those that the script makes, and agree with a second list."""

import json
from datetime import date

import pytest

from bot.kubernetes_facts import kubernetes_facts
from tests.kubernetes_facts.make import HERE, TARGET, text

SECOND_LIST = json.loads((HERE / "removed-apis.json").read_text(encoding="utf-8"))["minors"]
LIFECYCLE = json.loads((HERE / "kubernetes-lifecycle.json").read_text(encoding="utf-8"))["minors"]


def test_the_file_is_what_the_script_makes() -> None:
    """Nobody edits it by hand: `python -m tests.kubernetes_facts` writes it."""
    assert TARGET.read_text(encoding="utf-8") == text()


def test_the_file_stays_small() -> None:
    assert TARGET.stat().st_size < 8_000


@pytest.mark.parametrize("minor", [f"1.{minor}" for minor in range(26, 38)])
def test_removed_apis_agree_with_the_second_list(minor: str) -> None:
    """The same beta and stable kinds go, and the same of them were served by default."""
    ours = kubernetes_facts().minors[1, int(minor.removeprefix("1."))].removed
    theirs = [one for one in SECOND_LIST[minor]["removed"] if one["stability"] != "alpha"]

    assert {(one.api, one.kind, one.served_by_default) for one in ours} == {
        (one["api_version"], one["kind"], one["served_by_default"]) for one in theirs
    }


@pytest.mark.parametrize("minor", sorted(LIFECYCLE))
def test_end_of_life_is_that_of_the_lifecycle(minor: str) -> None:
    known = kubernetes_facts().minors[1, int(minor.removeprefix("1."))]

    assert known.end_of_life == date.fromisoformat(LIFECYCLE[minor]["end_of_life"])


def test_the_facts_say_how_far_they_reach() -> None:
    facts = kubernetes_facts()

    assert facts.newest == (1, 37)
    assert facts.as_of == date(2026, 10, 10)
