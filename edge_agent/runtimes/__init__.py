"""Where a model runs on the device. One seam, `LocalRuntime`; each runtime library lives behind one module here.

opening.py picks the one that a release names; onnx.py is onnxruntime's, litert.py is LiteRT's. trial/ tries a model
before it is trusted. renewable.py opens one anew while the agent runs, process.py has one run in a process of its own;
standing.py says when either is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from nearfar_wire.specs import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CPU", "CannotLoad", "Crashed", "Halt", "LocalRuntime", "NotReady", "OutOfMemory", "RunFailed", "RunHalted"]

CPU: Final = "CPUExecutionProvider"
"""The processor, as an execution provider: what a model runs on where nothing else is wanted or can be had."""


class CannotLoad(Exception):
    """The file is what was promised, and still cannot be run here."""


class RunFailed(Exception):
    """The runtime could not run the model on these inputs; says nothing about their values."""


class OutOfMemory(RunFailed):
    """A run wanted more memory than there is, or than this process may have."""


class Crashed(RunFailed):
    """The process that ran the model ended under it."""


class NotReady(RunFailed):
    """The model is just being opened anew, or was put out of use: nothing was run, and nothing learnt."""


class RunHalted(Exception):
    """The run was stopped on request."""


class Halt(Protocol):
    """Stops one run from another thread."""

    def halt(self) -> None:
        """Ask the run to stop as soon as the runtime can, if it can; harmless when it has ended."""


class LocalRuntime(Protocol):
    """One loaded model."""

    @property
    def inputs(self) -> Sequence[TensorSpec]:
        """What it takes."""

    @property
    def outputs(self) -> Sequence[TensorSpec]:
        """What it gives."""

    @property
    def provider(self) -> str:
        """The execution provider that runs it."""

    def run(self, inputs: Mapping[str, NDArray[Any]], halt: Halt | None = None) -> dict[str, NDArray[Any]]:
        """Return every output for `inputs`, which are as `self.inputs` says.

        Raises RunFailed, or of these OutOfMemory; RunHalted."""

    def new_halt(self) -> Halt:
        """Return a handle that can stop a coming run; and, until it was asked to, others after that one."""

    def close(self) -> None:
        """Give back what it holds; safe twice. Runs under way end in their own way, and none begins."""
