"""Checks Avisi Cloud: the token, organisations and role, the source of statuses, the environments of the rules."""

from collections.abc import AsyncIterator
from http import HTTPStatus

from bot import shapes
from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, count, ok, unknown, warning, wrong
from bot.doctor.slack_access import clock_finding, reaching
from bot.domain.cluster import Catalog, Organisation
from bot.workflow.errors import AvisiError, Declined, NoList, Unauthorised
from bot.workflow.repositories import Source

TOKEN = "ACLOUD_PERSONAL_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
ORGANISATION = "ACLOUD_ORGANISATION"
_MAY_SCHEDULE = frozenset({"admin", "developer"})


async def cloud_access(context: DoctorContext) -> AsyncIterator[Finding]:
    """Check every organisation, then whether the environments of the rules exist."""
    visible: tuple[Organisation, ...] | None = None
    try:
        visible = await context.cloud.memberships()
    except Unauthorised:
        fix = "Make a new personal access token in the Avisi Cloud Console, under your profile."
        yield wrong(TOKEN, "Avisi Cloud refuses the token (401)", fix)
        return
    except Declined as error:
        yield unknown(TOKEN, f"its organisations are not told: {error.words()}", "What follows tells more.")
    except AvisiError as error:
        fix = reaching(context.settings.acloud_api_endpoint)
        yield wrong("ACLOUD_API_ENDPOINT", error.words(), fix)
        return
    else:
        yield ok(TOKEN, f"works; it sees {count(len(visible), 'organisation')}")
    async for finding in _organisations(context, visible):
        yield finding
    if (theirs := await context.cloud.clock()) is not None:
        yield clock_finding("ACLOUD_API_ENDPOINT", "Avisi Cloud", abs((context.now() - theirs).total_seconds()))


async def _organisations(context: DoctorContext, visible: tuple[Organisation, ...] | None) -> AsyncIterator[Finding]:
    catalogs: list[Catalog] = []
    for slug in context.settings.acloud_organisation:
        async for finding in _organisation(context, Organisation(slug), visible, catalogs):
            yield finding
    if len(catalogs) == len(context.settings.acloud_organisation):
        for finding in _environments(context, tuple(catalogs)):
            yield finding
    elif context.policy.environments:
        yield unknown("BOT_POLICY_FILE", "its environments are not looked up, because not every catalog could be read")


async def _organisation(
    context: DoctorContext,
    organisation: Organisation,
    visible: tuple[Organisation, ...] | None,
    catalogs: list[Catalog],
) -> AsyncIterator[Finding]:
    about = f"{ORGANISATION} {organisation}"
    if visible is not None and organisation not in visible:
        nearest = f", the nearest is {shapes.nearest(organisation, visible)}" if visible else ""
        fix = f"Check the slug{nearest}; or have the token's owner invited to the organisation."
        yield wrong(about, "the token does not see this organisation", fix)
        return
    yield await _role(context, organisation, about)
    try:
        catalog = await context.cloud.catalog(organisation)
        catalogs.append(catalog)
        if catalog.clusters:
            clusters, versions = count(len(catalog.clusters), "cluster"), count(len(catalog.versions), "version")
            yield ok(about, f"{clusters}, {versions}")
        else:
            yield warning(about, "has no cluster that the token sees", "Check the token's access to environments.")
        yield _source(context, about, await context.cloud.missing_list(organisation))
    except AvisiError as error:
        if visible is None and isinstance(error, Declined) and error.status == HTTPStatus.NOT_FOUND:
            yield _elsewhere(context)
        else:
            yield wrong(about, f"cannot be read: {error.words()}", "Check the slug and the token's role.")


def _elsewhere(context: DoctorContext) -> Finding:
    """Say that whatever answers at the address is not the API."""
    address = context.settings.acloud_api_endpoint
    text = f"what answers at {address} knows none of the API's addresses (404)"
    return wrong("ACLOUD_API_ENDPOINT", text, "Check the address; the usual one is https://api.avisi.cloud.")


async def _role(context: DoctorContext, organisation: Organisation, about: str) -> Finding:
    """Say whether the token may schedule upgrades."""
    fix = "Give the token's owner the role developer or admin."
    try:
        role = (await context.cloud.me(organisation)).role
    except AvisiError as error:
        return unknown(about, f"the token's role is not told: {error.words()}", fix)
    if not role:
        return unknown(about, "the token's role is not told", fix)
    if role not in _MAY_SCHEDULE:
        return warning(about, f"the token has the role {role}, which may not be allowed to schedule upgrades", fix)
    return ok(about, f"the token has the role {role}")


def _source(context: DoctorContext, about: str, missing: NoList | None) -> Finding:
    wanted: str = context.settings.bot_status_source
    if wanted == Source.ORGANISATION and missing:
        fix = "Set BOT_STATUS_SOURCE=auto, which follows clusters until a list is there."
        return wrong("BOT_STATUS_SOURCE", f"{about}: {missing.words()}", fix)
    if missing or wanted == Source.CLUSTERS:
        why = missing.words() if missing else "BOT_STATUS_SOURCE asks for it, though Avisi Cloud offers a list"
        text = f"statuses are concluded from the clusters' versions. {why}"
        return warning("BOT_STATUS_SOURCE", f"{about}: {text}", "docs/api.md says what is then not known.")
    return ok("BOT_STATUS_SOURCE", f"{about}: statuses are read from the organisation's list")


def _environments(context: DoctorContext, catalogs: tuple[Catalog, ...]) -> list[Finding]:
    if context.settings.bot_policy_file is None:
        return []
    there = {f"{one.organisation}/{environment}" for one in catalogs for environment in _slugs(one)}
    names = there | {name.partition("/")[2] for name in there}
    findings = []
    for name, rule in sorted(context.policy.environments.items()):
        about = f'BOT_POLICY_FILE [environments."{name}"]'
        if name in names:
            findings.append(ok(about, "exists in Avisi Cloud"))
        else:
            fix = f"Check the name{_nearest(name, names)}."
            findings.append(wrong(about, "no organisation has such an environment", fix))
        for earlier, _wait in rule.after:
            if earlier not in names:
                text = f"after waits for {earlier}, which no organisation has"
                findings.append(wrong(about, text, f"Check the name{_nearest(earlier, names)}."))
    findings += [
        warning(
            "BOT_POLICY_FILE",
            f"the environment {name} has no table, so [defaults] rule it",
            f'Add [environments."{name}"] if it needs rules of its own.',
        )
        for name in sorted(there)
        if name not in context.policy.environments and name.partition("/")[2] not in context.policy.environments
    ]
    return findings


def _slugs(catalog: Catalog) -> set[str]:
    return {one.slug for one in catalog.environments} | {one.environment for one in catalog.clusters}


def _nearest(name: str, names: set[str]) -> str:
    return f", the nearest is {shapes.nearest(name, sorted(names))}" if names else ""
