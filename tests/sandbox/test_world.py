"""What stands in the sandbox's way is said in words, and nothing is lost by it."""

import socket
from pathlib import Path

import pytest

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
