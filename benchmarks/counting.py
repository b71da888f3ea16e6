"""What a request makes the interpreter do, in counts: the same on every machine, busy or not."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final

__all__ = ["Counted", "count"]

_REQUESTS: Final = 64
"""Of these the middle one counts: what is done once in so many requests is left to the clock."""


class Counted:
    """Of one request: Python functions called, different ones among them, and instructions carried out."""

    __slots__ = ("calls", "functions", "instructions")

    def __init__(self) -> None:
        self.calls = 0
        self.instructions = 0
        self.functions: Counter[CodeType] = Counter()

    def __str__(self) -> str:
        return f"{self.calls:7} calls{len(self.functions):7} functions{self.instructions:7} instructions"


def count(request: Callable[[], object]) -> Counted:
    """Return the counts of a request that is like most."""
    told = sorted((_counted(request) for _ in range(_REQUESTS)), key=lambda counted: counted.instructions)
    return told[_REQUESTS // 2]


def _counted(request: Callable[[], object]) -> Counted:
    counted = Counted()

    def trace(frame: FrameType, event: str, _: Any) -> Any:  # Any: as sys.settrace has it
        if event == "call":
            counted.calls += 1
            counted.functions[frame.f_code] += 1
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
        elif event == "opcode":
            counted.instructions += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        request()
    finally:
        sys.settrace(before)
    return counted
