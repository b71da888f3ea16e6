"""A process like the one that runs a model, whose model does what native code can do: stand still, or end everything.

The input `x` says what: 0 answers, 1 aborts, 2 dies by a wild pointer, 3 hangs and lets nothing of Python run, 4 runs
until it is halted, 5 says too much on standard output, 6 runs out of memory, 7 raises what no runtime should."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_agent.config import DeviceConfig
from edge_agent.runtimes import CannotLoad, Halt, LocalRuntime, RunHalted
from edge_agent.runtimes.worker import main
from nearfar_wire.manifest import DeviceSide
from nearfar_wire.specs import TensorSpec

__all__ = ["ABORTS", "ANSWERS", "HANGS", "LAUNCH", "RAISES", "RUNS_ON", "SEGFAULTS", "SPEAKS", "STARVES"]

LAUNCH: Final = (str(Path(__file__)),)
ANSWERS, ABORTS, SEGFAULTS, HANGS, RUNS_ON, SPEAKS, STARVES, RAISES = range(8)


class _Stop:
    def __init__(self) -> None:
        self.asked = threading.Event()

    def halt(self) -> None:
        self.asked.set()


class _Wild:
    inputs = (TensorSpec("x", "INT64", (1,)),)
    outputs = (TensorSpec("y", "INT64", (1,)),)

    def __init__(self, provider: str) -> None:
        self.provider = provider

    def run(self, inputs: Mapping[str, Any], halt: Halt | None = None) -> dict[str, Any]:
        what = int(inputs["x"][0])
        if what == ABORTS:
            os.abort()
        elif what == SEGFAULTS:
            ctypes.string_at(0)
        elif what == HANGS:
            ctypes.PyDLL(None).pause()  # a PyDLL keeps Python's lock while it calls
        elif what == RUNS_ON:
            assert isinstance(halt, _Stop)
            halt.asked.wait(60)
            raise RunHalted("as asked")
        elif what == SPEAKS:
            os.write(1, b"x" * 100_000)
        elif what == STARVES:
            raise MemoryError
        elif what == RAISES:
            raise ZeroDivisionError("a secret")
        return {"y": np.array([os.getpid()])}

    def new_halt(self) -> Halt:
        return _Stop()

    def close(self) -> None:
        """It holds nothing."""


def _open(side: DeviceSide, content: bytes, device: DeviceConfig) -> LocalRuntime:
    if content == b"refused":
        raise CannotLoad("it is refused")
    if content == b"deadly":
        os.abort()
    if content == b"deadly but on the processor" and device.providers != ["CPUExecutionProvider"]:
        os.abort()
    return _Wild(device.providers[0])


if __name__ == "__main__":
    sys.exit(main(_open))
