"""What goes into the data plane and comes out of it, whatever the transport. Values, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloud_service.backend import Array
from cloud_service.caller import ANONYMOUS, Caller
from nearfar_wire.specs import TensorSpec

__all__ = ["InferAnswer", "InferCall", "ModelDescription", "Readiness"]


# Not frozen, nor is the answer: one is made for every call, and freezing costs as much as three of these fields.
@dataclass(slots=True, eq=False)
class InferCall:
    """One inference that is asked for. An empty version is the service's choice, no outputs are all of them.

    `inputs` is called once the call was let in. `deadline` is a monotonic instant; whatever it is, no call lasts longer
    than the service lets any. `priority` 1 is the highest, 0 is not said. `size_bytes` is the message's length, 0 where
    it is not known."""

    model: str
    inputs: Callable[[], Mapping[str, Array]]
    version: str = ""
    outputs: Callable[[], Sequence[str]] = list
    deadline: float = math.inf
    caller: Caller = ANONYMOUS
    priority: int = 0
    size_bytes: int = 0


@dataclass(slots=True, eq=False)
class InferAnswer:
    """The outputs in the order asked for, and the version and file that they are from."""

    model: str
    version: str
    digest: str
    outputs: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """One version of a model, and which can answer."""

    name: str
    versions: Sequence[str]
    digest: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether new calls are welcome, and if not, or not for all, why. `reason` is empty where it is ready."""

    ready: bool
    reason: str
    draining: bool
    models: Mapping[str, bool]
    problems: Sequence[tuple[str, int, str]]
