"""Clusters by what people call them: exact names, prefixes, near misses, and the answers of the search field.

Built once for each copy of the catalog, then only looked up: 10,000 clusters answer in less than a millisecond.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from bot.domain.cluster import Catalog, Cluster, Organisation
from bot.domain.naming import Naming

MOST = 100
"""How many options Slack takes, in a select and in an answer to a search."""
_SEPARATORS = dict.fromkeys([*range(0x21), *range(0x7F, 0xA1), *map(ord, "-_./:")])
"""What does not count in a name: spaces, dashes and their like, and control characters, which the index uses itself."""
Made = tuple[tuple[Organisation, datetime], ...]
"""Which copies an index was made of."""
_NEAR_ENOUGH = 55.0
_AT_ONCE = 500
"""How many names are compared while nothing else can run: 3 ms."""
_MARK = "\x1f"


def bare(name: str) -> str:
    """Return a name without case and separators, so that `Prod / Payments-API` is `prodpaymentsapi`."""
    return name.casefold().translate(_SEPARATORS)


def _written(name: str) -> str:
    return "".join(name.casefold().split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where clusters are: the environments of one name, that of one organisation, or a whole organisation."""

    name: str
    organisation: Organisation | None = None
    environment: str | None = None


class Index:
    """One copy of the catalogs, prepared for looking up."""

    def __init__(self, catalogs: Sequence[Catalog]) -> None:
        self.clusters = tuple(
            sorted(
                chain.from_iterable(catalog.clusters for catalog in catalogs),
                key=lambda cluster: (cluster.organisation, cluster.environment, cluster.slug),
            )
        )
        self.naming = Naming.among(catalogs)
        self._by_identity = {cluster.identity: cluster for cluster in self.clusters}
        self._exact: dict[str, dict[str, Cluster]] = {}
        starts, lines, at = [], [], 0
        for cluster in self.clusters:
            names = _names(cluster)
            for name in names:
                self._exact.setdefault(name, {})[cluster.identity] = cluster
            line = _MARK + _MARK.join(names) + "\n"
            starts.append(at)
            lines.append(line)
            at += len(line)
        self._starts, self._text = starts, "".join(lines)
        self.environments = tuple(dict.fromkeys(self.naming.environment(cluster) for cluster in self.clusters))
        """What the environments that have clusters are called, each once."""
        self._places: dict[str, Place] = {}
        for place in self._all_places():
            self._places.setdefault(_written(place.name), place)

    def copy_of(self, cluster: Cluster) -> Cluster:
        """Return a cluster as this index has it; as it is given when it is not there."""
        return self._by_identity.get(cluster.identity, cluster)

    def exact(self, name: str) -> tuple[Cluster, ...]:
        """Return the clusters of exactly this name; case and separators do not count."""
        return tuple(self._exact.get(bare(name), {}).values())

    def beginning(self, name: str, *, limit: int = MOST) -> tuple[Cluster, ...]:
        """Return the clusters one of whose names begins like this."""
        wanted = bare(name)
        return tuple(self._at(found) for found in self._lines(_MARK + wanted, limit=limit)) if wanted else ()

    def search(self, typed: str, *, limit: int = MOST) -> tuple[Cluster, ...]:
        """Return the clusters to offer for what was typed: beginnings first, then what contains it."""
        wanted = bare(typed)
        if not wanted:
            return self.clusters[:limit]
        first = list(self._lines(_MARK + wanted, limit=limit))
        known = set(first)
        more = (line for line in self._lines(wanted, limit=limit + len(first)) if line not in known)
        return tuple(self._at(line) for line in [*first, *more][:limit])

    def nearest(self, name: str, *, limit: int = 5) -> tuple[Cluster, ...]:
        """Return the clusters whose names look most like this one; only ever to suggest.

        Among 10,000 clusters it takes a quarter of a second: call it in a thread, to which it gives way in between.
        """
        from rapidfuzz import process  # noqa: PLC0415 - as in `load`

        wanted, names, hits = bare(name), tuple(self._exact), []
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            hits += process.extract(wanted, some, limit=limit * 3, score_cutoff=_NEAR_ENOUGH)
        best = sorted(hits, key=lambda hit: -hit[1])[: limit * 3]
        found = {cluster.identity: cluster for key, *_ in best for cluster in self._exact[key].values()}
        return tuple(found.values())[:limit]

    def place(self, name: str) -> Place | None:
        """Return the place of this name; case and spaces do not count."""
        return self._places.get(_written(name))

    def _all_places(self) -> Iterator[Place]:
        pairs = tuple(dict.fromkeys((cluster.organisation, cluster.environment) for cluster in self.clusters))
        for _, environment in pairs:
            yield Place(name=environment, environment=environment)
        for organisation, environment in pairs:
            yield Place(name=f"{organisation}/{environment}", organisation=organisation, environment=environment)
        for organisation, _ in pairs:
            yield Place(name=organisation, organisation=organisation)

    def _lines(self, wanted: str, *, limit: int) -> Iterator[int]:
        at = self._text.find(wanted)
        for _ in range(limit):
            if at < 0:
                return
            line = bisect_right(self._starts, at) - 1
            yield line
            after = self._starts[line + 1] if line + 1 < len(self._starts) else len(self._text)
            at = self._text.find(wanted, after)

    def _at(self, line: int) -> Cluster:
        return self.clusters[line]


def load() -> None:
    """Load what compares names: the first who misspells one would wait for it."""
    from rapidfuzz import process  # noqa: F401, PLC0415 - 3 MiB, and only the bot itself needs it


class Directory:
    """The index of the catalogs at hand, made anew only when one of them was read again.

    A large one is made beside the loop; until it is ready the one before answers. The first is made at once.
    """

    def __init__(self, catalogs: Callable[[], tuple[Catalog, ...]]) -> None:
        self._catalogs = catalogs
        self._made_of: Made | None = None
        self._index = Index(())
        self._making: asyncio.Future[Index] | None = None

    @property
    def index(self) -> Index:
        """Return the index of the copies at hand."""
        catalogs = self._catalogs()
        made_of = tuple((catalog.organisation, catalog.fetched_at) for catalog in catalogs)
        if made_of == self._made_of:
            return self._index
        if self._made_of is None or sum(len(catalog.clusters) for catalog in catalogs) <= MOST:
            self._index, self._made_of = Index(catalogs), made_of
        elif self._making is None:
            self._making = asyncio.get_running_loop().run_in_executor(None, Index, catalogs)
            self._making.add_done_callback(partial(self._made, made_of))
        return self._index

    @property
    def is_loaded(self) -> bool:
        """Whether any catalog has been read yet."""
        return bool(self._catalogs())

    def _made(self, made_of: Made, made: asyncio.Future[Index]) -> None:
        self._making = None
        if not made.cancelled():
            self._index, self._made_of = made.result(), made_of


def _names(cluster: Cluster) -> tuple[str, ...]:
    slug, environment = bare(cluster.slug), bare(cluster.environment)
    names = (slug, environment + slug, bare(cluster.name), bare(cluster.organisation) + environment + slug)
    return tuple(dict.fromkeys(name for name in names if name))
