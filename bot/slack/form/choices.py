"""The clusters and versions that selects offer: drawn the same way everywhere, as Slack wants an initial option."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from bot.domain.cluster import Cluster
from bot.notifications.blocks import Block, plain
from bot.notifications.text import cut, cut_middle, one_line, units
from bot.slack.form.directory import MOST, Index
from bot.workflow.viewing import Place

_LABEL = 75
_ROOM = _LABEL - len(" (stopping)")
"""What is left for a name beside the longest mark."""
_BARRED = " (you may not request here)"
_LONGEST = 300
_VALUE = 150


def cluster_select(
    index: Index, chosen: Cluster | None, *, action_id: str, barred: frozenset[Place] = frozenset()
) -> Block:
    """Draw the select of clusters: all of them by environment, or a search field when there are too many.

    Environments in `barred`, where the reader may not request, are marked.
    """
    placeholder = {"action_id": action_id, "placeholder": plain("Choose a cluster", 150)}
    # of a newer copy than the options are drawn from, it would not be one of them
    initial = {"initial_option": option(index.copy_of(chosen), index)} if chosen else {}
    if len(index.clusters) > MOST:
        return {"type": "external_select", "min_query_length": 0, **placeholder, **initial}
    return {"type": "static_select", "option_groups": groups(index, barred), **placeholder, **initial}


@lru_cache(maxsize=8)
def groups(index: Index, barred: frozenset[Place] = frozenset()) -> list[Block]:
    """Return all clusters grouped by environment, in the order of reading; drawn once for each copy."""
    return [
        {"label": plain(label, _LABEL), "options": [option(cluster, index) for cluster in members]}
        for label, members in _by_environment(index.clusters, index=index, barred=barred)
    ]


def found(index: Index, typed: str, *, barred: frozenset[Place] = frozenset()) -> list[Block]:
    """Return what fits what was typed into the search field, grouped by environment; at most 100."""
    hits = index.search(typed, limit=MOST)
    grouped: dict[str, list[Block]] = {}
    for cluster in hits:
        grouped.setdefault(_label(cluster, index=index, barred=barred), []).append(option(cluster, index))
    return [{"label": plain(label, _LABEL), "options": options} for label, options in grouped.items()]


def option(cluster: Cluster, index: Index) -> Block:
    """Draw a cluster with its environment, and with its organisation where others have one of that name.

    A closed select shows nothing else.
    """
    return {"text": plain(_shown(cluster, index), _LABEL), "value": cluster.identity, **_described(cluster)}


def version_select(on_offer: Sequence[str], chosen: str | None, *, recommended: str | None, action_id: str) -> Block:
    """Draw the select of versions, newest first."""
    versions = tuple(version for version in on_offer if len(version) <= _VALUE)[:MOST]
    if chosen in on_offer and chosen and len(chosen) <= _VALUE and chosen not in versions:
        versions = (*versions[:-1], chosen)
    return {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain("Choose a version", 150),
        "options": [_version(version, recommended=recommended) for version in versions],
        **({"initial_option": _version(chosen, recommended=recommended)} if chosen and chosen in versions else {}),
    }


def _version(version: str, *, recommended: str | None) -> Block:
    mark = " (recommended)" if version == recommended else ""
    return {"text": plain(f"{cut_middle(version, _LABEL - len(mark))}{mark}", _LABEL), "value": version}


def _shown(cluster: Cluster, index: Index) -> str:
    """Say which cluster it is, and whether it is down."""
    mark = f" ({cluster.status.lower()})" if cluster.is_down else ""
    return f"{_shortened(index).get(cluster.identity) or cut(_name(cluster, index), _ROOM)}{mark}"


def _name(cluster: Cluster, index: Index) -> str:
    several = len(index.exact(cluster.full_name)) > 1
    return one_line(index.naming.cluster(cluster) if several else cluster.full_name, _LONGEST)


@lru_cache(maxsize=2)
def _shortened(index: Index) -> dict[str, str]:
    """Return what long names are cut to: at the end, or in the middle where that is what tells them apart."""
    names = {cluster.identity: _name(cluster, index) for cluster in index.clusters}
    left = {identity: name for identity, name in names.items() if units(name) > _ROOM}
    shortened: dict[str, str] = {}
    for way in (cut, cut_middle):
        tried = {identity: way(name, _ROOM) for identity, name in left.items()}
        often = Counter(tried.values())
        shortened |= {identity: shown for identity, shown in tried.items() if often[shown] == 1}
        left = {identity: name for identity, name in left.items() if identity not in shortened}
    return shortened | {identity: f"{cut(name, _ROOM - 7)} {identity[-6:]}" for identity, name in left.items()}


def _described(cluster: Cluster) -> dict[str, Block]:
    """Say name and version; a long name is shortened, so that the version can be read."""
    if cluster.name in {"", cluster.slug}:
        return {"description": plain(cluster.version, _LABEL)}
    name = cut_middle(one_line(cluster.name), max(_LABEL // 2, _LABEL - units(cluster.version) - 2))
    return {"description": plain(f"{name}, {cluster.version}", _LABEL)}


def _by_environment(
    clusters: Iterable[Cluster], *, index: Index, barred: frozenset[Place]
) -> list[tuple[str, list[Cluster]]]:
    grouped = groupby(clusters, key=lambda cluster: (cluster.organisation, cluster.environment))
    return [
        (_label(members[0], index=index, barred=barred), members)
        for _, several in grouped
        if (members := list(several))
    ]


def _label(cluster: Cluster, *, index: Index, barred: frozenset[Place]) -> str:
    name = f"{cluster.organisation} / {cluster.environment}" if index.naming.several else cluster.environment
    if (cluster.organisation, cluster.environment) not in barred:
        return name
    return f"{cut(name, _LABEL - len(_BARRED))}{_BARRED}"
