"""Kubernetes versions as Avisi Cloud writes them: read, compared as numbers, and which steps between them are allowed.

Rules: one minor version at a time; downgrades only between patches of one minor (docs.avisi.cloud, update-a-cluster).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_SHAPE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([a-z0-9]+)-ame\.(\d+))?", re.ASCII)
_LONGEST_NUMBER = 6


class Step(StrEnum):
    """What going from one version to another means."""

    SAME = "same"
    PATCH = "patch"
    MINOR = "minor"
    DOWNGRADE = "downgrade"
    TOO_FAR = "too far"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class KubernetesVersion:
    """`v<major>.<minor>.<patch>-<distribution>-ame.<build>`, such as `v1.31.4-u-ame.2`; `text` is kept as it came.

    `numbers` is None for a shape we do not know: such a version is shown and passed on, never compared.
    """

    text: str
    numbers: tuple[int, int, int, int] | None
    distribution: str | None = None

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> "KubernetesVersion":
        """Read a version; never fails. A fleet has few, and each is read again and again."""
        match = _SHAPE.fullmatch(text)
        if match is None or any(len(part or "") > _LONGEST_NUMBER for part in match.group(1, 2, 3, 5)):
            return cls(text=text, numbers=None)
        major, minor, patch, distribution, build = match.groups()
        return cls(text=text, numbers=(int(major), int(minor), int(patch), int(build or 0)), distribution=distribution)

    @property
    def minor(self) -> tuple[int, int] | None:
        """Major and minor, or None for an unknown shape."""
        return None if self.numbers is None else self.numbers[:2]


def step(from_version: str, to_version: str) -> Step:
    """Classify going from one version to the other."""
    if from_version == to_version:
        return Step.SAME
    here, there = KubernetesVersion.parse(from_version), KubernetesVersion.parse(to_version)
    if here.numbers is None or there.numbers is None:
        return Step.UNKNOWN
    if here.numbers[0] != there.numbers[0] or here.distribution != there.distribution:
        return Step.TOO_FAR
    match there.numbers[1] - here.numbers[1]:
        case 0:
            return _within_a_minor(here.numbers, there.numbers)
        case 1:
            return Step.MINOR
        case _:
            return Step.TOO_FAR


def _within_a_minor(here: tuple[int, ...], there: tuple[int, ...]) -> Step:
    if here == there:
        return Step.SAME
    return Step.PATCH if there > here else Step.DOWNGRADE


def allows(step_taken: Step, *, allow_downgrade: bool) -> bool:
    """Whether a cluster may take this step; an unknown one might be a downgrade or skip a minor."""
    return step_taken in {Step.PATCH, Step.MINOR} or (step_taken is Step.DOWNGRADE and allow_downgrade)


def offered(current: str, on_offer: Iterable[str], *, allow_downgrade: bool) -> tuple[str, ...]:
    """Return the versions a cluster at `current` may go to, newest first; none from or to an unknown shape."""
    candidates = [
        version
        for version in {text: KubernetesVersion.parse(text) for text in on_offer}.values()
        if allows(step(current, version.text), allow_downgrade=allow_downgrade)
    ]
    candidates.sort(key=lambda version: (version.numbers or (), version.text), reverse=True)
    return tuple(version.text for version in candidates)


def matching(wanted: str, choices: Iterable[str]) -> tuple[str, ...]:
    """Return the choices that a short form such as `1.31` or `v1.31.4` stands for, in the order given."""
    bare = wanted.strip().lower().removeprefix("v")
    if not bare:
        return ()
    return tuple(
        choice
        for choice in choices
        if (text := choice.lower().removeprefix("v")) == bare or text.startswith((f"{bare}.", f"{bare}-"))
    )
