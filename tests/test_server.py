"""What operators ask: does it live, is it ready, what does it count."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.registry import Collector

from bot.server import Check, Finding, Server


async def _well() -> Finding:
    return Finding(well=True, text="answers")


async def _ill() -> Finding:
    return Finding(well=False, text="does not answer")


async def _mildly_ill() -> Finding:
    return Finding(well=False, text="is old", vital=False)


async def _ask(server: Server, path: str) -> tuple[int, str]:
    port = await server.start()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, await answer.text()
    finally:
        await server.stop()


def _server(checks: Mapping[str, Check]) -> Server:
    registry = CollectorRegistry()
    Counter("cups_of_tea", "How many.", registry=registry).inc()
    return Server(host="127.0.0.1", port=0, checks=checks, registry=registry)


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ({"database": _well, "slack": _well}, 200),
        ({"database": _well, "cloud": _mildly_ill}, 200),
        ({"database": _ill, "slack": _well}, 503),
    ],
)
async def test_ready_means_that_every_vital_check_is_well(checks: Mapping[str, Check], status: int) -> None:
    """The body names every check, also those that never make the bot unready."""
    found, body = await _ask(_server(checks), "/readyz")

    assert found == status
    said = json.loads(body)
    assert set(said["checks"]) == set(checks)
    assert said["ok"] is (status == 200)


async def test_a_bot_that_is_stopping_is_not_ready() -> None:
    """The load balancer looks elsewhere while requests in hand are finished."""
    server = _server({"database": _well})
    server.stopping = True

    assert (await _ask(server, "/readyz"))[0] == 503


async def test_a_port_that_is_taken_names_its_variable() -> None:
    """The address and why it cannot be had, in one line."""
    first = _server({})
    port = await first.start()
    second = _server({})
    second.port = port

    with pytest.raises(OSError, match=f"BOT_HOST and BOT_PORT name 127.0.0.1:{port}. .*in use"):
        await second.start()

    await first.stop()


async def test_living_and_counting() -> None:
    """Health says only that the process turns; metrics are Prometheus' text."""
    assert (await _ask(_server({"database": _ill}), "/healthz"))[0] == 200
    status, said = await _ask(_server({}), "/metrics")
    assert status == 200
    assert "cups_of_tea_total 1.0" in said


async def test_slacks_address_exists_only_in_http_mode() -> None:
    """In Socket Mode nothing comes in from outside."""

    async def slack(_: web.Request, _proven: Callable[[], None]) -> web.Response:
        return web.Response(text="here")

    assert (await _ask(_server({}), "/slack/events"))[0] == 404
    server = _server({})
    server.slack = slack
    assert (await _ask(server, "/slack/events"))[0] == 405


async def test_many_who_ask_cause_one_look() -> None:
    """What is found is kept for a moment, and nobody who comes meanwhile has the checks run once more."""
    looks = 0

    async def counted() -> Finding:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.1)
        return Finding(well=True, text="answers")

    server = _server({"database": counted})
    port = await server.start()
    async with aiohttp.ClientSession() as session:

        async def ask() -> int:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return answer.status

        statuses = await asyncio.gather(*(ask() for _ in range(50)))
        statuses.append(await ask())
        at_once = looks
        await asyncio.sleep(1.6)
        await ask()
    await server.stop()

    assert set(statuses) == {200}
    assert (at_once, looks) == (1, 2)


async def test_many_who_ask_for_metrics_have_them_collected_once() -> None:
    """What it costs does not grow with how often it is asked for."""

    class Counting(Collector):
        collected = 0

        def collect(self) -> Iterator[Metric]:
            self.collected += 1
            return iter(())

    server, counting = _server({}), Counting()
    server.registry.register(counting)
    before, port = counting.collected, await server.start()
    async with aiohttp.ClientSession() as session:
        for _ in range(20):
            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                assert answer.status == 200
    await server.stop()

    assert counting.collected - before == 1


async def test_what_is_private_is_not_shown() -> None:
    """Whoever reaches the port learns what is wrong, and no names."""

    async def ill() -> Finding:
        return Finding(well=False, text="does not answer", private="acme: password rejected for bot")

    _, said = await _ask(_server({"database": ill}), "/readyz")

    assert "does not answer" in said
    assert "acme" not in said


@pytest.mark.parametrize("asked", ["127.0.0.1", "[::1]"])
async def test_two_colons_are_both_families(asked: str) -> None:
    """An IPv6-only pod and a health check that asks 127.0.0.1 both find it."""
    server = _server({})
    server.host = "::"
    try:
        port = await server.start()
    except OSError:
        pytest.skip("there is no IPv6 here")
    async with aiohttp.ClientSession() as session, session.get(f"http://{asked}:{port}/healthz") as answer:
        assert answer.status == 200
    await server.stop()
