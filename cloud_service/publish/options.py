"""What a release is made from, as the person who prepares it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cloud_service.publish.certify import Kind
from cloud_service.publish.compress import PATIENCE_S
from cloud_service.publish.data import Examples
from cloud_service.publish.ends import Ends
from cloud_service.publish.measure import THIS_MACHINE, DeviceClass
from cloud_service.publish.sandbox import Ports

__all__ = ["ALPHAS", "PrepareOptions", "Task"]

Task = Literal["classification", "multilabel", "regression", "embedding"]

ALPHAS: Final = (0.005, 0.01, 0.02, 0.05)

_ANSWERS: Final[Mapping[Task, str]] = {
    "classification": "scores",
    "multilabel": "scores",
    "regression": "value",
    "embedding": "embedding",
}
_CONFIDENCE: Final = "confidence"


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What a release is made from. `model` is the bytes of an ONNX file; `device_model` may be those of a .tflite."""

    name: str
    model: bytes
    examples: Examples
    out: Path
    version: int = 1
    device_model: bytes | None = None
    ends: Callable[[Ports], Ends] | None = None
    """Makes the recipe, given what the full model takes and gives; None: tensors as they are."""
    task: Task = "classification"
    tolerance: float | None = None
    output: str | None = None
    """The full model's answer; None: its first output of numbers."""
    device_output: str | None = None
    score: Kind | None = None
    """None: the kind that keeps most on the fit set."""
    score_output: str | None = None
    """With score "value": the device's output that is its confidence."""
    alphas: Sequence[float] = ALPHAS
    delta: float = 0.1
    label_names: Sequence[str] | None = None
    drop_layers: int = 0
    ship: str | None = None
    """The candidate to ship, by its name; None: the fastest that is good enough."""
    device: DeviceClass = THIS_MACHINE
    patience_s: float = PATIENCE_S
    """How long a model may take to answer some hundred examples, and a candidate to be made."""
    seed: int = 0
    report: bool = True
    repeats: bool = False
    """Inputs repeat in the data because requests do, and each counts."""
    golden: int = 8
    """How many examples go into the release, for both ends to show that they run what was certified."""

    @property
    def answer_name(self) -> str:
        """What the app's answer is called."""
        return _ANSWERS[self.task]

    @property
    def score_name(self) -> str:
        """What the app's output with the confidence is called, where it is one of its own."""
        return _CONFIDENCE if self.score_output is None else self.score_output
