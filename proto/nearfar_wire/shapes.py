"""How many elements a shape from the wire stands for. Pure.

Counted in Python integers, which do not overflow, and bounded before anything is allocated for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nearfar_wire.errors import TensorError

__all__ = ["MAX_DIMENSIONS", "MAX_ELEMENTS", "element_count"]

MAX_DIMENSIONS: Final = 32
# A protobuf message stays below 2 GiB, so a tensor that arrived in one cannot have more. Empty tensors are held to
# it too: numpy refuses some of them, and a model may multiply the other dimensions.
MAX_ELEMENTS: Final = (1 << 31) - 1


def element_count(name: str, shape: Sequence[int]) -> int:
    """Return the product of `shape`; a scalar has one element, a tensor with a dimension of 0 none.

    Raises TensorError: for more than MAX_DIMENSIONS, a negative dimension, or more than MAX_ELEMENTS."""
    if len(shape) > MAX_DIMENSIONS:
        raise TensorError(name, f"has {len(shape)} dimensions; at most {MAX_DIMENSIONS} are accepted")
    count, extent = 1, 1
    for dimension in shape:
        if dimension < 0:
            raise TensorError(name, f"has a negative dimension in its shape {list(shape)}; send the actual size")
        count *= dimension
        extent *= dimension or 1
    if extent > MAX_ELEMENTS:
        raise TensorError(name, f"its shape {list(shape)} stands for more than {MAX_ELEMENTS} elements")
    return count
