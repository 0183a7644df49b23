"""A healthy world for doctor to look at: simulated Slack and cloud, valid settings, no database yet."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.app import real_time
from bot.doctor.context import open_context
from bot.doctor.examination import Check, examine
from bot.doctor.finding import Finding, State
from bot.policy.file import load_policy
from bot.sandbox.avisi.cloud import SimulatedCloud
from bot.sandbox.clock import SimulatedClock
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.settings import Settings


@dataclass(slots=True, kw_only=True)
class Clinic:
    """Everything outside, to be broken; `changes` are settings by their field names, `policy` is a file's text."""

    slack: SimulatedSlack
    cloud: SimulatedCloud
    folder: Path
    changes: dict[str, Any] = field(default_factory=dict)
    policy: str = ""
    ahead: timedelta = timedelta(0)

    def settings(self) -> Settings:
        """Return the settings as they are now."""
        given: dict[str, Any] = {
            "slack_bot_token": SecretStr(self.slack.app.bot_token),
            "slack_app_token": SecretStr(self.slack.app.app_token),
            "slack_api_url": self.slack.api_url,
            "acloud_personal_access_token": SecretStr(self.cloud.token),
            "acloud_api_endpoint": self.cloud.url,
            "acloud_organisation": ("acme",),
            "bot_channel": "C0UPGRADES",
            "bot_approvers": ("S0PLATFORM",),
            "bot_database_url": SecretStr(f"sqlite+aiosqlite:///{self.folder}/bot.db"),
        }
        if self.policy:
            (self.folder / "policy.toml").write_text(self.policy, encoding="utf-8")
            given["bot_policy_file"] = self.folder / "policy.toml"
        return Settings(**(given | self.changes))

    async def examine(self, *checks: Check) -> list[Finding]:
        """Run the checks, all of them when none is named."""
        settings = self.settings()
        policy = load_policy(settings.bot_policy_file, settings)
        async with open_context(settings, policy, now=lambda: real_time() + self.ahead) as context:
            return [finding async for finding in examine(context, *checks)]

    async def only(self, state: State, *checks: Check) -> Finding:
        """Return the one finding in a state."""
        found = [finding for finding in await self.examine(*checks) if finding.state is state]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    """Start the simulators."""
    clock = SimulatedClock(start=real_time(), speed=1)
    async with SimulatedSlack() as slack, SimulatedCloud(clock) as cloud:
        yield Clinic(slack=slack, cloud=cloud, folder=tmp_path)
