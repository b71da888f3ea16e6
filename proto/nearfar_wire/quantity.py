"""Real numbers kept as whole ones: (whole - zero_point) * scale, the way of quantized models. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearfar_wire.datatypes import DATATYPES

__all__ = ["Quantity"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the model's, known when it is loaded


@dataclass(frozen=True, slots=True)
class Quantity:
    """`datatype` is that of the whole numbers; `scale` is positive and finite."""

    datatype: str
    scale: float
    zero_point: int

    def whole(self, real: Array) -> Array:
        """Return the whole numbers nearest to `real`; what lies beyond the last one becomes the last one.

        Raises ValueError: for NaN, which no whole number stands for."""
        dtype = DATATYPES[self.datatype]
        limits = np.iinfo(dtype.name)
        # One array for every step; numbers that overflow on the way end at the limits, where they belong.
        with np.errstate(over="ignore", invalid="ignore"):
            made = np.divide(real, np.float32(self.scale), dtype=np.float32)
            np.rint(made, out=made)
            made += np.float32(self.zero_point)
            np.clip(made, limits.min, limits.max, out=made)
        if np.isnan(made).any():
            raise ValueError("NaN")
        return made.astype(dtype)

    def real(self, whole: Array) -> Array:
        """Return the FP32 numbers that `whole` stands for."""
        made = whole.astype(np.float32)
        made -= np.float32(self.zero_point)
        made *= np.float32(self.scale)
        return made

    def is_of_pixels(self, reals: Array) -> bool:
        """Tell whether a picture's bytes, 0 to 255, are these whole numbers already, to within one level.

        `reals` are what a model wants in their places, shape (256, ...)."""
        if self.datatype != "UINT8":
            return False
        levels = np.arange(256).reshape(256, *([1] * (reals.ndim - 1)))
        return bool((np.abs(self.whole(reals).astype(np.int64) - levels) <= 1).all())
