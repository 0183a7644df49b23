"""Finds values that were copied from an example and never filled in."""

from collections.abc import AsyncIterator
from typing import Final

from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, wrong

_EXAMPLES: Final = (
    "xoxb-your-bot-token", "xapp-your-app-level-token", "your-personal-access-token",
    "8f742231b10e8888abcd99yyyzzz85a5", "c1f3b0d2a4e5968778695a4b",
    "C0123456789", "S0123456789", "U0123456789", ":PASSWORD@",
)  # fmt: skip
"""The values in `.env.example`, `deploy/` and the error messages. `acme` may be a real organisation."""
_IDS: Final = frozenset({"C0123456789", "S0123456789", "U0123456789"})


async def placeholders(context: DoctorContext) -> AsyncIterator[Finding]:
    """Name each variable, and the policy file, that still contains an example's value."""
    for name in type(context.settings).model_fields:
        value = getattr(context.settings, name)
        parts = value if isinstance(value, tuple) else (value,)
        texts = [str(part.get_secret_value() if hasattr(part, "get_secret_value") else part) for part in parts]
        if any(example in text for text in texts for example in _EXAMPLES):
            yield _untouched(name.upper())
    if path := context.settings.bot_policy_file:
        rules = context.policy.rules
        used = {one for rule in rules for one in (rule.channel, *rule.approvers, *rule.requesters, *rule.on_call)}
        named = {context.settings.bot_channel, *(context.settings.bot_approvers or ())}
        if found := sorted((used - named) & _IDS):
            yield _untouched(f"BOT_POLICY_FILE {path}: {', '.join(found)}")


def _untouched(about: str) -> Finding:
    fix = "Fill in your own value; docs/slack.md says where each is found."
    return wrong(about, "this is still the placeholder of an example", fix)
