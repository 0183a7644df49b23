"""Make bot/kubernetes_facts.json: what upstream Kubernetes says of each minor.

End of life comes from kubernetes-lifecycle.json beside this file. Removed APIs come from the schemas in the package
kubernetes-validate: what the API server of a minor's .0 release knows, everything switched on. An API is removed in a
minor when the minor before it knew it.

Held against removed-apis.json, a second list that was made from several sources, the beta and stable kinds agree for
every minor from 1.26 on. Two things differ, on purpose:

- Removals in 1.25 are left out: the package has no schemas of 1.24, so the facts begin at 1.25.
- The replacement is the most stable version of the same kind in the minor that removes it. For FlowSchema and
  PriorityLevelConfiguration v1beta1 (1.26) that is v1beta3, where the deprecation guide says v1beta2: both worked then.

Alpha versions are left out: no API server serves them without being told to. A beta is served by default when it was
there in 1.25 or belongs to flowcontrol.apiserver.k8s.io; new betas are off by default since 1.24 (kubernetes.io).
"""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "bot" / "kubernetes_facts.json"
LIFECYCLE = HERE / "kubernetes-lifecycle.json"

_SCHEMAS = files("kubernetes_validate") / "kubernetes-json-schema"
_HELPERS = frozenset({"Status", "DeleteOptions", "WatchEvent", "APIGroup", "APIResourceList", "APIVersions"})
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_ORDER = ("alpha", "beta", "stable")
_OLDEST = 25

Kind = tuple[str, str, str]
"""Group, version and kind."""


def facts() -> dict[str, Any]:
    """Return what the file holds."""
    lifecycle = json.loads(LIFECYCLE.read_text(encoding="utf-8"))
    minors = sorted(int(minor.removeprefix("1.")) for minor in lifecycle["minors"])
    known = {minor: set(kinds(minor)) for minor in minors}
    return {
        "about": "Upstream Kubernetes minors: last day of support (UTC) and the APIs that a minor no longer serves.",
        "as_of": lifecycle["data_known_until"],
        "sources": [
            {"name": "kubernetes.io", "licence": "CC BY 4.0", "of": "end of life"},
            {"name": "endoflife.date", "licence": "MIT", "of": "end of life"},
            {"name": "kubernetes-validate", "licence": "Apache-2.0", "of": "removed APIs"},
        ],
        "minors": {
            f"1.{minor}": {
                "end_of_life": lifecycle["minors"][f"1.{minor}"]["end_of_life"],
                "planned": lifecycle["minors"][f"1.{minor}"]["end_of_life_is"] == "planned",
                "removed": [
                    _removed(kind, known[minor], served=kind in known[_OLDEST] or kind[0].startswith("flowcontrol."))
                    for kind in sorted(known.get(minor - 1, set()) - known[minor])
                    if _stability(kind[1]) != "alpha"
                ],
            }
            for minor in minors
        },
    }


def text() -> str:
    """Return the file as it is written: indented, so that a change can be read."""
    return json.dumps(facts(), indent=1) + "\n"


def kinds(minor: int) -> Iterator[Kind]:
    """Yield every kind that a minor's API server knows; lists and helpers are left out."""
    for file in (_SCHEMAS / f"v1.{minor}.0-local").iterdir():
        if file.name.endswith(".json"):
            yield from _kinds_in(file)


def _kinds_in(file: Traversable) -> Iterator[Kind]:
    schema = json.loads(file.read_text(encoding="utf-8"))
    for one in schema.get("definitions", {}).values() if file.name == "_definitions.json" else [schema]:
        named = one.get("x-kubernetes-group-version-kind", [])
        if len(named) != 1:
            continue  # the few with some sixty names are helpers that every group shares
        kind = named[0]["kind"]
        if not kind.endswith("List") and kind not in _HELPERS:
            yield named[0]["group"], named[0]["version"], kind


def _removed(kind: Kind, left: set[Kind], *, served: bool) -> dict[str, Any]:
    group, version, name = kind
    others = sorted((_rank(other), other) for one, other, of in left if (one, of) == (group, name))
    return {
        "api": f"{group}/{version}",
        "kind": name,
        "served_by_default": served,
        "replacement": f"{group}/{others[-1][1]}" if others else None,
    }


def _stability(version: str) -> str:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version} is not a version of an API.")
    return found[2] or "stable"


def _rank(version: str) -> tuple[int, int, int]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version} is not a version of an API.")
    return _ORDER.index(_stability(version)), int(found[1]), int(found[3] or 0)
