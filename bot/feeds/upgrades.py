"""What the calendar holds: upgrades with a window and freezes, read from the store and the policy."""

import asyncio
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from bot.domain.calendar import Freeze
from bot.domain.cluster import Organisation
from bot.domain.freeze import UpgradeFreeze
from bot.domain.naming import Naming
from bot.domain.policy import Policy
from bot.domain.request import RequestId, UpgradeRequest
from bot.domain.scheduled import ALARMING, DONE, NAMELESS, NOT_REPORTED, ScheduledUpgrade, Status, UpgradeIdentity
from bot.feeds.calendar import CalendarEvent, CalendarFeed, EventStatus, render
from bot.workflow.catalog_cache import CatalogCache
from bot.workflow.inbox import MessageRef
from bot.workflow.ports import BeginReading, Clock

_LOOKS_BACK = timedelta(days=90)
_CANCELLED_FOR = timedelta(days=7)
_ENDED_OTHERWISE = frozenset({Status.SUPERSEDED, NOT_REPORTED})
_DOMAIN = "upgrade-bot"
_MOST_FREEZES = 200
_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpgradeCalendar:
    """Reads and renders the calendar. `workspace` returns the address of the Slack workspace, empty while unknown."""

    read: BeginReading
    catalog_cache: CatalogCache
    policy: Policy
    organisations: tuple[Organisation, ...]
    naming: Naming
    now: Clock
    workspace: Callable[[], str]

    async def feed(self, environment: str | None = None) -> CalendarFeed:
        """Return the calendar, of one environment's name or of all."""
        now = self.now()
        async with self.read() as work:
            upgrades = await work.upgrades.with_windows(self.organisations, since=now - _LOOKS_BACK)
            shown = [one for one in upgrades if self._is_asked(one, environment) and _is_shown(one, now)]
            requests = await work.requests.these(*(RequestId(one.request_id) for one in shown if one.request_id))
            cards = await work.messages.cards(*map(_card_of, requests.values()))
            freezes = await work.freezes.newest(limit=_MOST_FREEZES)
        nameless = {one.identity for one in upgrades if one.is_nameless}
        events = []
        for one in shown:
            request = requests.get(RequestId(one.request_id or ""))
            card = cards.get(_card_of(request)) if request else None
            events.append(self._upgrade(one, request, card, known_as=_known_as(one, nameless)))
        events += self._freezes(environment)
        events += [
            _timed_freeze(one, names)
            for one in freezes
            if one.until > now - _LOOKS_BACK and (names := self._frozen(one, environment))
        ]
        name = f"Cluster upgrades: {environment}" if environment else "Cluster upgrades"
        return await asyncio.to_thread(render, tuple(events), name=name)

    def _is_asked(self, upgrade: ScheduledUpgrade, environment: str | None) -> bool:
        if self.policy.watch == "requested" and upgrade.request_id is None:
            return False
        names = {upgrade.environment, f"{upgrade.organisation}/{upgrade.environment}"}
        return environment is None or environment in names

    def _upgrade(
        self,
        upgrade: ScheduledUpgrade,
        request: UpgradeRequest | None,
        card: MessageRef | None,
        *,
        known_as: UpgradeIdentity,
    ) -> CalendarEvent:
        window = upgrade.window
        if window is None:
            raise ValueError("Only upgrades with a window have an event.")
        lines = [f"{upgrade.from_version} to {upgrade.to_version}" if upgrade.from_version else upgrade.to_version]
        lines.append(f"Status: {upgrade.status}")
        if upgrade.request_id is None:
            lines.append("Scheduled outside Slack, without approval here")
        elif request is not None and request.change:
            rule = self.policy.rule(request.organisation, request.environment)
            address = rule.change_address(request.change)
            lines.append(f"Change: {request.change}{f' {address}' if address else ''}")
        return CalendarEvent(
            uid=f"{upgrade.organisation}.{known_as}@{_DOMAIN}",
            summary=f"{self.naming.cluster(upgrade)}: {_summary(upgrade)}",
            start=window.start,
            end=window.end,
            status=_status(upgrade),
            sequence=upgrade.moves,
            changed_at=upgrade.status_since,
            description="\n".join(lines),
            url=self._address(card),
        )

    def _address(self, card: MessageRef | None) -> str:
        workspace = self.workspace().rstrip("/")
        if card is None or not workspace.startswith("https://"):
            return ""
        return f"{workspace}/archives/{card.channel}/p{card.ts.replace('.', '')}"

    def _frozen(self, freeze: UpgradeFreeze, environment: str | None) -> list[str]:
        """Return the names of the environments of a freeze that are asked for."""
        return [
            self.naming.environment(one)
            for one in freeze.places
            if environment in {None, one.environment, f"{one.organisation}/{one.environment}"}
        ]

    def _freezes(self, environment: str | None) -> list[CalendarEvent]:
        """Return one event for each freeze of the policy file, however many environments it is for."""
        frozen: dict[Freeze, list[str]] = {}
        for catalog in self.catalog_cache.catalogs:
            for slug in sorted(catalog.environment_slugs):
                full = f"{catalog.organisation}/{slug}"
                if environment is None or environment in {slug, full}:
                    for freeze in self.policy.rule(catalog.organisation, slug).freeze:
                        frozen.setdefault(freeze, []).append(full if self.naming.several else slug)
        return [_freeze(freeze, names) for freeze, names in frozen.items()]


def _timed_freeze(freeze: UpgradeFreeze, environments: list[str]) -> CalendarEvent:
    """Return the event of a freeze that somebody set; one that was lifted ended then."""
    until = max(freeze.over_at, freeze.since + _SHORTEST) if freeze.lifted_by and freeze.over_at else freeze.until
    return CalendarEvent(
        uid=f"freeze.{freeze.id}@{_DOMAIN}",
        summary=f"Freeze: {', '.join(environments)} ({freeze.reason})",
        start=freeze.since,
        end=until,
        status="CONFIRMED",
        sequence=1 if freeze.lifted_by else 0,
        changed_at=freeze.over_at if freeze.lifted_by and freeze.over_at else freeze.since,
        description="No upgrade is submitted that would run within it, unless the freeze is overridden or lifted.",
    )


def _freeze(freeze: Freeze, environments: list[str]) -> CalendarEvent:
    told = f"{freeze.first} {freeze.last} {freeze.reason}"
    why = f" ({freeze.reason})" if freeze.reason else ""
    return CalendarEvent(
        uid=f"freeze.{hashlib.sha256(told.encode()).hexdigest()[:24]}@{_DOMAIN}",
        summary=f"Freeze: {', '.join(environments)}{why}",
        start=freeze.first,
        end=freeze.last + timedelta(days=1),
        status="CONFIRMED",
        sequence=0,
        changed_at=datetime.combine(freeze.first, time(), tzinfo=UTC),
        description="No upgrade runs in these days, unless the freeze is overridden.",
    )


def _is_shown(upgrade: ScheduledUpgrade, now: datetime) -> bool:
    """Whether it still stands in the calendar: what was withdrawn is shown as cancelled for a week.

    What stood for an upgrade until the cloud named it is no more: the named record goes on with its event.
    """
    if upgrade.is_nameless and upgrade.request_id is None:
        return False
    return _status(upgrade) != "CANCELLED" or now - upgrade.status_since < _CANCELLED_FOR


def _known_as(upgrade: ScheduledUpgrade, nameless: Collection[UpgradeIdentity]) -> UpgradeIdentity:
    """Return by which identity the calendar has an upgrade: the one from before the cloud named it, if there was."""
    before = UpgradeIdentity(f"{NAMELESS}{upgrade.request_id}")
    return before if before in nameless else upgrade.identity


def _card_of(request: UpgradeRequest) -> RequestId:
    """Return by what the card is known on which people decided: the rollout's, if it belongs to one."""
    return RequestId(request.rollout) if request.rollout else request.id


def _status(upgrade: ScheduledUpgrade) -> EventStatus:
    if upgrade.status in _ENDED_OTHERWISE:
        return "CANCELLED"
    return "TENTATIVE" if upgrade.status == Status.REQUESTED else "CONFIRMED"


def _summary(upgrade: ScheduledUpgrade) -> str:
    if upgrade.status in DONE:
        return f"upgraded to {upgrade.to_version}"
    if upgrade.status in ALARMING:
        return f"upgrade to {upgrade.to_version} failed"
    return f"upgrade to {upgrade.to_version}"
