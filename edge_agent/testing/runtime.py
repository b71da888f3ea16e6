"""A device model that says what a test tells it to, where onnxruntime would run one."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from edge_agent.runtimes import Halt, RunFailed, RunHalted
from edge_agent.testing.answer import Answer, answered
from nearfar_wire.tensors import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FakeRuntime"]

_HELD_AT_MOST_S: Final = 30.0


class FakeRuntime:
    """See the module. `answer` may be replaced at any time; a function may raise RunFailed.

    `hold` lets coming runs begin and not end, until `let_go` or a halt: `running` is how many are held."""

    provider = "FakeExecutionProvider"

    def __init__(
        self, answer: Answer, *, inputs: Sequence[TensorSpec] = (), outputs: Sequence[TensorSpec] = ()
    ) -> None:
        """`inputs` and `outputs` are for whoever asks; no run is held to them."""
        self.answer = answer
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.runs = 0
        self.running = 0
        self.closed = False
        self._held = False
        self._changed = threading.Condition()

    def hold(self) -> None:
        """Let no coming run end."""
        with self._changed:
            self._held = True

    def let_go(self) -> None:
        """Let every run end."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def run(self, inputs: Mapping[str, NDArray[Any]], halt: Halt | None = None) -> dict[str, NDArray[Any]]:
        """See LocalRuntime. A run that is held for 30 s fails, so that a test that forgets it ends."""
        with self._changed:
            self.runs += 1
            self.running += 1
            try:
                ended = self._changed.wait_for(lambda: not self._held or _halted(halt), _HELD_AT_MOST_S)
            finally:
                self.running -= 1
        if _halted(halt):
            raise RunHalted("the run was stopped on request")
        if not ended:
            raise RunFailed("nobody let this run go")
        return answered(self.answer, inputs)

    def new_halt(self) -> Halt:
        """See LocalRuntime."""
        return _FakeHalt(self._changed)

    def close(self) -> None:
        """See LocalRuntime; a test may ask what the model had to do even then."""
        self.closed = True


class _FakeHalt:
    def __init__(self, changed: threading.Condition) -> None:
        self.halted = False
        self._changed = changed

    def halt(self) -> None:
        with self._changed:
            self.halted = True
            self._changed.notify_all()


def _halted(halt: Halt | None) -> bool:
    return isinstance(halt, _FakeHalt) and halt.halted
