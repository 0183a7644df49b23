"""Runs every check and prints the findings."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence

from bot.app import real_time
from bot.doctor.channels import channels
from bot.doctor.cloud_access import cloud_access
from bot.doctor.context import DoctorContext, open_context
from bot.doctor.database import database
from bot.doctor.finding import Finding, State, count, ok
from bot.doctor.listening import listening
from bot.doctor.people_checks import people_checks
from bot.doctor.placeholders import placeholders
from bot.doctor.slack_access import slack_access
from bot.domain.policy import Policy
from bot.observe.printable import as_json, printable
from bot.observe.redaction import redact
from bot.policy.words import in_short
from bot.settings import Settings

Check = Callable[[DoctorContext], AsyncIterator[Finding]]


async def configured(context: DoctorContext) -> AsyncIterator[Finding]:
    """Check that no setting is still a placeholder, and list the rules."""
    transport = "Socket Mode, as SLACK_APP_TOKEN is set" if context.settings.socket_mode else "HTTP mode"
    untouched = [finding async for finding in placeholders(context)]
    for finding in untouched:
        yield finding
    if not untouched:
        yield ok("settings", f"every variable is valid; {transport}")
    about = "BOT_POLICY_FILE" if context.settings.bot_policy_file else "BOT_APPROVERS"
    for line in in_short(context.policy):
        yield ok(about, line)


CHECKS: tuple[Check, ...] = (configured, listening, database, slack_access, channels, people_checks, cloud_access)


async def examine(context: DoctorContext, *checks: Check) -> AsyncIterator[Finding]:
    """Run the checks one after the other."""
    for check in checks or CHECKS:
        async for finding in check(context):
            yield finding


async def examine_and_print(settings: Settings, policy: Policy, *checks: Check, form: str) -> int:
    """Print every finding as `text` or `json`; return 0 when the bot would work, else 1."""
    found = []
    async with open_context(settings, policy, now=real_time) as context:
        async for finding in examine(context, *checks):
            found.append(finding)
            if form == "text":
                sys.stdout.write(_in_text(finding))
                sys.stdout.flush()
    works = all(finding.state is not State.WRONG for finding in found)
    if form == "json":
        document = {"ok": works, "findings": [finding.as_json() for finding in found]}
        sys.stdout.write(as_json(document, indent=2) + "\n")
    else:
        sys.stdout.write(_verdict(found, checks or CHECKS))
    return 0 if works else 1


def _in_text(finding: Finding) -> str:
    lines = [f"{finding.state:<8} {finding.about}: {finding.text}"]
    lines += [f"         -> {finding.fix}"] if finding.fix else []
    return redact("".join(f"{printable(line)}\n" for line in lines))


def _verdict(found: Sequence[Finding], checks: Sequence[Check]) -> str:
    """Sum up; only after all checks it is known whether the bot would work."""
    bad, good = (
        ("The bot would not work: ", "The bot would work: nothing") if set(CHECKS) <= set(checks) else ("", "Nothing")
    )
    counts = {state: sum(finding.state is state for finding in found) for state in State}
    rest = count(counts[State.WARNING], "warning")
    if counts[State.UNKNOWN]:
        rest += f", {counts[State.UNKNOWN]} not looked at"
    if counts[State.WRONG]:
        return f"\n{bad}{counts[State.WRONG]} wrong, {rest}.\n"
    return f"\n{good} is wrong, {rest}.\n"
