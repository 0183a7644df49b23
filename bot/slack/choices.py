"""The clusters and versions that selects offer: drawn the same way everywhere, as Slack wants an initial option."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from bot.domain.cluster import Cluster
from bot.notifications.blocks import Block, plain
from bot.notifications.text import units
from bot.slack.directory import MOST, Index

_LABEL = 75
_VALUE = 150


def cluster_select(index: Index, chosen: Cluster | None, *, action_id: str) -> Block:
    """Draw the select of clusters: all of them by environment, or a search field when there are too many."""
    placeholder = {"action_id": action_id, "placeholder": plain("Choose a cluster", 150)}
    initial = {"initial_option": option(chosen, index)} if chosen else {}
    if len(index.clusters) > MOST:
        return {"type": "external_select", "min_query_length": 0, **placeholder, **initial}
    return {"type": "static_select", "option_groups": groups(index), **placeholder, **initial}


@lru_cache(maxsize=2)
def groups(index: Index) -> list[Block]:
    """Return all clusters grouped by environment, in the order of reading; drawn once for each copy."""
    return [
        {"label": plain(label, _LABEL), "options": [option(cluster, index) for cluster in members]}
        for label, members in _by_environment(index.clusters, index=index)
    ]


def found(index: Index, typed: str) -> list[Block]:
    """Return what fits what was typed into the search field, grouped by environment; at most 100."""
    hits = index.search(typed, limit=MOST)
    grouped: dict[str, list[Block]] = {}
    for cluster in hits:
        grouped.setdefault(_label(cluster, index=index), []).append(option(cluster, index))
    return [{"label": plain(label, _LABEL), "options": options} for label, options in grouped.items()]


def option(cluster: Cluster, index: Index) -> Block:
    """Draw a cluster with its environment, and with its organisation where others have one of that name.

    A closed select shows nothing else.
    """
    name = index.naming.cluster(cluster) if len(index.exact(cluster.full_name)) > 1 else cluster.full_name
    shown = name if units(name) <= _LABEL else cluster.full_name
    return {"text": plain(shown, _LABEL), "value": cluster.identity, **_described(cluster)}


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
    text = f"{version} (recommended)" if version == recommended else version
    return {"text": plain(text, _LABEL), "value": version}


def _described(cluster: Cluster) -> dict[str, Block]:
    name = "" if cluster.name in {"", cluster.slug} else f"{cluster.name}, "
    return {"description": plain(f"{name}{cluster.version}", _LABEL)}


def _by_environment(clusters: Iterable[Cluster], *, index: Index) -> list[tuple[str, list[Cluster]]]:
    grouped = groupby(clusters, key=lambda cluster: (cluster.organisation, cluster.environment))
    return [(_label(members[0], index=index), members) for _, several in grouped if (members := list(several))]


def _label(cluster: Cluster, *, index: Index) -> str:
    return f"{cluster.organisation} / {cluster.environment}" if index.naming.several else cluster.environment
