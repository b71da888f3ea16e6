"""Inputs for a model when there are none: to warm it up, and to find out whether it can be run at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.specs import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["blank_inputs"]


def blank_inputs(specs: Sequence[TensorSpec]) -> dict[str, NDArray[Any]]:  # Any: any datatype
    """Return zeros, or empty BYTES, in the smallest shapes that `specs` allow."""
    blank: dict[str, NDArray[Any]] = {}
    for spec in specs:
        shape = tuple(1 if size == -1 else size for size in spec.shape)
        dtype = DATATYPES[spec.datatype]
        blank[spec.name] = np.full(shape, b"", dtype) if spec.datatype == BYTES else np.zeros(shape, dtype)
    return blank
