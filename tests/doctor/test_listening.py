"""What doctor says about where the bot listens."""

import socket

import pytest

from bot.doctor.finding import State
from bot.doctor.listening import listening
from tests.doctor.conftest import Clinic
from tests.ports import free_port


async def test_a_free_port_is_right_and_stays_free(clinic: Clinic) -> None:
    clinic.changes |= {"bot_host": "127.0.0.1", "bot_port": int(free_port())}

    (first,) = await clinic.examine(listening)
    (second,) = await clinic.examine(listening)

    assert first == second
    assert (first.state, first.text) == (State.OK, "the bot can listen there")


async def test_a_port_that_is_taken_may_be_the_bots_own(clinic: Clinic) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        clinic.changes |= {"bot_host": "127.0.0.1", "bot_port": server.getsockname()[1]}

        (finding,) = await clinic.examine(listening)

    assert finding.state is State.OK
    assert "listens there already" in finding.text


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_that_is_not_this_machines_is_wrong(clinic: Clinic, host: str) -> None:
    clinic.changes["bot_host"] = host

    finding = await clinic.only(State.WRONG, listening)

    assert finding.about == f"BOT_HOST and BOT_PORT {host}:3000"
    assert "an address of this machine" in finding.fix
