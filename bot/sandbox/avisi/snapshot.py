"""The simulated cloud as JSON and back, so that a restarted sandbox shows the same world. Faults are not kept."""

from dataclasses import fields, is_dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bot.sandbox.avisi.world import World

if TYPE_CHECKING:
    from bot.sandbox.avisi.core import CloudCore

T = TypeVar("T")
FORMAT = 1


def snapshot(cloud: "CloudCore") -> dict[str, Any]:
    """Write everything that exists, the moment, and what was chosen for the next upgrade."""
    cloud.settle()
    return {
        "format": FORMAT,
        "now": cloud.clock().isoformat(),
        "world": plain(cloud.world),
        "next_outcome": cloud.lifecycle.next_outcome,
        "reschedule": cloud.quirks.reschedule,
    }


def restore(cloud: "CloudCore", saved: dict[str, Any]) -> None:
    """Put a snapshot in the place of the world that is there, and set the clock to its moment.

    ValueError when it was not written by `snapshot`.
    """
    if saved.get("format") != FORMAT:
        raise ValueError("This is no snapshot of the simulated cloud that this version can read.")
    try:
        world = shaped(World, saved["world"])
        now = datetime.fromisoformat(saved["now"])
        outcome, reschedule = str(saved["next_outcome"]), str(saved["reschedule"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("The snapshot of the simulated cloud is damaged.") from error
    cloud.world.organisations, cloud.world.versions = world.organisations, world.versions
    cloud.world.tokens = world.tokens
    cloud.token = next(iter(world.tokens))
    cloud.outcome(outcome)
    cloud.quirks.reschedule = reschedule
    cloud.lifecycle.begin_again()
    cloud.clock.jump(now)


def plain(value: Any) -> Any:  # noqa: ANN401  any of the world's values
    """Turn dataclasses, times and collections into what JSON holds."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def shaped(kind: type[T], value: Any) -> T:  # noqa: ANN401  whatever JSON holds
    """Turn what `plain` wrote back into the dataclass that it was."""
    hints = get_type_hints(kind)
    return kind(**{name: _read(hints[name], one) for name, one in value.items()})


def _read(hint: Any, value: Any) -> Any:  # noqa: ANN401  as above
    if get_origin(hint) in {Union, UnionType}:
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return None if value is None else _read(kinds[0], value)
    if get_origin(hint) is dict:
        return {key: _read(get_args(hint)[1], one) for key, one in value.items()}
    if get_origin(hint) is list:
        return [_read(get_args(hint)[0], one) for one in value]
    if hint is datetime:
        return datetime.fromisoformat(value)
    return shaped(hint, value) if isinstance(hint, type) and is_dataclass(hint) else value
