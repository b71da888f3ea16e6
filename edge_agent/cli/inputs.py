"""A model's inputs as a command line gives them, to what `Agent.infer` takes.

    NAME=FILE.npy    an array that numpy saved
    NAME=FILE.json   numbers, text or lists of them
    NAME=@FILE       the bytes of a file, as one BYTES element, such as a JPEG
    NAME=JSON        numbers, text or lists of them, right here

Checks no shape and no type: that is the agent's, by the release's manifest. No message holds an input's value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_agent.errors import InputError
from nearfar_wire.tensors import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_inputs"]


def read_inputs(
    model: str, given: Sequence[str], specs: Sequence[TensorSpec]
) -> dict[str, Any]:  # Any: see Agent.infer
    """Return the inputs by name; `specs` tell how many axes a BYTES element stands in.

    Raises InputError: for what is not NAME=VALUE, cannot be read, or stands twice."""
    axes = {spec.name: len(spec.shape) for spec in specs}
    inputs: dict[str, Any] = {}  # Any: as above
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise InputError(model, None, "an input is written NAME=VALUE")
        if name in inputs:
            raise InputError(model, name, "is given twice")
        try:
            inputs[name] = _read(value, axes.get(name, 1))
        except OSError as error:
            raise InputError(model, name, f"the file cannot be read: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:
            raise InputError(model, name, f"{_unreadable(value)}; see nearfar-agent infer --help") from error
    return inputs


def _read(value: str, axes: int) -> Any:  # Any: as above
    if value.startswith("@"):
        return _element(Path(value[1:]).read_bytes(), axes)
    if value.endswith(".npy"):
        with Path(value).open("rb") as file:
            # Never pickled objects: those run code.
            return np.lib.format.read_array(file, allow_pickle=False)
    if value.endswith(".json"):
        return json.loads(Path(value).read_bytes())
    return json.loads(value)


def _element(content: bytes, axes: int) -> NDArray[np.object_]:
    array = np.empty((1,) * axes, object)
    array.fill(content)
    return array


def _unreadable(value: str) -> str:
    if value.endswith(".npy"):
        return "the file holds no array of plain numbers that numpy saved"
    if value.endswith(".json"):
        return "the file is not JSON"
    return "neither JSON, nor a .npy, .json or @ file"
