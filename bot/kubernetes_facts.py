"""Reads the Kubernetes facts that are shipped with the program; `python -m tests.kubernetes_facts` writes the file."""

import json
from datetime import date
from functools import cache
from importlib.resources import files

from bot.domain.readiness import KubernetesFacts, Minor, MinorFacts, RemovedApi


@cache
def kubernetes_facts() -> KubernetesFacts:
    """Return upstream's facts about Kubernetes minors, as of this version of the bot."""
    raw = json.loads((files("bot") / "kubernetes_facts.json").read_text(encoding="utf-8"))
    return KubernetesFacts(
        as_of=date.fromisoformat(raw["as_of"]),
        minors={
            _minor(name): MinorFacts(
                end_of_life=date.fromisoformat(one["end_of_life"]),
                planned=one["planned"],
                removed=tuple(RemovedApi(**api) for api in one["removed"]),
            )
            for name, one in raw["minors"].items()
        },
    )


def _minor(name: str) -> Minor:
    major, _, minor = name.partition(".")
    return int(major), int(minor)
