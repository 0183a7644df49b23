"""Reads the policy file and merges it, key by key, with the `BOT_…` variables into the rule of each environment."""

import tomllib
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from bot.domain.people import EVERYONE
from bot.domain.policy import ALWAYS_ANNOUNCED, Policy, Rule
from bot.observe.redaction import redact
from bot.policy.problems import contradictions, line
from bot.policy.shape import EXAMPLES, PolicyTable, RuleTable
from bot.policy.words import most_approvers
from bot.settings import ENV_FILE, RuleSettings, Settings, SettingsProblems, read_rule_settings, read_settings

_EXAMPLE: Final = EXAMPLES["required_approvals"]


def configuration(env_file: Path = ENV_FILE) -> tuple[Settings, Policy]:
    """Return settings and policy; raises SettingsProblems with all problems of both."""
    problems: dict[str, None] = {}
    try:
        settings = read_settings(env_file)
    except SettingsProblems as error:
        problems.update(dict.fromkeys(error.lines))
    try:
        rules = read_rule_settings(env_file)
        policy = load_policy(rules.bot_policy_file, rules)
    except SettingsProblems as error:
        problems.update(dict.fromkeys(error.lines))
    if problems:
        raise SettingsProblems(*problems)
    return settings, policy


def load_policy(path: Path | None, settings: RuleSettings) -> Policy:
    """Return the policy; raises SettingsProblems with everything that is wrong or missing."""
    policy = read_policy(path, settings)
    if missing := lacking(policy):
        raise SettingsProblems(*missing)
    return policy


def read_policy(path: Path | None, settings: RuleSettings) -> Policy:
    """Return the merged policy, complete or not; raises SettingsProblems with everything wrong in the file."""
    file = _read(path, settings) if path else PolicyTable()
    zone = UTC if file.timezone == "UTC" else ZoneInfo(file.timezone)

    def rule(environment: str, *tables: RuleTable) -> Rule:
        return _merged(environment, *tables, file.defaults, settings=settings, zone=zone)

    environments = {
        name: rule(name, table, *_wider(name, file.environments)) for name, table in file.environments.items()
    }
    return Policy(
        default=rule(""), environments=environments, watch=settings.bot_watch, rollout=file.rollout.as_domain()
    )


def lacking(policy: Policy) -> tuple[str, ...]:
    """Name what the policy lacks: a channel, or approvers where approvals are required."""
    return (*_without_channel(policy), *_without_approvers(policy))


def impossible(policy: Policy) -> Iterator[str]:
    """Name the rules that require more approvals than there are approvers."""
    for rule in policy.rules:
        able = most_approvers(rule)
        if able is not None and 0 < able < rule.required_approvals:
            few = f"only {' and '.join(rule.approvers)} may give {'one' if able == 1 else 'them'}"
            yield (
                f"required_approvals is wrong for {_place(rule)}: a request needs {rule.required_approvals} approvals, "
                f"and {few}. Name more approvers or a user group, or ask for fewer. Example: {_EXAMPLE} with "
                f"{EXAMPLES['approvers']}"
            )


def _without_channel(policy: Policy) -> Iterator[str]:
    where = [_place(rule) for rule in policy.rules if not rule.channel]
    if where:
        yield (
            f"BOT_CHANNEL is missing: no channel is given{_for(where, policy)}. "
            "It must be a channel's ID, here or as channel in the policy file. Example: BOT_CHANNEL=C0123456789"
        )


def _without_approvers(policy: Policy) -> Iterator[str]:
    where = [
        _place(rule)
        for rule in policy.rules
        if not rule.approvers and rule.approvals_needed(override=rule.override) > 0
    ]
    if where:
        yield (
            f"BOT_APPROVERS is missing: approvals are asked for, but nobody may give them{_for(where, policy)}. "
            "It must be IDs of users and user groups, here or as approvers in the policy file; or ask for none. "
            "Example: BOT_APPROVERS=S0123456789,U0123456789 or BOT_REQUIRED_APPROVALS=0"
        )


def _for(places: list[str], policy: Policy) -> str:
    return f" for {', '.join(places)}" if policy.environments else ""


def _place(rule: Rule) -> str:
    return rule.environment or "any environment without a table"


def _wider(name: str, environments: dict[str, RuleTable]) -> tuple[RuleTable, ...]:
    """For `acme/staging`, return the table of `staging`, if there is one."""
    _organisation, slash, environment = name.partition("/")
    return (environments[environment],) if slash and environment in environments else ()


def _merged(environment: str, *tables: RuleTable, settings: RuleSettings, zone: Any) -> Rule:  # noqa: ANN401
    given: dict[str, Any] = {
        "channel": settings.bot_channel,
        "approvers": settings.bot_approvers,
        "required_approvals": settings.bot_required_approvals,
        "self_approval": settings.bot_self_approval,
    }
    for table in reversed(tables):
        given |= {key: getattr(table, key) for key in table.model_fields_set}
    values = {key: _plain(key, value) for key, value in given.items() if value is not None}
    notify = values.pop("notify", values.get("approvers", ()))
    return Rule(
        environment=environment,
        notify=() if EVERYONE in notify else notify,
        zone=zone,
        **values,
    )


def _plain(key: str, value: Any) -> Any:  # noqa: ANN401 - keys differ in type
    """Turn a value of a table into the value of a rule."""
    if key == "announce":
        return ALWAYS_ANNOUNCED | set(value)
    if key == "after":
        return tuple(sorted(value.items()))
    if key == "reminders":
        return tuple(sorted(set(value), reverse=True))
    if key == "change":
        return value.as_domain()
    if key == "freeze":
        return tuple(freeze.as_domain() for freeze in value)
    return tuple(value) if isinstance(value, list) else value


def _read(path: Path, settings: RuleSettings) -> PolicyTable:
    where = f"BOT_POLICY_FILE={path}" if path == settings.bot_policy_file else str(path)
    try:
        file = PolicyTable.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        lines = [f"the file cannot be read ({error.strerror}). Example: BOT_POLICY_FILE=policy.toml"]
    except UnicodeDecodeError as error:
        line_number = 1 + error.object.count(b"\n", 0, error.start)
        lines = [f"the file is not TOML: line {line_number} is not written in UTF-8. Example: {_EXAMPLE}"]
    except tomllib.TOMLDecodeError as error:
        lines = [f"the file is not TOML: {redact(str(error))}. Example: {_EXAMPLE}"]
    except ValidationError as error:
        lines = [line(details) for details in error.errors(include_url=False)]
    else:
        lines = list(contradictions(file))
        if not lines:
            return file
    raise SettingsProblems(*(f"{where}: {line}" for line in lines))
