"""Shows Slack an example of everything that the bot can make, and says what it would refuse (blocks.validate)."""

import json
from collections.abc import AsyncIterator, Iterator

from bot.doctor import examples
from bot.doctor.context import DoctorContext
from bot.doctor.finding import Finding, count, ok, wrong
from bot.doctor.slack_access import reaching
from bot.slack.web.calls import CallFailed, call

_REFUSALS = frozenset({"invalid_message", "invalid_view", "invalid_blocks"})
_MEND = "Please report it with the output of `upgrade-bot doctor --blocks --json`: it holds nothing of yours."


async def block_checks(context: DoctorContext) -> AsyncIterator[Finding]:
    """Yield a finding for each refusal, and one that says how much Slack would take."""
    accepted = refused = 0
    for name, arguments in _examples():
        # The client's own method puts the arguments into the query string, where long ones do not fit.
        asked = context.client.api_call("blocks.validate", json=arguments)
        try:
            await call("blocks.validate", asked)
        except CallFailed as error:
            failure = error.failure
            if failure.code not in _REFUSALS:
                fix = reaching(context.settings.slack_api_url)
                yield wrong("blocks.validate", f"Slack does not say whether it takes {name} ({failure.code})", fix)
                return
            refused += 1
            for detail in failure.details or (failure.code,):
                yield wrong(name, f"Slack refuses it: {detail}", _MEND)
        else:
            accepted += 1
    if not refused:
        yield ok("blocks.validate", f"Slack takes {count(accepted, 'kind')} of messages and views, all there are")


def _examples() -> Iterator[tuple[str, dict[str, str]]]:
    for name, message in examples.messages():
        if message.blocks:
            yield name, {"message": json.dumps({"text": message.text, "blocks": list(message.blocks)})}
    for name, view in examples.views():
        yield name, {"view": json.dumps(view)}
