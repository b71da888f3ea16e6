"""What the service wants of a runtime: a model's own tensors, and runs that can be stopped.

The service owns this seam; a runtime lives behind it in backends/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from nearfar_wire.specs import TensorSpec

__all__ = ["Array", "Backend", "Run"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the model's, known when it is loaded


class Run(Protocol):
    """One run of a model, made for one use."""

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Compute `outputs` from all of the model's inputs; blocks.

        Raises InvalidInput: where the model itself refuses the inputs.
        Raises RunFailed: for anything else that the runtime raises, with its own error as the cause."""

    def stop(self) -> None:
        """Make `execute` fail soon, or at once if it has not begun. From any thread, any number of times."""


class Backend(Protocol):
    """A loaded model. Its runs may overlap, each in its own thread."""

    @property
    def inputs(self) -> Sequence[TensorSpec]:
        """What a run takes, all of it."""

    @property
    def outputs(self) -> Sequence[TensorSpec]:
        """What a run can give."""

    def new_run(self) -> Run:
        """Return a run that has not begun."""
