"""Says which shape every answer of Avisi Cloud has: a report to attach to an issue, without names, tokens or IDs."""

import platform
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Final

from bot import shapes
from bot.avisi import paths
from bot.avisi.survey import Seen
from bot.doctor.context import DoctorContext
from bot.doctor.examination import Check
from bot.doctor.finding import Finding, count, ok, unknown, warning, wrong
from bot.domain.cluster import Organisation
from bot.domain.scheduled import OPEN
from bot.observe.build import DISTRIBUTION, version_of
from bot.workflow.errors import Declined, brief

_NEEDED: Final = frozenset({paths.CLUSTERS.template, paths.VERSIONS.template})
_MEND: Final = "docs/api.md says how the bot gets by without it."


def cloud_shapes(slug: str) -> Check:
    """Return the check of one organisation, which only reads; raises ValueError for what is not a valid slug."""
    organisation = Organisation(*shapes.slugs([slug]))

    async def check(context: DoctorContext) -> AsyncIterator[Finding]:
        yield ok("versions", f"upgrade-bot {version_of(DISTRIBUTION)}, Python {platform.python_version()}")
        upgrades = []
        async for seen in context.cloud.survey(organisation):
            yield _finding(seen)
            if seen.path == paths.UPGRADES:
                upgrades.append(seen)
        yield _filter(*upgrades)

    return check


def _finding(seen: Seen) -> Finding:
    about = f"GET {seen.path.template}"
    if seen.skipped:
        return unknown(about, f"not asked: {seen.skipped}", "Nothing has to be done.")
    if seen.error is not None:
        why = f"not answered ({brief(seen.error)})"
        if seen.path.template in _NEEDED:
            return wrong(about, why, "The bot cannot work without it: check the organisation and the token's role.")
        if seen.path.template == paths.ALERTS.template and isinstance(seen.error, Declined):
            status = seen.error.status
            nothing = "this tenant has none" if status == HTTPStatus.NOT_FOUND else "the token may not read them"
            return warning(about, f"{nothing} ({status})", "The readiness says so.")
        return warning(about, why, _MEND)
    if not seen.form:
        return warning(about, "answers in a shape that the bot cannot read", _MEND)
    return ok(about, ". ".join(_sentences(seen)))


def _sentences(seen: Seen) -> list[str]:
    envelope = f" ({', '.join(seen.envelope)})" if seen.envelope else ""
    said = [f"answers with {seen.form}{envelope}, {count(seen.items, 'item')}"]
    parts = {
        "Read": _listed(seen.read),
        "Never sent": ", ".join(seen.absent),
        "Unknown to the bot": _listed(seen.unknown),
    }
    said += [f"{label}: {words}" for label, words in parts.items() if words]
    return [*said, f"Statuses: {', '.join(seen.statuses)}"] if seen.statuses else said


def _listed(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({kinds})" for name, kinds in fields.items())


def _filter(everything: Seen, filtered: Seen) -> Finding:
    about = f"GET {paths.UPGRADES.template}?statuses="
    if everything.error or filtered.error:
        return unknown(about, "there is no list to filter", _MEND)
    if set(filtered.statuses) - set(OPEN):
        return ok(about, "the filter by status is ignored, which the bot expects")
    if set(everything.statuses) <= set(OPEN):
        return ok(about, "nothing that has ended is listed, so it does not show whether the filter counts")
    return ok(about, "the filter by status counts")
