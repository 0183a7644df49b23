"""The installed Slack app: its manifest, tokens and secrets."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bot.sandbox.slack.seed import BOT_USER

_SCOPES = ("chat:write", "commands", "users:read", "usergroups:read", "channels:read", "groups:read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command of the app."""

    name: str = "/schedule-upgrade"
    description: str = "Request a cluster upgrade"
    usage_hint: str = "[cluster] [version] [when] | list | status cluster | help"
    should_escape: bool = False


def _secret(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(16)}"


@dataclass(slots=True, kw_only=True)
class InstalledApp:
    """What Slack knows of the app. The tokens are made up anew each time unless given."""

    id: str = "A0UPGRADEBOT"
    bot_id: str = "B0UPGRADEBOT"
    bot_user_id: str = BOT_USER
    name: str = "Upgrade bot"
    bot_name: str = "upgradebot"
    description: str = ""
    scopes: tuple[str, ...] = _SCOPES
    commands: tuple[Command, ...] = (Command(),)
    events: tuple[str, ...] = ("app_home_opened",)
    home_tab: bool = True
    messages_tab: bool = True
    socket_mode: bool = True
    options_url: bool = True
    """In HTTP mode the manifest must name ``message_menu_options_url``, else external selects stay empty."""
    request_url: str = ""
    """Where Slack sends everything in HTTP mode."""
    bot_token: str = field(default_factory=lambda: _secret("xoxb-"), repr=False)
    app_token: str = field(default_factory=lambda: _secret("xapp-"), repr=False)
    signing_secret: str = field(default_factory=lambda: _secret(""), repr=False)
    verification_token: str = field(default_factory=lambda: _secret(""), repr=False)
    app_scopes: tuple[str, ...] = ("connections:write",)
    revoked: bool = False
    org_wide: bool = False
    """Installed for the workspace's whole organisation: what belongs to one workspace is asked for with its ID."""

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Self:
        """Read an app manifest (its JSON form) as Slack does at installation."""
        shown = manifest.get("display_information", {})
        features = manifest.get("features", {})
        home = features.get("app_home", {})
        settings = manifest.get("settings", {})
        interactivity = settings.get("interactivity", {})
        subscriptions = settings.get("event_subscriptions", {})
        commands = features.get("slash_commands", [])
        return cls(
            name=shown.get("name", "App"),
            bot_name=features.get("bot_user", {}).get("display_name", ""),
            description=shown.get("description", ""),
            scopes=tuple(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", ())),
            commands=tuple(
                Command(
                    name=command["command"],
                    description=command.get("description", ""),
                    usage_hint=command.get("usage_hint", ""),
                    should_escape=command.get("should_escape", False),
                )
                for command in commands
            ),
            events=tuple(subscriptions.get("bot_events", ())),
            home_tab=home.get("home_tab_enabled", False),
            messages_tab=home.get("messages_tab_enabled", True),
            socket_mode=settings.get("socket_mode_enabled", False),
            options_url=bool(interactivity.get("message_menu_options_url")),
            request_url=interactivity.get("request_url", ""),
        )
