"""What the simulated platform knows of version strings and of the steps between them."""

import re
from dataclasses import dataclass

_SHAPE = re.compile(r"^v(\d+)\.(\d+)\.(\d+)-([a-z0-9]+)-ame\.(\d+)$")


@dataclass(frozen=True, order=True, kw_only=True, slots=True)
class Version:
    """`v1.31.4-u-ame.2` as numbers, so that `.10` comes after `.9`."""

    major: int
    minor: int
    patch: int
    build: int
    distribution: str


def parse(text: str) -> Version | None:
    """Read a version string; None when it has another shape."""
    match = _SHAPE.match(text)
    if match is None:
        return None
    major, minor, patch, distribution, build = match.groups()
    return Version(major=int(major), minor=int(minor), patch=int(patch), build=int(build), distribution=distribution)


def obstacle(current: str, target: str) -> str | None:
    """Say why a cluster cannot go from one version to another; None when it can.

    One minor at a time, downgrades only between patches of one minor (docs.avisi.cloud, update-a-cluster).
    """
    if current == target:
        return f"cluster already runs {current}"
    here, there = parse(current), parse(target)
    if here is None or there is None:
        return None
    if here.distribution != there.distribution:
        return f"cannot change the distribution from {here.distribution} to {there.distribution}"
    if there.major != here.major or there.minor > here.minor + 1:
        return f"cannot go from {current} to {target}: one minor version at a time"
    if there.minor < here.minor:
        return f"cannot go back from {current} to {target}: downgrades stay within one minor version"
    return None
