"""Checks the people in the rules: they exist and count, somebody may request, every quorum can be reached.

A person or group that does not count is a warning, because the rule still works with the others. A rule that does not
work without them is wrong.
"""

from collections.abc import AsyncIterator, Iterable

from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, count, ok, unknown, warning, wrong
from bot.domain.people import EVERYONE, AccountType, MemberId
from bot.domain.policy import Rule
from bot.workflow.errors import LookUpRefused, MembersUnavailable

_ENOUGH = 25
"""People of one group who are looked up at most; enough for every quorum."""


async def people_checks(context: DoctorContext) -> AsyncIterator[Finding]:
    """Check everybody whom the rules name."""
    if context.identity.known is None:
        yield unknown("BOT_APPROVERS", "people are not looked up, because Slack does not answer")
        return
    seen: set[tuple[str, str]] = set()
    try:
        for rule in context.policy.rules:
            for role in ("approvers", "requesters", "notify", "on_call"):
                for who in getattr(rule, role):
                    if who != EVERYONE and (role, who) not in seen and not _is_checked(rule, role):
                        seen.add((role, who))
                        yield await _person_or_group(context, rule, role, who)
            if EVERYONE not in rule.requesters and not await _able(context, rule.requesters, enough=1):
                yield _nobody_asks(context, rule)
            yield await _quorum(context, rule)
    except LookUpRefused as error:
        yield wrong("BOT_APPROVERS", f"people cannot be looked up: {error}", "Nothing can be decided before that.")
    except MembersUnavailable as error:
        fix = "Fix the problems above, or run doctor again in a minute."
        yield unknown("BOT_APPROVERS", f"people could not be looked up: {error}", fix)


def _is_checked(rule: Rule, role: str) -> bool:
    """Whether these people are checked in another role: by default, the approvers are notified."""
    return role == "notify" and rule.notify == rule.approvers


async def _person_or_group(context: DoctorContext, rule: Rule, role: str, who: str) -> Finding:
    about = f"{_place(context, rule, role)} {who}"
    if who.startswith("S"):
        return _group(context, about, await context.people.group(who))
    member = await context.people.find(MemberId(who))
    if member.counts:
        return ok(about, f"{member.name} is a full member")
    if member.account_type is AccountType.UNKNOWN:
        return warning(about, "Slack knows nobody by this ID", "Check the ID (profile, three dots, Copy member ID).")
    fix = "Name somebody who is a full member; guests, outsiders, bots and deactivated people never count."
    return warning(about, f"{member.name or who} does not count here: {member.account_type}", fix)


def _group(context: DoctorContext, about: str, members: frozenset[MemberId] | None) -> Finding:
    if members:
        return ok(about, f"the user group has {count(len(members), 'member')}")
    if members is not None:
        return warning(about, "the user group is empty", "Add people to it in Slack.")
    if context.people.refusals:
        fix = "Name users instead of the group, or move the workspace to a paid plan."
        return warning(about, " ".join(context.people.refusals), fix)
    fix = "Check the ID (Slack: People, User groups), or name users; groups need a paid plan of Slack."
    return warning(about, "Slack knows no such user group", fix)


async def _quorum(context: DoctorContext, rule: Rule) -> Finding:
    about = f"{_place(context, rule, 'approvers')} {', '.join(rule.approvers)}".strip()
    name = rule.environment or "every environment without a table"
    needed = rule.required_approvals
    if needed == 0:
        return ok(about, f"{name}: no approval is needed")
    if EVERYONE in rule.approvers:
        return ok(about, f"{name}: every full member may approve")
    able = len(await _able(context, rule.approvers, enough=max(_ENOUGH, needed + 2)))
    approvals, approvers = count(needed, "approval"), count(able, "approver")
    fix = f"Name more approvers, or ask for fewer approvals in {_number(context, rule)}."
    if able < needed:
        few = f"there {'is' if able == 1 else 'are'} only {approvers}" if able else "nobody may give one"
        return wrong(about, f"{name}: a request needs {approvals}, and {few}", fix)
    if able == needed and not rule.self_approval:
        text = f"{name}: a request needs {approvals}, and {approvers} can give one; their own can never be approved"
        return warning(about, text, fix)
    if rule.override and able <= needed:
        text = f"{name}: overriding a freeze needs {count(needed + 1, 'approval')}, and there are only {approvers}"
        return warning(about, text, fix)
    return ok(about, f"{name}: a request needs {approvals}, and at least {approvers} can give one")


def _nobody_asks(context: DoctorContext, rule: Rule) -> Finding:
    about = f"{_place(context, rule, 'requesters')} {', '.join(rule.requesters)}"
    name = rule.environment or "every environment without a table"
    return wrong(about, f"{name}: nobody may request an upgrade", 'Name full members or groups that have some, or "*".')


async def _able(context: DoctorContext, ids: Iterable[str], *, enough: int) -> set[MemberId]:
    """Return the full members among people and groups, at most `enough` of them."""
    named: set[MemberId] = set()
    for who in ids:
        named |= (await context.people.group(who) or frozenset()) if who.startswith("S") else {MemberId(who)}
    able: set[MemberId] = set()
    for member in sorted(named):
        if len(able) >= enough:
            break
        if (await context.people.find(member)).counts:
            able.add(member)
    return able


def _number(context: DoctorContext, rule: Rule) -> str:
    """Name the setting that says how many approvals are needed."""
    if rule.required_approvals == context.settings.bot_required_approvals:
        return "BOT_REQUIRED_APPROVALS"
    return f"BOT_POLICY_FILE required_approvals of {rule.environment or 'defaults'}"


def _place(context: DoctorContext, rule: Rule, role: str) -> str:
    if role == "approvers" and rule.approvers == context.settings.bot_approvers:
        return "BOT_APPROVERS"
    return f"BOT_POLICY_FILE {role} of {rule.environment or 'defaults'}:"
