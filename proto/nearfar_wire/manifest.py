"""The release manifest: what a model takes and gives, described once, as the app sees it.

The app hands over `inputs` and receives `outputs`. What each side's model file wants instead (another name, type,
layout or scale) is that side's `feeds`, and which of its outputs is which of the app's is its `fetches`; so a later
release with other preprocessing changes no app. The same document lies on the device and in the cloud's repository.
`remote.send` says what crosses the wire: the app's tensors ("app": the server prepares), or what the full model takes
("model": prepared on the device, for servers that know no manifest).

Reads and checks the document; opens no model file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.digest import DIGEST_PATTERN
from nearfar_wire.errors import ManifestError

__all__ = [
    "DeviceSide",
    "Evaluation",
    "Feed",
    "InputSpec",
    "Manifest",
    "OutputSpec",
    "RemoteSide",
    "Score",
    "Step",
    "parse_manifest",
]

MAX_MANIFEST_BYTES = 1 << 20

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
TensorName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Digest = Annotated[str, StringConstraints(pattern=rf"^{DIGEST_PATTERN}$")]
Dimension = Annotated[int, Field(ge=-1, le=1 << 31)]


def _known_datatype(value: str) -> str:
    if value not in DATATYPES:
        raise ValueError(f"not one of {', '.join(DATATYPES)}")
    return value


Datatype = Annotated[str, AfterValidator(_known_datatype)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Step(_Part):
    """One step of preparation; exactly one field is set. Steps run in the order they stand."""

    reshape: list[Dimension] | None = None
    """New shape; one dimension may be -1."""
    transpose: list[Annotated[int, Field(ge=0, le=31)]] | None = None
    """Order of the axes, such as [0, 3, 1, 2] for NHWC to NCHW."""
    scale: Finite | None = None
    """Multiply by this."""
    subtract: list[Finite] | None = None
    """Subtract, one number or one a channel (last axis)."""
    divide: list[Finite] | None = None
    """Divide by, one number or one a channel (last axis)."""
    resize: Annotated[list[Annotated[int, Field(ge=1, le=8192)]], Field(min_length=2, max_length=2)] | None = None
    """Centre-crop a decoded image to the aspect of, and resize it to, [height, width]."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a step is exactly one of: " + ", ".join(type(self).model_fields))
        if self.divide is not None and 0.0 in self.divide:
            raise ValueError("divide by zero")
        return self


class InputSpec(_Part):
    """One input as the app hands it over."""

    name: TensorName
    datatype: Datatype
    shape: list[Dimension]
    """-1 is a dimension that may vary."""
    encoding: Literal["image"] | None = None
    """"image": each BYTES element is a JPEG or PNG file, decoded to RGB where it is needed."""
    allow_nan: bool = False
    """Whether NaN and infinity are meaningful to the model. Refused by default: they poison a score silently."""

    @model_validator(mode="after")
    def _encoded_is_bytes(self) -> Self:
        if self.encoding is not None and self.datatype != BYTES:
            raise ValueError('an encoded input has datatype "BYTES"')
        return self


class OutputSpec(_Part):
    """One output as the app receives it."""

    name: TensorName
    datatype: Datatype
    shape: list[Dimension]


class Feed(_Part):
    """How one input of a model file is made from one of the app's inputs."""

    source: TensorName
    datatype: Datatype
    steps: list[Step] = []


class DeviceSide(_Part):
    """The device's model file. Without `feeds` it takes the app's inputs as they are."""

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    """A file beside the manifest; never a path."""
    digest: Digest
    feeds: dict[TensorName, Feed] = {}
    fetches: dict[TensorName, TensorName] = {}
    """App's output name -> the model's; without it they are the same."""


class RemoteSide(_Part):
    """The full model, as a server names it."""

    model: Name
    version: Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,18})?$")] = ""
    """Empty: whichever version the server answers with."""
    digest: Digest | None = None
    """What the release was made with. An answer of any other model is refused; None accepts every model."""
    send: Literal["app", "model"] = "app"
    feeds: dict[TensorName, Feed] = {}
    fetches: dict[TensorName, TensorName] = {}


class Score(_Part):
    """Where confidence is read from. A release without it can never be sure of itself."""

    output: TensorName
    kind: Literal["margin", "max_probability"] = "margin"
    """margin: largest minus second largest probability of a row."""
    values: Literal["probabilities", "logits"] = "probabilities"


class Evaluation(_Part):
    """Measured on held-out inputs that chose nothing: the shares of wrong answers, 0 to 1."""

    n: Annotated[int, Field(ge=1)]
    device_wrong: Annotated[float, Field(ge=0, le=1)]
    remote_wrong: Annotated[float, Field(ge=0, le=1)]


class Manifest(_Part):
    """See the module."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: Name
    version: Annotated[int, Field(ge=1)]
    inputs: Annotated[list[InputSpec], Field(min_length=1)]
    outputs: Annotated[list[OutputSpec], Field(min_length=1)]
    device: DeviceSide | None = None
    remote: RemoteSide | None = None
    score: Score | None = None
    evaluation: Evaluation | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        inputs, outputs = [i.name for i in self.inputs], [o.name for o in self.outputs]
        for kind, names in (("input", inputs), ("output", outputs)):
            if len(set(names)) != len(names):
                raise ValueError(f"an {kind} is described twice")
        for side_name, side in (("device", self.device), ("remote", self.remote)):
            if side is None:
                continue
            for feed_name, feed in side.feeds.items():
                if feed.source not in inputs:
                    raise ValueError(f"{side_name}.feeds.{feed_name}.source: no input {feed.source!r}")
            for output in side.fetches:
                if output not in outputs:
                    raise ValueError(f"{side_name}.fetches.{output}: no such output")
        if self.score is not None and self.score.output not in outputs:
            raise ValueError(f"score.output: no output {self.score.output!r}")
        if self.device is None and self.remote is None:
            raise ValueError("neither `device` nor `remote`: nothing could answer")
        return self


@dataclass(frozen=True, slots=True)
class _Place:
    """A pydantic location written as the author of the document would point at it."""

    location: tuple[int | str, ...]

    def __str__(self) -> str:
        text = ""
        for part in self.location:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text


def parse_manifest(content: bytes, source: str) -> Manifest:
    """Read a manifest from the bytes of a TOML file; `source` names it in errors.

    Raises ManifestError: with the exact place of the first fault."""
    if len(content) > MAX_MANIFEST_BYTES:
        raise ManifestError(source, "", f"longer than {MAX_MANIFEST_BYTES} bytes")
    try:
        document: dict[str, Any] = tomllib.loads(content.decode("utf-8"))  # Any: TOML values, checked below
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ManifestError(source, "", f"not TOML: {error}") from error
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ManifestError(source, str(_Place(first["loc"])), first["msg"]) from error
