"""Checks every channel of the rules: it exists, is not archived or shared, and the bot is in it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, ok, unknown, warning, wrong
from bot.slack.web.calls import CallFailed, call


async def channels(context: DoctorContext) -> AsyncIterator[Finding]:
    """Check every channel that the bot posts to."""
    for channel in context.policy.channels:
        about = f"{where(context, channel)} {channel}"
        here = context.identity.known
        if here is None:
            yield unknown(about, "not looked at, because Slack does not answer")
            continue
        invite = f"/invite @{here.bot_name or here.bot_user_id}"
        try:
            answer = await call("conversations.info", context.client.conversations_info(channel=channel))
        except CallFailed as error:
            yield _unseen(about, error.failure.code, invite)
            continue
        facts: Any = answer.get("channel")
        for finding in _judge(about, facts if isinstance(facts, dict) else {}, invite):
            yield finding


def where(context: DoctorContext, channel: str) -> str:
    """Name where the channel is set: the variable, or the places in the policy file."""
    if context.settings.bot_channel == channel:
        return "BOT_CHANNEL"
    places = [rule.environment or "defaults" for rule in context.policy.rules if rule.channel == channel]
    return f"BOT_POLICY_FILE channel of {', '.join(places)}:"


def _unseen(about: str, code: str, invite: str) -> Finding:
    if code == "channel_not_found":
        return wrong(
            about,
            "Slack shows the bot no such channel: it does not exist, or it is private and the bot is not in it",
            f"Check the ID (channel details, at the bottom), and type in that channel: {invite}",
        )
    if code == "missing_scope":
        fix = "Install the app again from manifest.yml, which asks for channels:read and groups:read."
        return wrong(about, "the bot may not look at channels (missing_scope)", fix)
    return unknown(about, f"could not be looked at ({code})", "Run doctor again in a minute.")


def _judge(about: str, facts: Mapping[str, Any], invite: str) -> list[Finding]:
    name = f"#{facts.get('name') or '?'}"
    findings = []
    if facts.get("is_archived"):
        findings.append(wrong(about, f"{name} is archived", f"Unarchive {name}, or give the ID of another channel."))
    if not facts.get("is_member"):
        findings.append(wrong(about, f"the bot is not in {name}", f"Type in {name}: {invite}"))
    if facts.get("is_ext_shared") or facts.get("is_pending_ext_shared"):
        findings.append(
            warning(
                about,
                f"{name} is shared with another organisation, whose people see every card",
                "Use a channel that is not shared.",
            )
        )
    return findings or [ok(about, f"{name} exists and the bot is in it")]
