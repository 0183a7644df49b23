"""Checks the database: it answers, its tables are up to date, and it holds no dead letters."""

import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, count, ok, warning, wrong
from bot.domain.policy import Policy
from bot.domain.rollout import Progress, Rollout, RolloutState
from bot.store.engine import sqlite_file
from bot.store.errors import DatabaseProblem, SessionsShared
from bot.workflow.queues import Box

DATABASE = "BOT_DATABASE_URL"
_NAMED = 4
_LONG = timedelta(days=1)


async def database(context: DoctorContext) -> AsyncIterator[Finding]:
    """Check the database, also while the bot runs; writes nothing."""
    file = sqlite_file(context.storage.url)
    if file is not None and not file.exists():
        folder = file.absolute().parent
        if not folder.is_dir():
            yield wrong(DATABASE, f"the folder {folder} does not exist", f"Make it: mkdir -p {folder}")
        elif not os.access(folder, os.W_OK):
            yield _read_only(folder)
        else:
            yield ok(DATABASE, f"{file} is not there yet; the bot makes it when it runs")
        return
    if file is not None and not (os.access(file, os.W_OK) and os.access(file.absolute().parent, os.W_OK)):
        yield _read_only(file)
        return
    try:
        await context.storage.ping()
        await context.storage.check_sessions()
        version, missing = await context.storage.version(), await context.storage.pending()
        if missing:
            tables = f"its tables are at version {version}" if version else "it has no tables yet"
            pending = f"{count(len(missing), 'migration')} pending ({', '.join(missing)})"
            await context.storage.rehearse()
            yield ok(DATABASE, f"answers; {tables}, {pending}: `upgrade-bot run` applies them")
            return
        if lacking := await context.storage.lacking_rights():
            fix = "Make the bot's user the owner of its tables, or grant it SELECT, INSERT, UPDATE and DELETE on them."
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            yield wrong(DATABASE, f"this user lacks the right to {', '.join(lacking[:_NAMED])}{more}", fix)
            return
        yield ok(DATABASE, f"answers; its tables are at version {version}, no migration is pending")
        async for finding in _contents(context):
            yield finding
        yield await _policy(context)
    except DatabaseProblem as error:
        yield wrong(DATABASE, str(error), _remedy(error))


def _remedy(error: DatabaseProblem) -> str:
    if isinstance(error, SessionsShared):
        return "Set pool_mode=session for this database in the pooler, or give PostgreSQL's own address."
    if "permission denied" in str(error):
        return "Let the user make tables: GRANT CREATE, USAGE ON SCHEMA public TO the user; or give it a schema."
    return "Check address, user and password, and that the database runs."


def _read_only(path: Path) -> Finding:
    return wrong(DATABASE, f"this user may not write {path}", f"Give it the right: chown or chmod {path}")


async def _policy(context: DoctorContext) -> Finding:
    """Compare the policy that doctor reads with the one that the running bot uses."""
    about = "BOT_POLICY_FILE" if context.settings.bot_policy_file else "BOT_APPROVERS"
    async with context.storage.read() as work:
        in_force = await work.policies.newest()
    if in_force is None:
        return ok(about, "no bot that uses this database has put a policy in force yet")
    generation = f"generation {in_force.number}, since {in_force.since:%Y-%m-%d %H:%M} UTC"
    if in_force.digest == context.policy.digest:
        return ok(about, f"these rules are the ones in force ({generation})")
    text = f"the rules here differ from the ones in force ({generation}), by which the running bot judges"
    fix = "If these are the newer ones, start every replica with them; if not, start this one with those in force."
    return warning(about, text, fix)


async def _contents(context: DoctorContext) -> AsyncIterator[Finding]:
    stats = context.storage.stats
    counts = await stats.dead()
    fix = "docs/operating.md says what to do with dead letters."
    for newest in await stats.dead_letters(limit=1):
        what = "press or form" if newest.box is Box.INBOX else "message"
        text = f"{count(counts[newest.box], what)} given up; the newest: {newest.what}"
        yield warning(DATABASE, f"{text} ({newest.error})", fix)
    for request_id, error in (await stats.unreadable_requests()).items():
        yield warning(DATABASE, f"request {request_id} cannot be read by this version ({error})", fix)
    if not any(counts.values()):
        yield ok(DATABASE, "nothing was given up")
    async with context.storage.read() as work:
        unfinished = await work.rollouts.unfinished()
        broken = await work.destinations.broken()
    for rollout in unfinished:
        if finding := _waiting_rollout(rollout, context.policy, now=context.now()):
            yield finding
    for one in broken:
        text = f"the channel {one.channel} refuses messages since {one.since:%Y-%m-%d %H:%M} UTC ({one.error})"
        yield warning(DATABASE, text, "Invite the bot, or give another channel; what waits is then sent.")


def _waiting_rollout(rollout: Rollout, policy: Policy, *, now: datetime) -> Finding | None:
    """Say that a rollout has waited for more than a day, and for whom."""
    waiting = [one for one in rollout.of_wave(rollout.wave) if one.progress in {Progress.WAITING, Progress.UNCLEAR}]
    since = rollout.state_since
    if rollout.state is RolloutState.RUNNING:
        unclear = [one for one in waiting if one.progress is Progress.UNCLEAR]
        if not unclear:
            return None
        since = min(one.since for one in unclear)
    if rollout.state is RolloutState.SOAKING or now - since < _LONG:
        return None
    names = dict.fromkeys(one.planned.environment for one in rollout.of_wave(rollout.wave))
    people = dict.fromkeys(
        who for name in names for who in policy.rule(rollout.plan.organisation, name).approvers or (rollout.requester,)
    )
    text = (
        f'the rollout "{rollout.plan.name}" ({rollout.id}) is {rollout.state.lower()} since {since:%Y-%m-%d %H:%M} UTC '
        f"and waits for {', '.join(people)}"
    )
    return warning(DATABASE, text, "They decide on its card, or in the thread under it.")
