"""How an input or output of a LiteRT file looks from outside. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearfar_wire.datatypes import DATATYPES, datatype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.quantity import Quantity
from nearfar_wire.specs import TensorSpec

__all__ = ["Port"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the model's, known when it is loaded


@dataclass(frozen=True, slots=True)
class Port:
    """`index` is its tensor's, `datatype` the file's own. `quantity` where it is quantized.

    What is quantized is FP32 outside: the numbers that a float model of the same training would take and give. An
    input may also be handed over in the file's own datatype, and is then taken as it is."""

    name: str
    index: int
    datatype: str
    shape: tuple[int, ...]
    quantity: Quantity | None

    @property
    def spec(self) -> TensorSpec:
        """What it is outside."""
        return TensorSpec(self.name, self.datatype if self.quantity is None else "FP32", self.shape)

    def stored(self, tensor: Array) -> Array:
        """Return `tensor` as the file keeps it.

        Raises TensorError: for another datatype or shape, nothing in it, or NaN where there is none."""
        given = datatype_of(tensor.dtype, self.name)
        outside = self.datatype if self.quantity is None else "FP32"
        if given not in (self.datatype, outside):
            raise TensorError(self.name, f"is {given}, the model takes {outside}")
        if len(tensor.shape) != len(self.shape) or any(
            want not in (-1, have) for want, have in zip(self.shape, tensor.shape, strict=True)
        ):
            raise TensorError(self.name, f"has shape {list(tensor.shape)}, the model takes {list(self.shape)}")
        if tensor.size == 0:
            raise TensorError(self.name, "has nothing in it, and LiteRT runs no empty batch")
        if given == self.datatype or self.quantity is None:
            return np.ascontiguousarray(tensor, DATATYPES[self.datatype])
        try:
            return self.quantity.whole(tensor)
        except ValueError:
            raise TensorError(self.name, "holds NaN, which a quantized input has no number for") from None

    def outside(self, stored: Array) -> Array:
        """Return what the library gave as the numbers that it stands for."""
        return stored if self.quantity is None else self.quantity.real(stored)
