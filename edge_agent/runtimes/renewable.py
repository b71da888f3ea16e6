"""A device model that can be closed, and opened anew from its release's file, while the agent runs.

Between the two it runs nothing, and says so at once: whoever asked has other targets, or asks again. The file is read
again and its digest verified again each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from edge_agent.runtimes import Halt, LocalRuntime, NotReady

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Mortal", "Renewable"]


@runtime_checkable
class Mortal(Protocol):
    """A runtime that can end by itself."""

    def on_end(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called, with the reason, when it ends without having been closed; at once, if it has."""


class Run(Protocol):
    """LocalRuntime.run."""

    def __call__(
        self, inputs: Mapping[str, NDArray[Any]], halt: Halt | None = None
    ) -> dict[str, NDArray[Any]]:  # Any: each tensor has its own datatype
        """See LocalRuntime.run."""


class _NoHalt:
    """Of a run that will not begin."""

    def halt(self) -> None:
        """Nothing runs."""


def _run_nothing(
    inputs: Mapping[str, NDArray[Any]],  # noqa: ARG001  as LocalRuntime has it; Any: as above
    halt: Halt | None = None,  # noqa: ARG001
) -> dict[str, NDArray[Any]]:
    raise NotReady("the model is being opened anew")


class Renewable:
    """See the module. `run` may be called from several threads, `renew` from one at a time."""

    def __init__(self, opened: LocalRuntime, open_again: Callable[[bool], LocalRuntime], *, accelerated: bool) -> None:
        """`open_again` is asked for the model on its own providers, or (True) on the processor alone.

        `accelerated`: the processor would be a fallback, and is a permitted one."""
        self._open_again = open_again
        self._lock = Lock()
        self._runtime: LocalRuntime | None = opened
        # Those of what is open, and not ours around them: between two runs of a model every line of Python is cold.
        self.run: Run = opened.run
        self.new_halt: Callable[[], Halt] = opened.new_halt
        self._closed = False
        self._tell: Callable[[str], None] | None = None
        self.accelerated = accelerated
        self.inputs = opened.inputs
        self.outputs = opened.outputs
        self.provider = opened.provider

    @property
    def runtime(self) -> LocalRuntime | None:
        """What runs the model now; None while it is closed."""
        return self._runtime

    def on_end(self, tell: Callable[[str], None]) -> None:
        """See Mortal; of whatever is opened from now on, too."""
        self._tell = tell
        runtime = self._runtime
        if isinstance(runtime, Mortal):
            runtime.on_end(tell)

    def retire(self) -> None:
        """Give back what the model holds, until `renew`."""
        with self._lock:
            runtime, self._runtime = self._runtime, None
            self.run, self.new_halt = _run_nothing, _NoHalt
        if runtime is not None:
            runtime.close()

    def renew(self, *, on_cpu: bool) -> None:
        """Close the model and open it anew. Raises what opening raises; it is closed then."""
        self.retire()
        runtime = self._open_again(on_cpu)
        with self._lock:
            if not self._closed:
                self._runtime, self.provider = runtime, runtime.provider
                self.run, self.new_halt = runtime.run, runtime.new_halt
        if self._closed:
            runtime.close()
        elif self._tell is not None and isinstance(runtime, Mortal):
            runtime.on_end(self._tell)

    def close(self) -> None:
        """See LocalRuntime."""
        self._closed = True
        self.retire()
