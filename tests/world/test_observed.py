"""What an operator sees of the main flow: its log lines, tied together by references, and its metrics."""

import io
import json
from typing import Any

import aiohttp

from bot.gauges import Gauges
from tests.builders import ACME
from tests.world.harness import CHANNEL, Harness


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


async def finished(home: Harness) -> None:
    """Let one request go its way to a success."""
    card = await home.approved("staging/payments", reason="it is due")
    home.cloud.step()
    home.cloud.step()
    await home.sem.message(CHANNEL, "Upcoming")
    home.cloud.step()
    home.cloud.step()
    await home.card(card, "Done: the cluster now runs")
    await home.roos.direct("is done")


async def test_one_reference_leads_from_the_press_to_the_call_to_the_message(
    written: io.StringIO, home: Harness
) -> None:
    """Whoever has any line of it finds the others."""
    await finished(home)

    stored = [line for line in lines(written) if line["event"] == "inbox.stored"]
    pressed = next(line for line in stored if line["entry"] == "ButtonPressed")
    together = {line["event"] for line in lines(written) if line.get("reference") == pressed["reference"]}
    assert pressed["delivery"] == "block_actions"
    assert {"inbox.stored", "audit.vote_cast", "audit.submission_sent", "cloud.called", "outbox.told"} <= together


async def test_every_step_of_the_main_flow_has_its_line(written: io.StringIO, home: Harness) -> None:
    await finished(home)

    events = [line["event"] for line in lines(written)]
    for event in (
        "inbox.stored",
        "audit.upgrade_requested",
        "audit.submission_sent",
        "audit.upgrade_submitted",
        "cloud.called",
        "outbox.told",
    ):
        assert event in events, event
    moves = [line["status"] for line in lines(written) if line["event"] == "upgrade.moved"]
    assert moves[-1] == "SUCCEEDED"


async def test_no_line_of_it_holds_a_secret_or_what_somebody_wrote(written: io.StringIO, home: Harness) -> None:
    """IDs, never tokens, response URLs, names or reasons, even when everything is written that there is."""
    await finished(home)

    text = written.getvalue()
    app = home.slack.app
    for secret in (
        app.bot_token,
        app.signing_secret,
        app.verification_token,
        home.cloud.token,
        "response_url",
        "it is due",
        "Roos",
    ):
        assert secret not in text


async def test_nobody_is_woken_by_a_day_on_which_all_goes_well(written: io.StringIO, home: Harness) -> None:
    await finished(home)

    assert [line for line in lines(written) if line["level"] in {"error", "critical"}] == []


async def test_the_main_flow_moves_the_metrics(home: Harness) -> None:
    """What the dashboard draws and the alerts judge."""
    before = await measured(home)

    await finished(home)

    await Gauges(home.bots[-1].storage.stats, (ACME,), {}).set()  # as every quarter of a minute
    after = await measured(home)
    for name in (
        'upgrade_bot_ack_seconds_count{kind="command"}',
        'upgrade_bot_ack_seconds_count{kind="view_submission"}',
        'upgrade_bot_ack_seconds_count{kind="block_actions"}',
        'upgrade_bot_told_seconds_count{kind="card"}',
        'upgrade_bot_told_seconds_count{kind="channel"}',
        'upgrade_bot_told_seconds_count{kind="thread"}',
        'upgrade_bot_told_seconds_count{kind="direct"}',
        'upgrade_bot_slack_calls_total{method="chat.postMessage",outcome="ok"}',
        'upgrade_bot_poll_seconds_count{organisation="acme"}',
    ):
        assert after.get(name, 0) > before.get(name, 0), name
    assert after['upgrade_bot_poll_success_timestamp_seconds{organisation="acme"}'] > 0
    assert after['upgrade_bot_upgrades{status="SUCCEEDED"}'] == 1
    assert after['upgrade_bot_requests{state="SUBMITTED"}'] == 1
    assert after['upgrade_bot_dead_letters{box="outbox"}'] == 0
    assert any(name.startswith("upgrade_bot_cloud_calls_total") and 'outcome="ok"' in name for name in after)


async def measured(home: Harness) -> dict[str, float]:
    """Read the metrics page as Prometheus does."""
    url = f"http://127.0.0.1:{home.bots[-1].port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        text = await answer.text()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}
