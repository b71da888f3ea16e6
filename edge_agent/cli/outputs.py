"""A model's outputs for people, one line each, and as JSON, whole."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nearfar_wire.datatypes import datatype_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]  # Any: each output has its own datatype

__all__ = ["outputs_as_json", "outputs_as_text"]

# More than a screen's width of numbers tells a person nothing; --json has them all.
_MOST_VALUES: Final = 40
_MOST_CHARACTERS: Final = 60


def outputs_as_text(outputs: Arrays) -> list[str]:
    """Return one line an output: name, datatype, shape, and its values, shortened where there are many."""
    return [
        f"{name} {datatype_of(array.dtype, name)} {list(array.shape)}: {_values(array)}"
        for name, array in outputs.items()
    ]


def _values(array: NDArray[Any]) -> str:  # Any: as above
    text = np.array2string(
        array,
        precision=4,
        threshold=_MOST_VALUES,
        max_line_width=sys.maxsize,
        separator=", ",
        formatter={"object": _element},
    )
    return " ".join(text.split())


def _element(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


def outputs_as_json(outputs: Arrays) -> dict[str, Any]:  # Any: JSON
    """Return every value. JSON has no NaN and no infinity, they become null; bytes become text, escaped where they
    are none."""
    return {
        name: {
            "datatype": datatype_of(array.dtype, name),
            "shape": list(array.shape),
            "data": _plain(array.tolist()),
        }
        for name, array in outputs.items()
    }


def _plain(value: Any) -> Any:  # Any: JSON
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
