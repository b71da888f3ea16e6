"""What a fake model says: the same to everybody, or what a function makes of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Answer", "answered"]

# Any: each tensor has its own datatype. Lists are FP32, because confidences are what tests speak of.
Answer = Mapping[str, Any] | Callable[[Mapping[str, "NDArray[Any]"]], Mapping[str, Any]]
"""Outputs by name, or a function that makes them of the inputs. Lists become FP32 arrays, arrays stay as they are."""


def answered(answer: Answer, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:  # Any: as above
    """Return the outputs for `inputs`. Raises whatever the function raises."""
    outputs = answer(inputs) if callable(answer) else answer
    return {
        name: value if isinstance(value, np.ndarray) else np.asarray(value, np.float32)
        for name, value in outputs.items()
    }
