"""What the service wants of a runtime: a model's own tensors, and runs that can be stopped.

The service owns this seam; a runtime lives behind it in backends/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nearfar_wire.specs import TensorSpec

__all__ = ["Array", "Backend", "Run", "Traits"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the model's, known when it is loaded


@dataclass(frozen=True, slots=True)
class Traits:
    """What a runtime can tell from a model file, and a few runs cannot.

    scales_by_batch: numbers are quantized by the range of all rows together. time_by_value: how long a run takes, or
    how much memory, may depend on what is in its tensors and not on their shapes alone."""

    scales_by_batch: bool = False
    time_by_value: bool = False


class Run(Protocol):
    """One run of a model; once it was stopped it is of no more use."""

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

    @property
    def traits(self) -> Traits:
        """What to know of it."""

    def new_run(self) -> Run:
        """Return a run that has not begun."""

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        """Give back the memory that runs so far took beyond what `tensors`, which it has run before, take; blocks."""
