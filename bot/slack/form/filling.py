"""Turns the words of a command into a filled-in form, or into the sentence that says what was not understood. Pure."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.cluster import Cluster
from bot.domain.findings import NothingOffered
from bot.domain.form import Form
from bot.domain.people import Member
from bot.domain.versions import matching
from bot.notifications import rules
from bot.notifications.text import escape
from bot.slack.form import directory, when
from bot.slack.form.directory import Directory, Index
from bot.slack.form.words import is_version
from bot.workflow.viewing import Viewing

_SMALL_WORDS = frozenset({"to", "at", "on", "for"})
_LONGEST_WHEN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A form to open, and sentences about how it was read."""

    form: Form
    notes: tuple[str, ...] = ()


class NotUnderstood(Exception):
    """`str()` of it says what was not understood and which choices are nearest; safe mrkdwn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Everything that reading a command needs. `zone` is the person's own, None when nobody could say."""

    index: Index
    on_offer: Callable[[Cluster], Sequence[str]]
    now: datetime
    zone: tzinfo | None
    otherwise: tzinfo

    def fill(self, words: Sequence[str]) -> Filled:
        """Read CLUSTER [VERSION] [WHEN]; raises NotUnderstood."""
        cluster, rest = self._cluster(words)
        rest = _without_small_words(rest)
        version = None
        if rest and is_version(rest[0]):
            version, rest = self._version(cluster, rest[0]), _without_small_words(rest[1:])
        form = Form(cluster_identity=cluster.identity, version=version)
        if not rest:
            return Filled(form=form)
        moment = self._moment(" ".join(rest))
        form = Form(cluster_identity=cluster.identity, version=version, start=moment.at)
        zone = self.zone or self.otherwise
        unknown = "" if self.zone else " Your own time zone could not be looked up."
        said = f"Start read as {when.shown(moment.at, zone)}.{unknown}"
        return Filled(form=form, notes=tuple(note for note in (said, moment.note) if note))

    def find(self, name: str) -> Cluster:
        """Return the one cluster of this name, or whose name alone begins like this; raises NotUnderstood."""
        exact = self.index.exact(name)
        if len(exact) == 1:
            return exact[0]
        beginning = exact or self.index.beginning(name, limit=20)
        if len(beginning) == 1:
            return beginning[0]
        if beginning:
            raise NotUnderstood(
                f"Several clusters fit {_code(name)}: {self._listed(beginning[:5])}. Write one of them in full."
            )
        nearest = self.index.nearest(name)
        if nearest:
            choices = f" Did you mean {self._listed(nearest)}?"
        else:
            some = self._listed(self.index.clusters[:5])
            choices = f" For example, there is {some}." if some else ""
        raise NotUnderstood(f"No cluster is called {_code(name)}.{choices}")

    def _cluster(self, words: Sequence[str]) -> tuple[Cluster, Sequence[str]]:
        """Find how many of the first words name the cluster: names may have spaces, so the longest exact one wins."""
        for count in range(min(len(words), _LONGEST_WHEN), 0, -1):
            if len(self.index.exact(" ".join(words[:count]))) == 1:
                return self.index.exact(" ".join(words[:count]))[0], words[count:]
        end = next((number for number, word in enumerate(words) if number and is_version(word)), 1)
        for count in dict.fromkeys((end, 1)):
            name = " ".join(words[:count])
            if self.index.exact(name) or self.index.beginning(name, limit=1):
                return self.find(name), words[count:]
        return self.find(" ".join(words[:end])), words[end:]

    def _version(self, cluster: Cluster, wanted: str) -> str:
        on_offer = self.on_offer(cluster)
        fitting = matching(wanted, on_offer)
        if fitting:
            return fitting[0]
        if not on_offer:
            nothing = NothingOffered(cluster=self.index.naming.cluster(cluster), version=cluster.version)
            raise NotUnderstood(escape(rules.sentence(nothing)))
        name = escape(self.index.naming.cluster(cluster))
        offered = ", ".join(_code(version) for version in on_offer[:5])
        more = f" and {len(on_offer) - 5} more" if len(on_offer) > 5 else ""  # noqa: PLR2004 - as many as are named
        runs = f"{name}, which runs {escape(cluster.version)}"
        raise NotUnderstood(f"{_code(wanted)} is not on offer for {runs}. On offer: {offered}{more}.")

    def _moment(self, typed: str) -> when.Moment:
        try:
            return when.read(typed, now=self.now, zone=self.zone or self.otherwise)
        except when.NotUnderstood as error:
            what = "cannot be chosen" if isinstance(error, when.OutOfReach) else "was not understood"
            raise NotUnderstood(f"The time {_code(typed)} {what}. {error}") from error

    def _listed(self, clusters: Sequence[Cluster]) -> str:
        return ", ".join(_code(self.index.naming.cluster(cluster)) for cluster in clusters)


def _without_small_words(words: Sequence[str]) -> Sequence[str]:
    while words and words[0].lower() in _SMALL_WORDS:
        words = words[1:]
    return words


def _code(text: str) -> str:
    return f"`{escape(text, 120)}`"


def load() -> None:
    """Load what reading takes, at the end of a start: the first person who needs it would wait for it."""
    directory.load()
    when.load()


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """Reads words while there is a catalog to read them by, in a thread: nearest names and odd times take a while."""

    viewing: Viewing
    directory: Directory

    async def fill(self, words: Sequence[str], member: Member | None) -> Filled:
        """Read CLUSTER [VERSION] [WHEN] of a person, None when nobody could say who it is; raises NotUnderstood."""
        return await asyncio.to_thread(self._reader(zone_of(member.zone) if member else None).fill, words)

    async def find(self, name: str) -> Cluster:
        """Return the one cluster that a name is for; raises NotUnderstood."""
        return await asyncio.to_thread(self._reader(None).find, name)

    def _reader(self, zone: tzinfo | None) -> Reader:
        return Reader(
            index=self.directory.index, on_offer=self._on_offer, now=self.viewing.now(), zone=zone, otherwise=UTC
        )

    def _on_offer(self, cluster: Cluster) -> Sequence[str]:
        found = self.viewing.find(cluster.identity)
        if found is None:
            return ()
        rule = self.viewing.policy.rule(cluster.organisation, cluster.environment)
        return found[0].offered_to(cluster, allow_downgrade=rule.allow_downgrade)


def zone_of(name: str) -> tzinfo | None:
    """Return a time zone by its name, None when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
