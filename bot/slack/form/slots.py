"""The times that fit, as buttons under the start: a press fills the start in and keeps everything else."""

from collections.abc import Iterable
from datetime import UTC, datetime

from bot.notifications import blocks, rules, text
from bot.notifications.blocks import Block
from bot.notifications.ids import ActionId, BlockId
from bot.workflow.viewing import FormView

_SENTENCE = 2000


def buttons(shown: FormView) -> Iterable[Block]:
    """Draw a button for each time that fits, or the rule that stands in the way of every time."""
    slots = shown.slots
    if not shown.on_offer:
        return
    if slots.starts:
        yield blocks.context(f"Next times that fit, in {text.escape(str(shown.reader))}:")
        yield blocks.actions(
            *(
                blocks.button(
                    text.plain_minute(start, shown.reader),
                    action_id=f"{ActionId.SLOT}:{number}",
                    value=str(int(start.timestamp())),
                    style="primary" if start == shown.form.start else None,
                )
                for number, start in enumerate(slots.starts)
            ),
            block_id=BlockId.SLOTS,
        )
    elif slots.broken:
        why = text.escape(rules.sentence(slots.broken), _SENTENCE)
        yield blocks.context(f"No time fits within 90 days: {why}")


def read(value: str) -> datetime | None:
    """Read what a button carries, None when it is not ours."""
    if not (value.isascii() and value.isdigit() and len(value) == len("1000000000")):
        return None
    return datetime.fromtimestamp(int(value), tz=UTC)
