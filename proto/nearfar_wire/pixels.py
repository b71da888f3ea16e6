"""Pictures that come as pixels, UINT8 RGB of any size, cropped and resized without a library for images.

The same picture as images.py makes of a file: the largest centred part with the wanted aspect, interpolated linearly
over as many source pixels as one result pixel covers (a triangle filter, antialiased), to within one level."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from nearfar_wire.errors import TensorError

__all__ = ["MAX_PIXELS", "centred", "resize_pixels"]

MAX_PIXELS: Final = 1 << 26
"""Of all pictures of one tensor together, before resizing and after it: 192 MiB at the most."""

Array = np.ndarray[Any, Any]  # Any: UINT8, and floats on the way


def resize_pixels(name: str, pixels: Array, size: tuple[int, int]) -> Array:
    """Return `pixels`, shape (..., height, width, 3), with `size` as (height, width).

    Raises TensorError: for pictures without pixels, or with too many together."""
    height, width = size
    *rows, high, wide, channels = pixels.shape
    count = math.prod(rows)
    if min(high, wide) == 0:
        raise TensorError(name, "its pictures have no pixels")
    for found in (count * high * wide, count * height * width):
        if found > MAX_PIXELS:
            raise TensorError(name, f"its pictures have {found} pixels together, at most {MAX_PIXELS} are resized")
    left, upper, right, lower = centred(wide, high, width / height)
    flat = pixels.reshape(count, high, wide, channels)
    resized = np.empty((count, height, width, channels), dtype=np.uint8)
    for index in range(count):
        tall = _along(flat[index], upper, lower, height)
        resized[index] = _levels(_along(tall.swapaxes(0, 1), left, right, width).swapaxes(0, 1))
    return resized.reshape(*rows, height, width, channels)


def centred(width: int, height: int, aspect: float) -> tuple[float, float, float, float]:
    """Return the largest box of `aspect` (width to height) in the middle: left, upper, right, lower."""
    wide, high = min(width, height * aspect), min(height, width / aspect)
    left, upper = (width - wide) / 2, (height - high) / 2
    return left, upper, min(left + wide, width), min(upper + high, height)


def _along(lines: Array, start: float, end: float, size: int) -> Array:
    """Resample the first axis: `size` lines, each a weighted sum of those that it covers between `start` and `end`."""
    scale = (end - start) / size
    reach = max(scale, 1.0)
    made = np.empty((size, *lines.shape[1:]), dtype=np.float32)
    for index in range(size):
        middle = start + (index + 0.5) * scale
        first = max(0, int(middle - reach + 0.5))
        last = min(len(lines), int(middle + reach + 0.5))
        weights = np.maximum(0.0, 1.0 - np.abs(np.arange(first, last) - middle + 0.5) / reach).astype(np.float32)
        made[index] = np.tensordot(weights / weights.sum(), lines[first:last].astype(np.float32), axes=1)
    return made


def _levels(values: Array) -> Array:
    # In place: a picture's floats are four times its pixels.
    return np.clip(np.rint(values, out=values), 0, 255, out=values).astype(np.uint8)
