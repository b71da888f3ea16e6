"""How a model file's inputs are made of the app's: `inputs`, and the `feeds` of either side with their steps."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from nearfar_wire.datatypes import BYTES
from nearfar_wire.manifest.parts import (
    SMALLEST,
    Datatype,
    Digest,
    Dimension,
    Fault,
    FileName,
    Number,
    Part,
    TensorName,
)
from nearfar_wire.specs import TensorSpec

__all__ = ["Feed", "InputSpec", "OutputSpec", "Step", "Tokenize"]


class Tokenize(Part):
    """Text to the numbers that a transformer reads. Feeds of one source and file share one pass over the text."""

    file: FileName
    """A `tokenizer.json` beside the manifest."""
    digest: Digest
    max_length: Annotated[int, Field(ge=1, le=65_536)]
    """Tokens, the special ones included; longer texts are cut to it."""
    gives: Literal["ids", "mask", "types"]
    """Token ids, attention mask, or token types."""
    pad: Literal["longest", "max_length"] = "longest"
    """Rows are filled up to the longest of the request, or, for a model of fixed length, to max_length."""


class Step(Part):
    """One step of preparation; exactly one field is set. Steps run in the order they stand."""

    reshape: list[Dimension] | None = None
    """New shape; one dimension may be -1."""
    transpose: list[Annotated[int, Field(ge=0, le=31)]] | None = None
    """Order of the axes, such as [0, 3, 1, 2] for NHWC to NCHW."""
    scale: Number | None = None
    """Multiply by this."""
    subtract: Annotated[list[Number], Field(min_length=1)] | None = None
    """Subtract, one number or one a channel (last axis)."""
    divide: Annotated[list[Number], Field(min_length=1)] | None = None
    """Divide by, one number or one a channel (last axis)."""
    resize: Annotated[list[Annotated[int, Field(ge=1, le=8192)]], Field(min_length=2, max_length=2)] | None = None
    """Centre-crop a picture to the aspect of, and resize it to, [height, width]."""
    grey: Literal[True] | None = None
    """Make one channel of three: UINT8 RGB, last axis, to its luma as JPEG has it, rounded; the last axis is then 1."""
    tokenize: Tokenize | None = None
    """Make tokens of text; the only step that numbers can be made of text with, and the first."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError("a step is exactly one of: " + ", ".join(type(self).model_fields))
        if self.reshape is not None and self.reshape.count(-1) > 1:
            raise ValueError("reshape: only one dimension may be -1")
        if self.transpose is not None and sorted(self.transpose) != list(range(len(self.transpose))):
            raise ValueError(f"transpose: each of the axes 0 to {len(self.transpose) - 1} once")
        if self.divide is not None and any(abs(number) < SMALLEST for number in self.divide):
            raise ValueError("divide: by zero, or by so little that it becomes zero")
        return self

    @property
    def kind(self) -> str:
        """The name of the one field that is set."""
        return self._given()[0]

    def _given(self) -> list[str]:
        return [name for name in type(self).model_fields if getattr(self, name) is not None]


class InputSpec(Part):
    """One input as the app hands it over."""

    name: TensorName
    datatype: Datatype
    shape: list[Dimension]
    """-1 is a dimension that may vary."""
    encoding: Literal["image", "pixels", "text"] | None = None
    """"image": each BYTES element is a JPEG or PNG file, decoded to RGB where it is needed. "pixels": UINT8 RGB, shape
    [..., height, width, 3], of any size, resized where it is needed. "text": each BYTES element is UTF-8."""
    allow_nan: bool = False
    """Whether NaN and infinity are meaningful to the model. Refused by default: they poison a score silently."""

    @model_validator(mode="after")
    def _encoded_as_it_says(self) -> Self:
        if self.encoding == "pixels":
            if self.datatype != "UINT8" or len(self.shape) < 3 or self.shape[-1] != 3:
                raise ValueError('pixels have datatype "UINT8" and shape [..., height, width, 3]')
        elif self.encoding is not None and self.datatype != BYTES:
            raise ValueError('an encoded input has datatype "BYTES"')
        return self

    def spec(self) -> TensorSpec:
        """The contract that check() holds the app's tensor to."""
        return TensorSpec(self.name, self.datatype, tuple(self.shape), self.allow_nan)


class OutputSpec(Part):
    """One output as the app receives it."""

    name: TensorName
    datatype: Datatype
    shape: list[Dimension]

    def spec(self) -> TensorSpec:
        """The contract that check() holds the model's answer to."""
        return TensorSpec(self.name, self.datatype, tuple(self.shape))


class Feed(Part):
    """How one input of a model file is made from one of the app's inputs."""

    source: TensorName
    datatype: Datatype
    steps: list[Step] = Field(default_factory=list)

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        for index, step in enumerate(self.steps):
            if step.kind in ("resize", "tokenize") and index > 0:
                raise Fault(f"steps[{index}].{step.kind}", f"only the first step can {step.kind}")
            if step.kind == "tokenize" and self.datatype not in ("INT32", "INT64"):
                raise Fault(f"steps[{index}].tokenize", 'tokens are "INT32" or "INT64"')
            if self.datatype == BYTES and step.kind not in ("reshape", "transpose"):
                raise Fault(f"steps[{index}].{step.kind}", "a BYTES feed can only be reshaped and transposed")
        return self
