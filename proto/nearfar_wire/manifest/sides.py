"""What stands behind a model: the device's file, the full model on a server, the score, and what was measured."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from nearfar_wire.manifest.feeds import Feed
from nearfar_wire.manifest.parts import Digest, FileName, Name, Number, Part, TensorName

__all__ = [
    "DeviceSide",
    "EvaluatedThreshold",
    "Evaluation",
    "Measured",
    "RemoteSide",
    "Requires",
    "Score",
    "SidecarFile",
]


class DeviceSide(Part):
    """The device's model file. Without `feeds` it takes the app's inputs as they are."""

    file: FileName
    """A file beside the manifest; never a path."""
    digest: Digest
    runtime: Literal["onnx", "litert"] = "onnx"
    """What runs the file: onnxruntime, or LiteRT for a .tflite file."""
    feeds: dict[TensorName, Feed] = Field(default_factory=dict)
    fetches: dict[TensorName, TensorName] = Field(default_factory=dict)
    """App's output name -> the model's; without it they are the same."""


class RemoteSide(Part):
    """The full model, as a server names it."""

    model: Name
    version: Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,18})?$")] = ""
    """Empty: whichever version the server answers with."""
    digest: Digest | None = None
    """What the release was made with. An answer of any other model is refused; None accepts every model."""
    send: Literal["app", "model"] = "app"
    feeds: dict[TensorName, Feed] = Field(default_factory=dict)
    fetches: dict[TensorName, TensorName] = Field(default_factory=dict)


class Score(Part):
    """Where confidence is read from. A release without it can never be sure of itself."""

    output: TensorName
    kind: Literal["margin", "max_probability", "energy", "value"] = "margin"
    """margin: largest minus second largest probability of a row. energy: logarithm of the sum of the logits'
    exponentials. value: the output is itself the confidence of its row, higher being surer."""
    values: Literal["probabilities", "logits"] = "probabilities"


class EvaluatedThreshold(Part):
    """What asking the remote side does where the device's score is at most `below`."""

    below: Number
    share: Annotated[float, Field(ge=0, le=1)]
    """Share of all inputs whose score is."""
    gain: Annotated[float, Field(ge=-1, le=1)]
    """By how much of all inputs more is right then."""


class Evaluation(Part):
    """Measured on inputs that neither model was trained on: the shares of wrong answers, 0 to 1."""

    n: Annotated[int, Field(ge=1)]
    device_wrong: Annotated[float, Field(ge=0, le=1)]
    remote_wrong: Annotated[float, Field(ge=0, le=1)]
    thresholds: Annotated[list[EvaluatedThreshold], Field(max_length=64)] = Field(default_factory=list)
    """Rising in `below`; what a policy chooses from that wants the best one."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for before, after in pairwise(self.thresholds):
            if not (before.below < after.below and before.share <= after.share):
                raise ValueError("thresholds rise in `below`, and their `share` with them")
        return self


class SidecarFile(Part):
    """A file beside the manifest that belongs to the release, and what its bytes are."""

    file: FileName
    digest: Digest


class Requires(Part):
    """What the device has to have; a release that asks for more than there is is not loaded there."""

    nearfar: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){0,2}$")] | None = None
    """The oldest version of nearfar that reads this release."""
    machines: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$")]], Field(max_length=32)
    ] = Field(default_factory=list)
    """Processors that it is made for, as Python's `platform.machine()` calls them on any system; empty: every one."""


class Measured(Part):
    """The device's model on one class of device, when the release was made."""

    latency_ms_p50: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    latency_ms_p95: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    memory_bytes: Annotated[int, Field(ge=0)] | None = None
    size_bytes: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.latency_ms_p95 < self.latency_ms_p50:
            raise ValueError("latency_ms_p95 is below latency_ms_p50")
        return self
