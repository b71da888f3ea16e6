"""Execution providers that no machine has, each with a fault of its own; and the process in which they are tried.

    python -m tests.builders.providers FOLDER

What runs is onnxruntime on the processor. How long it takes is told by a clock of their own."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from edge_agent import DeviceConfig
from edge_agent.runtimes import CPU, CannotLoad, Halt, LocalRuntime
from edge_agent.runtimes.opening import open_runtime
from edge_agent.runtimes.trial.__main__ import main
from edge_agent.testing import FakeClock
from nearfar_wire.manifest import DeviceSide

__all__ = [
    "COMMAND",
    "CRASHES",
    "ENDLESS",
    "FASTER",
    "GREEDY",
    "NAN",
    "OTHERWISE",
    "REFUSES",
    "SHAPELESS",
    "SLOWER",
    "Machine",
]

FASTER: Final = "FasterExecutionProvider"
SLOWER: Final = "SlowerExecutionProvider"
OTHERWISE: Final = "OtherwiseExecutionProvider"
NAN: Final = "NotANumberExecutionProvider"
SHAPELESS: Final = "ShapelessExecutionProvider"
REFUSES: Final = "RefusingExecutionProvider"
CRASHES: Final = "CrashingExecutionProvider"
GREEDY: Final = "GreedyExecutionProvider"
ENDLESS: Final = "EndlessExecutionProvider"

COMMAND: Final = (sys.executable, "-P", "-m", "tests.builders.providers")

_ALL: Final = (FASTER, SLOWER, OTHERWISE, NAN, SHAPELESS, REFUSES, CRASHES, GREEDY, ENDLESS)
_RUN_S: Final = {CPU: 0.010, SLOWER: 0.0095}
_FAST_S: Final = 0.002


class Machine:
    """A machine that has all of them but those in `without`; `opened` are those that were opened, in this process."""

    def __init__(self, *, without: Sequence[str] = ()) -> None:
        self.clock = FakeClock()
        self.opened: list[str] = []
        self.without = list(without)

    def offered(self, side: DeviceSide, wanted: Sequence[str]) -> list[str]:
        """See edge_agent.runtimes.opening.offered."""
        return [provider for provider in (*_ALL, CPU) if provider not in self.without]

    def open(self, side: DeviceSide, content: bytes, device: DeviceConfig) -> LocalRuntime:
        """See edge_agent.runtimes.opening.open_runtime."""
        provider = device.providers[0]
        self.opened.append(provider)
        if provider == CRASHES:
            os.abort()
        if provider == REFUSES:
            raise CannotLoad(f"{side.file}: the driver is too old")
        if provider == GREEDY:
            everything = []
            while True:
                everything.append(bytearray(1 << 28))
        plain = device.model_copy(update={"providers": [CPU], "require_accelerator": False})
        return _Runtime(open_runtime(side, content, plain), provider, self.clock)


class _Runtime:
    def __init__(self, inner: LocalRuntime, provider: str, clock: FakeClock) -> None:
        self._inner = inner
        self._clock = clock
        self.provider = provider
        self.inputs = inner.inputs
        self.outputs = inner.outputs

    def run(self, inputs: Mapping[str, NDArray[Any]], halt: Halt | None = None) -> dict[str, NDArray[Any]]:
        if self.provider == ENDLESS:
            threading.Event().wait()  # deaf to `halt`, as a driver may be
        self._clock.advance(_RUN_S.get(self.provider, _FAST_S))
        outputs = self._inner.run(inputs, halt)
        if self.provider == OTHERWISE:
            return {name: output[..., ::-1] for name, output in outputs.items()}
        if self.provider == NAN:
            return {name: output * float("nan") for name, output in outputs.items()}
        if self.provider == SHAPELESS:
            return {name: output[0] for name, output in outputs.items()}
        return outputs

    def new_halt(self) -> Halt:
        return self._inner.new_halt()

    def close(self) -> None:
        self._inner.close()


if __name__ == "__main__":
    machine = Machine()
    main(Path(sys.argv[1]), open_runtime=machine.open, clock=machine.clock)
