"""The recipe for tensors as they are: the app hands in what the full model takes."""

from __future__ import annotations

from collections.abc import Sequence

from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.joined import Ending, Joined
from nearfar_wire.manifest import Feed, InputSpec
from nearfar_wire.specs import TensorSpec

__all__ = ["join_plain", "own_feeds"]


def join_plain(device: tuple[bytes, Sequence[TensorSpec]], remote: tuple[bytes, Sequence[TensorSpec]]) -> Joined:
    """Return both ends under the full model's signature. Raises PublishError: see own_feeds."""
    (near, near_inputs), (far, far_inputs) = device, remote
    inputs = tuple(
        InputSpec(name=spec.name, datatype=spec.datatype, shape=[-1, *spec.shape[1:]]) for spec in far_inputs
    )
    return Joined(inputs, Ending(near, own_feeds(near_inputs, far_inputs)), Ending(far, {}), "app")


def own_feeds(near: Sequence[TensorSpec], far: Sequence[TensorSpec]) -> dict[str, Feed]:
    """Return how a device model's inputs are the full model's: by name, or the one by the one. Empty: as they are.

    Raises PublishError: naming what does not fit."""
    by_name = {spec.name: spec for spec in far}
    feeds: dict[str, Feed] = {}
    for spec in near:
        source = by_name.get(spec.name) or (far[0] if len(near) == len(far) == 1 else None)
        if source is None:
            there = ", ".join(by_name)
            raise PublishError(f"the device model's input {spec.name!r} is none of {there}", "rename its inputs")
        if len(spec.shape) != len(source.shape) or any(
            -1 not in (have, want) and have != want for have, want in zip(spec.shape[1:], source.shape[1:], strict=True)
        ):
            raise PublishError(
                f"the device model's input {spec.name!r} is {list(spec.shape)}, the full model's {list(source.shape)}",
                "for pictures of two sizes use --recipe image",
            )
        feeds[spec.name] = Feed(source=source.name, datatype=spec.datatype)
    same = all(spec.name in by_name and by_name[spec.name].datatype == spec.datatype for spec in near)
    return {} if same and len(near) == len(far) else feeds
