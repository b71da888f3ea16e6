"""LiteRT's operators: which are refused and why, and what the kernels of the others take for granted. Pure.

Refused is what is not in the file, since its digest would not speak for it; what may never end, since a run of LiteRT
cannot be stopped; and what remembers, since an answer would depend on earlier requests. (What an LSTM keeps in tensors
is another matter: it is cleared before each run.)

What kernels take for granted was found by handing them files in which it does not hold, until none ended a process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["CUSTOM", "HOLDS_PARTS", "SIZES", "Fed", "misuse", "refusal"]

CUSTOM: Final = 32
HOLDS_PARTS: Final = frozenset({49, 88, 102})
"""SPLIT, UNPACK, SPLIT_V: the first of their options is the number of their outputs."""

_POOL: Final = MappingProxyType(dict.fromkeys((1, 2, 3, 4), 0))
_CONVOLUTION_3D: Final = MappingProxyType(dict.fromkeys((1, 2, 3), 0) | dict.fromkeys((5, 6, 7), 1))
SIZES: Final[Mapping[int, Mapping[int, int]]] = MappingProxyType(
    {
        1: _POOL,
        12: _POOL,
        17: _POOL,
        3: {1: 0, 2: 0, 4: 1, 5: 1},
        4: {1: 0, 2: 0, 5: 1, 6: 1},
        67: {1: 0, 2: 0},
        132: _CONVOLUTION_3D,
        141: _CONVOLUTION_3D,
        5: {0: 0},
        26: {0: 0},
        27: {0: 0},
    }
)
"""Options that are sizes of pools, convolutions and blocks, by their place, and what each is where it is left out."""
_LARGEST_SIZE: Final = 1 << 16

# The last of the schema that this was written for.
_LAST: Final = 209
# What stands in a field of one byte where the operator's number has no room there.
_BEYOND_A_BYTE: Final = 127

_ELSEWHERE: Final = "takes code that is not in the file"
_ENDLESS: Final = "leads into another graph, and a run that does not come back cannot be stopped"
_REMEMBERS: Final = "keeps values from one run to the next, and answers would depend on earlier requests"
_REFUSED: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        31: ("CALL", _ENDLESS),
        CUSTOM: ("CUSTOM", _ELSEWHERE),
        51: ("DELEGATE", _ELSEWHERE),
        118: ("IF", _ENDLESS),
        119: ("WHILE", _ENDLESS),
        129: ("CALL_ONCE", _ENDLESS),
        136: ("HASHTABLE", _REMEMBERS),
        137: ("HASHTABLE_FIND", _REMEMBERS),
        138: ("HASHTABLE_IMPORT", _REMEMBERS),
        139: ("HASHTABLE_SIZE", _REMEMBERS),
        142: ("VAR_HANDLE", _REMEMBERS),
        143: ("READ_VARIABLE", _REMEMBERS),
        144: ("ASSIGN_VARIABLE", _REMEMBERS),
        173: ("STABLEHLO_CUSTOM_CALL", _ELSEWHERE),
        174: ("STABLEHLO_REDUCE", _ENDLESS),
        190: ("STABLEHLO_SCATTER", _ENDLESS),
        198: ("STABLEHLO_REDUCE_WINDOW", _ENDLESS),
        199: ("STABLEHLO_SORT", _ENDLESS),
        200: ("STABLEHLO_WHILE", _ENDLESS),
        206: ("STABLEHLO_COMPOSITE", _ENDLESS),
        209: ("STABLEHLO_CASE", _ENDLESS),
    }
)
# The first input that may be left out, of operators that have such.
_MAY_LACK: Final[Mapping[int, int]] = MappingProxyType(
    {
        3: 2,  # CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, CONV_3D: a bias
        4: 2,
        9: 2,
        132: 2,
        67: 3,  # TRANSPOSE_CONV, CONV_3D_TRANSPOSE, SVDF: a bias
        141: 3,
        27: 3,
        16: 1,  # LSTM and its like: gates, peepholes, projections
        44: 1,
        52: 1,
        46: 1,  # BIDIRECTIONAL_SEQUENCE_RNN: a second input, and its weights
    }
)
# How many inputs an operator has at least, where that is more than one.
_TAKES: Final[Mapping[int, int]] = MappingProxyType(
    dict.fromkeys((0, 18, 41, 42, 55, 57, 58, 61, 62, 63, 71, 72, 78, 84, 86, 90, 95, 99, 156, 160, 161), 2)  # a + b
    | dict.fromkeys((3, 4, 7, 9, 15, 36, 54, 107, 115, 126, 132), 2)  # x and weights, a table, a matrix
    | dict.fromkeys((40, 74, 81, 82, 89, 91, 140, 56, 79, 48, 105, 112, 125, 128, 49, 70), 2)  # x and axes
    | dict.fromkeys((23, 97, 34, 100, 39, 69, 94, 130, 131, 145, 149), 2)  # x and a shape, or paddings
    | dict.fromkeys((37, 38, 60, 64, 65, 67, 96, 102, 122, 123, 141, 151, 10, 153, 154, 155, 157), 3)
    | {45: 4, 68: 4, 85: 4, 16: 5, 24: 5, 27: 5, 33: 5, 35: 5, 120: 5, 203: 5, 205: 5, 121: 6, 46: 12, 44: 20, 52: 48}
)
_SUMS: Final = frozenset({0, 41, 99})  # ADD, SUB, SQUARED_DIFFERENCE
_COMPARISONS: Final = frozenset({58, 61, 62, 63, 71, 72})  # LESS, GREATER, ..., EQUAL, NOT_EQUAL
_SCALED: Final = _SUMS | _COMPARISONS | {73, 75}  # and LOG, SQRT
# By so much sums are scaled up before they are scaled to the output, which must make less of them.
_HEADROOM: Final = MappingProxyType({"INT8": 2.0**20, "UINT8": 2.0**20, "INT16": 2.0**15})
_SQUARED_HEADROOM: Final = 2.0**14


@dataclass(frozen=True, slots=True)
class Fed:
    """A tensor that an operator reads or writes; `scale` is None where it has none, or several."""

    datatype: str | None
    scale: float | None


def refusal(number: int, custom: str) -> str:
    """Tell why operator `number` is refused, `custom` being what a custom one is called; empty where it is not."""
    if number in _REFUSED:
        name, why = _REFUSED[number]
        return f"{custom if number == CUSTOM else name}, which {why}"
    if number == _BEYOND_A_BYTE or not 0 <= number <= _LAST:
        return f"{number}, which is not known here"
    return ""


def misuse(
    number: int,
    inputs: Sequence[Fed | None],
    outputs: Sequence[Fed | None],
    *,
    parts: int | None = None,
    sizes: Sequence[int] = (),
) -> str:
    """Tell what the kernel of `number` would not bear; empty where nothing is known.

    `parts` and `sizes` are of its options: see HOLDS_PARTS and SIZES."""
    if len(inputs) < _TAKES.get(number, 1) or not outputs:
        return "has too few inputs or outputs"
    if None in inputs[: _MAY_LACK.get(number, len(inputs))]:
        return "lacks an input"
    if parts is not None and parts != len(outputs):
        return "gives another number of parts than it has outputs"
    if any(not 1 <= size <= _LARGEST_SIZE for size in sizes):
        return "has a stride, a window or a block of no such size"
    if number not in _SCALED:
        return ""
    alike = inputs if number in _COMPARISONS else [*inputs, *outputs]
    if len({fed.datatype for fed in alike if fed is not None}) > 1:
        return "mixes types of numbers"
    whole = [[fed for fed in side if fed is not None and fed.datatype in _HEADROOM] for side in (inputs, outputs)]
    if any(fed.scale is None for side in whole for fed in side):
        return "reckons with whole numbers that have no scale"
    fed, made = ([fed.scale or 0.0 for fed in side] for side in whole)
    if number in _COMPARISONS:
        return "" if all(scale < 1 for scale in fed) else "compares numbers whose scale is 1 or more"
    if number not in _SUMS or not fed or not made:
        return ""
    most = 2 * max(fed)
    squared = number not in (0, 41)
    reach = (most * most / _SQUARED_HEADROOM) if squared else most / _HEADROOM[whole[1][0].datatype or "INT8"]
    return "" if reach < min(made) else "has an output whose scale is too small for its inputs"
