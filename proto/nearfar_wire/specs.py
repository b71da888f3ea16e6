"""What a model takes or gives, and whether tensors are that. Pure; both sides refuse by this one rule.

A tensor that passes has the name, datatype and shape of its spec, numbers in the machine's byte order, and no NaN or
infinity where the model's contract forbids them. A refusal names the tensor and what to do, never a value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES, DATATYPES, datatype_of
from nearfar_wire.errors import TensorError, quoted
from nearfar_wire.raw import utf8

__all__ = ["TensorSpec", "check"]

_TEXT: Final = DATATYPES[BYTES]
# Of as few numbers finding the largest and the least takes as long as marking those that are none, and half as long
# where the caches are cold, as after a run of a model (benchmarks/overhead.py). Not of FP16, which is compared slowly.
_FEW: Final = 8192
_HALF_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor of a contract; -1 in `shape` is a dimension that may vary."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    allow_nan: bool = True

    def __str__(self) -> str:
        return f"{quoted(self.name)} {self.datatype} {list(self.shape)}"


def check(specs: Sequence[TensorSpec], tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:  # Any: told by the spec
    """Pass `tensors` that are exactly what `specs` ask for.

    Raises TensorError: naming the first that is missing, superfluous, or of another datatype, shape or content."""
    for spec in specs:
        tensor = tensors.get(spec.name)
        if tensor is None:
            raise TensorError(spec.name, f"is missing; {_wanted_and_given(specs, tensors)}")
        dtype, shape = tensor.dtype, tensor.shape
        # numpy keeps one object for each of its own types; comparing two is ten times as dear as seeing that.
        if dtype is not DATATYPES[spec.datatype] or dtype is _TEXT:
            _check_datatype(spec, tensor)
        # Mostly it is a batch of something that has one shape.
        if (-1, *shape[1:]) != spec.shape and shape != spec.shape:
            _check_shape(spec, shape)
        if not spec.allow_nan and dtype.kind == "f" and not _all_finite(tensor):
            raise TensorError(
                spec.name,
                "holds NaN or infinity, which this model does not allow (`allow_nan`); clean the input first",
            )
    if len(tensors) != len(specs):
        known = {spec.name for spec in specs}
        extra = next(name for name in tensors if name not in known)
        raise TensorError(extra, f"is not wanted; {_wanted_and_given(specs, tensors)}")


def _all_finite(tensor: np.ndarray[Any, Any]) -> bool:
    if 0 < tensor.size <= _FEW and tensor.itemsize > _HALF_BYTES:
        # NaN, where there is any, is what numpy finds for both, and is neither less nor greater than anything.
        largest, least = tensor.item(tensor.argmax()), tensor.item(tensor.argmin())
        return bool(largest < math.inf and least > -math.inf)
    finite = np.isfinite(tensor)
    # Finding the first that is not is a third of counting those that are, and of `.all()`, where the caches are cold.
    return finite.size == 0 or bool(finite.item(finite.argmin()))


def _check_datatype(spec: TensorSpec, tensor: np.ndarray[Any, Any]) -> None:
    dtype = DATATYPES[spec.datatype]
    if tensor.dtype == dtype and spec.datatype != BYTES:
        return
    found = datatype_of(tensor.dtype, spec.name)
    if found != spec.datatype:
        advice = "pass bytes" if spec.datatype == BYTES else f"convert it with .astype(numpy.{dtype.name})"
        raise TensorError(spec.name, f"is {found}, the model's contract says {spec.datatype}; {advice}")
    if spec.datatype != BYTES:
        # The wire would turn it round, a local runtime would misread it: refused on every way alike.
        raise TensorError(spec.name, f"has foreign byte order; convert it with .astype(numpy.{dtype.name})")
    if tensor.dtype.kind in "OU":
        for element in tensor.flat:
            if isinstance(element, str):
                utf8(spec.name, element)  # sent or not: a local runtime takes no other text either
            elif not isinstance(element, bytes):
                raise TensorError(spec.name, f"takes elements of bytes or str, not {type(element).__name__}")


def _check_shape(spec: TensorSpec, shape: tuple[int, ...]) -> None:
    if len(shape) == len(spec.shape):
        for wanted, given in zip(spec.shape, shape, strict=True):
            if wanted not in (given, -1):
                break
        else:
            return
    free = " (-1 may be any size)" if -1 in spec.shape else ""
    raise TensorError(spec.name, f"has shape {list(shape)}, the model's contract says {list(spec.shape)}{free}")


def _wanted_and_given(specs: Sequence[TensorSpec], tensors: Mapping[str, object]) -> str:
    wanted = ", ".join(str(spec) for spec in specs)
    given = ", ".join(quoted(name) for name in list(tensors)[:8]) or "nothing"
    more = f" and {len(tensors) - 8} more" if len(tensors) > 8 else ""
    return f"the model takes {wanted or 'nothing'}; given: {given}{more}"
