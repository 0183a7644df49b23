"""What doctor examines: the settings, the rules, and the adapters that the bot itself uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.avisi.client import AvisiClient
from bot.domain.policy import Policy
from bot.observe.build import DISTRIBUTION, version_of
from bot.settings import Settings
from bot.slack.web.client import open_session, web_client
from bot.slack.web.identity import Identity
from bot.slack.web.members import People
from bot.store.storage import Storage
from bot.workflow.ports import Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorContext:
    """Everything that the checks use."""

    settings: Settings
    policy: Policy
    client: AsyncWebClient
    identity: Identity
    people: People
    cloud: AvisiClient
    storage: Storage
    now: Clock


@asynccontextmanager
async def open_context(settings: Settings, policy: Policy, *, now: Clock) -> AsyncIterator[DoctorContext]:
    """Build the adapters as the bot does; nothing is opened before a check uses it."""
    storage = Storage.open(settings.bot_database_url.get_secret_value())
    async with (
        open_session(settings.slack_api_url) as session,
        AvisiClient(
            settings.acloud_api_endpoint,
            settings.acloud_personal_access_token,
            user_agent=f"{DISTRIBUTION}/{version_of(DISTRIBUTION)} doctor",
            now=now,
        ) as cloud,
    ):
        token = settings.slack_bot_token.get_secret_value()
        client = web_client(token=token, base_url=settings.slack_api_url, session=session)
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=3))
        identity = Identity(client=client)
        people = People(client=client, identity=identity)
        try:
            yield DoctorContext(
                settings=settings,
                policy=policy,
                client=client,
                identity=identity,
                people=people,
                cloud=cloud,
                storage=storage,
                now=now,
            )
        finally:
            await people.close()
            await storage.close()
