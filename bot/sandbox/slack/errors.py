"""The refusal that every part of the simulated Slack raises, in Slack's own error names."""

from typing import Any

Json = dict[str, Any]


class SlackError(Exception):
    """Slack answers ``{"ok": false, "error": NAME}``, with further fields beside it when it says more."""

    def __init__(self, error: str, **fields: object) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields

    def as_answer(self) -> Json:
        """Give the body that the caller of the Web API gets."""
        return {"ok": False, "error": self.error, **self.fields}


def invalid(error: str, problems: list[str]) -> SlackError:
    """Give an error that lists what is wrong, where Slack puts it: in ``response_metadata.messages``."""
    return SlackError(error, response_metadata={"messages": problems})
