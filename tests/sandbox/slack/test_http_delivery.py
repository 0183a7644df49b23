import asyncio

import pytest

from bot.sandbox.slack.delivery.answers import ACK_SECONDS
from bot.sandbox.slack.delivery.http import signature
from bot.sandbox.slack.simulated import SimulatedSlack
from bot.sandbox.slack.workspace import Channel
from tests.sandbox.slack.listening import ListeningApp

HERE = "C0UPGRADES"


def test_the_signature_is_slacks_own() -> None:
    """The example that Slack publishes."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015"
        b".47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )

    signed = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)

    assert signed == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_a_command_arrives_as_a_signed_form(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """With everything that Slack puts in; the listening app refuses what is not signed."""
    outcome = await slack.person("U0ROOS").command(HERE, "/schedule-upgrade  acme-prod 1.31 ")

    assert outcome.ok
    assert listening.headers[0]["content-type"] == "application/x-www-form-urlencoded"
    assert (
        listening.last.items()
        >= {
            "command": "/schedule-upgrade",
            "text": "acme-prod 1.31",
            "user_id": "U0ROOS",
            "channel_id": HERE,
            "channel_name": "cluster-upgrades",
            "team_id": "T0HARBOUR",
            "api_app_id": slack.app.id,
            "is_enterprise_install": "false",
        }.items()
    )
    assert listening.last["response_url"].startswith(slack.url)
    assert listening.last["trigger_id"]


async def test_a_wrong_secret_is_noticed(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """The signature is real: with another secret the app refuses."""
    slack.app.signing_secret = "another"

    assert (await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")).error == "dispatch_failed"
    assert listening.heard == []


@pytest.mark.parametrize(
    ("status", "error"), [(404, "http_client_error"), (500, "dispatch_failed"), (302, "dispatch_failed")]
)
async def test_the_person_sees_slacks_own_error(
    slack: SimulatedSlack, listening: ListeningApp, status: int, error: str
) -> None:
    """By the kind of wrong answer."""
    listening.status = status

    outcome = await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")

    assert outcome.error == error
    assert f'/schedule-upgrade failed with the error "{error}"' in await slack.person("U0ROOS").private(HERE)


async def test_three_seconds_are_all_the_bot_gets(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """Later the person sees a time-out; here after a tenth of a second."""
    assert slack.deliveries.patience == ACK_SECONDS == 3.0
    slack.deliveries.patience = 0.1
    listening.delay = 0.3

    outcome = await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")

    assert outcome.error == "operation_timeout"
    assert outcome.ms >= 100


async def test_nobody_listening_is_a_failed_dispatch(slack: SimulatedSlack) -> None:
    """A refused connection does not take three seconds."""
    slack.deliver_over_http("http://127.0.0.1:9/slack/events")

    assert (await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")).error == "dispatch_failed"


async def test_commands_have_their_place(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """Other commands, people of other organisations and channels one is not in never reach the bot."""
    for person, channel, text in (
        ("U0ROOS", HERE, "/deploy"),
        ("U0VERA", "C0PARTNER", "/schedule-upgrade"),
        ("U0GIJS", "C0PROD", "/schedule-upgrade"),
    ):
        assert not (await slack.person(person).command(channel, text)).ok

    assert listening.heard == []


async def test_commands_come_from_direct_messages_too(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """Also from those between two people, where the bot itself can't post."""
    slack.workspace.add_channel(Channel(id="D0ROOSSEM", name="sem", private=True, members={"U0ROOS", "U0SEM"}))

    assert (await slack.person("U0ROOS").command("D0ROOSSEM", "/schedule-upgrade")).ok
    assert listening.last["channel_name"] == "directmessage"
    assert (await slack.person("U0ROOS").command(slack.person("U0ROOS").dm, "/schedule-upgrade")).ok


async def test_an_event_is_tried_again_when_it_fails(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """Three times, with number and reason, and the same event id."""
    slack.deliveries.retries = (0.0, 0.01, 0.01)
    listening.status = 500

    await slack.person("U0ROOS").open_home()
    await listening.has_heard(4)

    assert [headers.get("x-slack-retry-num") for headers in listening.headers] == [None, "1", "2", "3"]
    assert listening.headers[1]["x-slack-retry-reason"] == "http_error"
    assert len({payload["event_id"] for payload in listening.heard}) == 1


async def test_an_app_can_stop_the_retries(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """By a header of its answer."""
    slack.deliveries.retries = (0.0, 0.0, 0.0)
    listening.status, listening.more_headers = 500, {"x-slack-no-retry": "1"}

    await slack.person("U0ROOS").open_home()
    await asyncio.sleep(0.1)

    assert len(listening.heard) == 1


async def test_commands_and_presses_are_never_tried_again(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """The person has to."""
    slack.deliveries.retries = (0.0, 0.0, 0.0)
    listening.status = 500

    await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")
    await asyncio.sleep(0.1)

    assert len(listening.heard) == 1


async def test_a_delivery_can_arrive_twice(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """The very same payload, as networks sometimes do."""
    await slack.person("U0ROOS").command(HERE, "/schedule-upgrade")

    await slack.deliveries.again(slack.deliveries.sent[-1])

    first, second = listening.heard
    assert first == second


async def test_the_request_url_is_verified(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """The app has to send the challenge back."""
    listening.answers = ["wrong"]
    assert not await slack.verify_request_url()
    assert listening.last["type"] == "url_verification"


async def test_only_subscribed_events_are_sent(slack: SimulatedSlack, listening: ListeningApp) -> None:
    """A change of a group is told to those who asked for it."""
    await slack.change_group("S0PLATFORM", ["U0KIM"])
    assert listening.heard == []

    slack.app.events = ("subteam_members_changed",)
    await slack.change_group("S0PLATFORM", ["U0KIM", "U0NOOR"])

    assert listening.last["event"]["added_users"] == ["U0NOOR"]
    assert slack.workspace.groups["S0PLATFORM"].users == ["U0KIM", "U0NOOR"]
