"""The Slack app's manifest: valid, least, and the same as the file that is checked in."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.manifest import SCOPES, as_yaml, manifest, wrong_with

ROOT = Path(__file__).parents[1]
SCHEMA: dict[str, Any] = json.loads((ROOT / "tests" / "slack-manifest.schema.json").read_text(encoding="utf-8"))
FORMS = [
    manifest(),
    manifest(url="https://bot.example.com"),
    manifest(name="Upgrades: test", command="/upgrade-test"),
]


@pytest.mark.parametrize("form", FORMS, ids=["socket", "http", "renamed"])
def test_every_form_is_what_slack_accepts(form: dict[str, Any]) -> None:
    jsonschema.validate(form, SCHEMA)


@pytest.mark.parametrize("form", FORMS, ids=["socket", "http", "renamed"])
def test_the_yaml_says_the_same(form: dict[str, Any]) -> None:
    assert yaml.safe_load(as_yaml(form)) == form


def test_the_checked_in_file_is_what_is_printed() -> None:
    assert (ROOT / "manifest.yml").read_text(encoding="utf-8") == as_yaml(manifest())


def test_no_more_is_asked_for_than_is_used() -> None:
    """Nothing reads messages, and the bot speaks only where it was invited."""
    assert set(SCOPES) == {
        "channels:read",
        "chat:write",
        "commands",
        "groups:read",
        "usergroups:read",
        "users:read",
    }


def test_over_http_slack_is_told_where_to_deliver_everything() -> None:
    """Options of the search field have an address of their own, which is easily forgotten."""
    form = manifest(url="https://bot.example.com/")
    address = "https://bot.example.com/slack/events"

    assert form["features"]["slash_commands"][0]["url"] == address
    assert form["settings"]["event_subscriptions"]["request_url"] == address
    assert form["settings"]["interactivity"]["request_url"] == address
    assert form["settings"]["interactivity"]["message_menu_options_url"] == address
    assert form["settings"]["socket_mode_enabled"] is False


def test_in_socket_mode_no_address_is_given() -> None:
    assert "https://" not in as_yaml(manifest())
    assert manifest()["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize(
    "text", ["yes", "null", "1.5", "a: b", "- a", "#a", '"', "a #b", " a", "è", "a:", "2026-01-01"]
)
def test_text_stays_text_in_yaml(text: str) -> None:
    assert yaml.safe_load(as_yaml({"text": text, "list": [{"inner": text}]})) == {
        "text": text,
        "list": [{"inner": text}],
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"url": "http://bot.example.com"}, "--url"),
        ({"url": "https://bot.example.com/bot"}, "--url"),
        ({"url": "https://bot.example.com?a=b"}, "--url"),
        ({"url": "https://me@bot.example.com"}, "--url"),
        ({"name": "x" * 36}, "--name"),
        ({"name": ""}, "--name"),
        ({"name": "  "}, "--name"),
        ({"name": "Upgrade\nBot"}, "--name"),
        ({"command": "upgrade"}, "--command"),
        ({"command": "/Upgrade"}, "--command"),
    ],
)
def test_what_slack_would_refuse_is_named(options: dict[str, str], expected: str) -> None:
    given = {"url": None, "name": "Upgrade Bot", "command": "/schedule-upgrade", **options}

    ((option, _why),) = wrong_with(**given)  # type: ignore[arg-type]

    assert option == expected
