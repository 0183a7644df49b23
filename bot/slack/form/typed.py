"""Reads what people typed by the catalog at hand and in their own time zone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.cluster import Cluster
from bot.domain.people import Member
from bot.slack.form import directory, when
from bot.slack.form.directory import Directory
from bot.slack.form.filling import Filled, Reader
from bot.workflow.viewing import Viewing


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
        return await asyncio.to_thread(self._reader(_zone(member.zone) if member else None).fill, words)

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


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
