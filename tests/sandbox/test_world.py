"""What stands in the sandbox's way is said in words, and nothing is lost by it."""

import re
import socket
from pathlib import Path

import httpx
import pytest

from bot.sandbox.avisi.faults import Fault
from bot.sandbox.run import welcome
from bot.sandbox.slack.seed import seeded_workspace
from bot.sandbox.world import SandboxOptions, World


async def test_a_taken_port_is_named() -> None:
    """Who starts a second sandbox reads which port is taken, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        world = World.make(SandboxOptions(port=port))
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}, address already in use\. Example: --port {port + 1}"):
            await world.start()
        await world.close()


@pytest.mark.parametrize("found", ['{"slack": 1', '{"slack": {}}', "[]", '{"slack": {"messages": 1}, "cloud": {}}'])
async def test_what_cannot_be_read_is_not_written_over(tmp_path: Path, found: str) -> None:
    """A damaged folder ends the start with its name, and keeps what it holds."""
    file = tmp_path / "world.json"
    file.write_text(found, encoding="utf-8")
    world = World.make(SandboxOptions(port=0, data=tmp_path))

    with pytest.raises(OSError, match="holds no sandbox"):
        await world.start()
    await world.close()

    assert file.read_text(encoding="utf-8") == found


async def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    """The reason for the failed start is said, not one that follows from it."""
    file = tmp_path / "file"
    file.touch()
    world = World.make(SandboxOptions(port=0, data=file))

    with pytest.raises(FileExistsError):
        await world.start()
    await world.close()


@pytest.mark.parametrize("count", [1, 8, 150])
async def test_a_fleet_has_the_size_that_was_asked_for(count: int) -> None:
    """The clusters of the tour first, then as many more as it needs."""
    world = World.make(SandboxOptions(port=0, clusters=count))

    clusters = [one for one in world.cloud.organisation().clusters.values() if one.deleted_at is None]

    assert len(clusters) == count
    assert clusters[0].slug == "payments"
    assert len({(one.environment, one.slug) for one in clusters}) == count


async def test_the_wire_shows_the_calls_to_the_cloud() -> None:
    """Method, path, answer and status, without the token; a call that is cut has no answer."""
    world = World.make(SandboxOptions(port=0))
    await world.cloud.start()
    headers = {"Authorization": f"Token {world.cloud.token}"}
    async with httpx.AsyncClient(base_url=world.cloud.url, headers=headers) as client:
        await client.get("/api/v1/orgs/acme/clusters")
        world.cloud.faults.add(Fault(method="POST", drop="after"))
        with pytest.raises(httpx.HTTPError):
            await client.post("/api/v1/orgs/acme/scheduled-cluster-upgrades", json={})
        await client.get("/api/v1/orgs/nobody/clusters")
    await world.close()
    await world.cloud.close()

    read, cut, refused = (one for one in world.slack.wire.entries if one["direction"] == "to_cloud")
    assert (read["name"], read["status"], read["ok"]) == ("GET /api/v1/orgs/acme/clusters", 200, True)
    assert read["response"]["content"][0]["slug"] == "payments"
    assert (cut["name"].partition(" ")[0], cut["status"], cut["error"]) == ("POST", 0, "no answer")
    assert (refused["status"], refused["ok"]) == (404, False)
    assert world.cloud.token not in str(world.slack.wire.entries)


def test_the_first_lines_fit_the_policy_in_use(tmp_path: Path) -> None:
    """Who types, where, and who approves; what the policy names and the workspace lacks is said, with what exists."""
    known = World.make(SandboxOptions(port=0))
    policy = tmp_path / "policy.toml"
    policy.write_text('[defaults]\nchannel = "C0OTHER"\nrequesters = ["U0KIM"]\napprovers = ["S0SRE", "U0NOBODY"]\n')
    other = World.make(SandboxOptions(port=0, policy=policy))
    policy.write_text('[defaults]\nchannel = "C0PROD"\nrequired_approvals = 0\n')
    free = World.make(SandboxOptions(port=0, policy=policy))

    assert any("As Roos de Vries, type /schedule-upgrade in #cluster-upgrades" in line for line in welcome(known))
    assert any("Sem Bakker" in line and "Approve" in line for line in welcome(known))
    assert not any("IDs" in line for line in welcome(known))
    said = "\n".join(welcome(other))
    assert "As Kim Tran, type /schedule-upgrade in #c0other" in said
    assert "to Sem Bakker" in said
    assert "C0OTHER, S0SRE, U0NOBODY" in said
    assert "S0PLATFORM @platform" in said
    assert "C0PROD #production" in said
    assert not any("Approve" in line for line in welcome(free))


def test_nobody_is_sent_to_request_what_nobody_may_request(tmp_path: Path) -> None:
    """A policy that leaves requesting to a guest alone gets a line of its own."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[defaults]\nchannel = "C0PROD"\nrequesters = ["U0GIJS"]\napprovers = ["U0SEM"]\n')

    assert "nobody in the workspace may request" in "\n".join(
        welcome(World.make(SandboxOptions(port=0, policy=policy)))
    )


def test_the_documented_ids_are_those_that_exist() -> None:
    """The table in docs/policy.md names every person, group and channel of the sandbox, and nobody else."""
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([USC]0\w+)` \|", page, re.MULTILINE)
    workspace = seeded_workspace()

    assert documented == [*workspace.people, *workspace.groups, *workspace.channels]
