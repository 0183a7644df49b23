"""The Slack app's manifest for Socket Mode or HTTP, with as few rights as possible, written as YAML."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.shapes import COMMAND_NAME

SCOPES: Final = ("channels:read", "chat:write", "commands", "groups:read", "usergroups:read", "users:read")
"""The scopes of the bot token; docs/security.md says what each is for."""
EVENTS: Final = ("app_home_opened",)
EVENTS_PATH: Final = "/slack/events"
NAME: Final = "Upgrade Bot"
COMMAND: Final = "/schedule-upgrade"

_LONGEST_NAME: Final = 35
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]*[A-Za-z0-9]")
"""Text that YAML reads as text without quotes."""
_SPECIAL: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def manifest(*, url: str | None = None, name: str = NAME, command: str = COMMAND) -> dict[str, Any]:
    """Return the manifest: for HTTP when `url` gives the bot's public address, else for Socket Mode."""
    address = {} if url is None else {"url": f"{url.rstrip('/')}{EVENTS_PATH}"}
    request = {} if url is None else {"request_url": address["url"]}
    options = {} if url is None else {"message_menu_options_url": address["url"]}
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": name,
            "description": "Schedule cluster upgrades on Avisi Cloud, with approvals people can trust",
            "background_color": "#1d3557",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [
                {
                    "command": command,
                    **address,
                    "description": "Schedule a cluster upgrade",
                    "usage_hint": "[cluster] [version] [when] | list | status cluster | help",
                    "should_escape": True,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**request, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request, **options},
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def wrong_with(*, url: str | None, name: str, command: str) -> Iterator[tuple[str, str]]:
    """Yield each option that Slack would refuse, and why."""
    if url is not None and not re.fullmatch(r"https://[^/\s?#@]+/?", url):
        yield "--url", "it must be the bot's public address, https://host, without a path"
    if not 0 < len(name) <= _LONGEST_NAME or name != name.strip() or not name.isprintable():
        yield "--name", f"it must have 1 to {_LONGEST_NAME} printable characters, no space at an end"
    if not COMMAND_NAME.fullmatch(command):
        yield "--command", "it must be a slash and at most 31 small letters, digits, - and _"


def as_yaml(value: Mapping[str, Any]) -> str:
    """Write mappings, lists and plain values as YAML, in their own order."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Mapping[str, Any] | list[Any]) -> list[str]:
    lines: list[str] = []
    entries = value.items() if isinstance(value, Mapping) else ((None, inner) for inner in value)
    for key, inner in entries:
        opening = "-" if key is None else f"{key}:"
        if not isinstance(inner, (Mapping, list)):
            lines.append(f"{opening} {_scalar(inner)}")
        elif key is None:
            first, *others = _lines(inner)
            lines += [f"- {first}", *(f"  {line}" for line in others)]
        else:
            lines += [opening, *(f"  {line}" for line in _lines(inner))]
    return lines


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.casefold() not in _SPECIAL:
        return value
    return json.dumps(value, ensure_ascii=False)
