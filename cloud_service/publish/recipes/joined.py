"""One signature for two ends: what the app hands over and receives, and how each end's model file gets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from nearfar_wire.manifest import Feed, InputSpec

__all__ = ["Array", "Ending", "Joined", "Run"]

Array = NDArray[Any]  # Any: each tensor has its own datatype


class Run(Protocol):
    """Runs a model file on its own inputs; a recipe knows no runtime."""

    def __call__(self, content: bytes, tensors: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return every output by name."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One end: its model file, and how the app's inputs become that file's."""

    content: bytes
    feeds: Mapping[str, Feed]


@dataclass(frozen=True, slots=True)
class Joined:
    """Both ends. `files` lie beside the manifest, such as a tokenizer; `notes` are for the person who prepares."""

    inputs: tuple[InputSpec, ...]
    device: Ending
    remote: Ending
    send: Literal["app", "model"]
    files: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
