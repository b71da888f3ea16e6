"""The release manifest: what a model takes and gives, described once, as the app sees it.

The app hands over `inputs` and receives `outputs`. What each side's model file wants instead (another name, type,
layout or scale) is that side's `feeds`, and which of its outputs is which of the app's is its `fetches`; so a later
release with other preprocessing changes no app. The same document lies on the device and in the cloud's repository.
`remote.send` says what crosses the wire: the app's tensors ("app": the server prepares), or what the full model takes
("model": prepared on the device, for servers that know no manifest).

Reads and checks the document; opens no model file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

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
from nearfar_wire.specs import TensorSpec

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
    "read_manifest",
]

MAX_MANIFEST_BYTES = 1 << 20

# tomllib's work grows with the square of a dotted name's parts: a mebibyte of them would keep it busy for hours.
_MAX_PARTS: Final = 64
_ENDLESS_NAME: Final = re.compile(
    # Bare, "basic" or 'literal' parts, each with the dot that follows it.
    rf"""(?<![\w\\-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_MAX_PARTS}}}"""
)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
TensorName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Digest = Annotated[str, StringConstraints(pattern=rf"^{DIGEST_PATTERN}$")]
Dimension = Annotated[int, Field(ge=-1, le=1 << 31)]


def _known_datatype(value: str) -> str:
    if value not in DATATYPES:
        raise ValueError(f"not one of {', '.join(DATATYPES)}")
    return value


def _known_schema(value: int) -> int:
    if value != 1:
        raise ValueError("this nearfar reads schema 1; install the one that the release was made for")
    return value


Datatype = Annotated[str, AfterValidator(_known_datatype)]

# Preparation computes in 32-bit floats: beyond the first bound a number is infinite there, below the second zero.
_LARGEST, _SMALLEST = 3.4e38, 1.2e-38
Number = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]


class _Fault(ValueError):
    """Parts that contradict each other; `path` leads on from the part that noticed."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path = path


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Step(_Part):
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
    """Centre-crop a decoded image to the aspect of, and resize it to, [height, width]."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError("a step is exactly one of: " + ", ".join(type(self).model_fields))
        if self.reshape is not None and self.reshape.count(-1) > 1:
            raise ValueError("reshape: only one dimension may be -1")
        if self.transpose is not None and sorted(self.transpose) != list(range(len(self.transpose))):
            raise ValueError(f"transpose: each of the axes 0 to {len(self.transpose) - 1} once")
        if self.divide is not None and any(abs(number) < _SMALLEST for number in self.divide):
            raise ValueError("divide: by zero, or by so little that it becomes zero")
        return self

    @property
    def kind(self) -> str:
        """The name of the one field that is set."""
        return self._given()[0]

    def _given(self) -> list[str]:
        return [name for name in type(self).model_fields if getattr(self, name) is not None]


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

    def spec(self) -> TensorSpec:
        """The contract that check() holds the app's tensor to."""
        return TensorSpec(self.name, self.datatype, tuple(self.shape), self.allow_nan)


class OutputSpec(_Part):
    """One output as the app receives it."""

    name: TensorName
    datatype: Datatype
    shape: list[Dimension]

    def spec(self) -> TensorSpec:
        """The contract that check() holds the model's answer to."""
        return TensorSpec(self.name, self.datatype, tuple(self.shape))


class Feed(_Part):
    """How one input of a model file is made from one of the app's inputs."""

    source: TensorName
    datatype: Datatype
    steps: list[Step] = []

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        for index, step in enumerate(self.steps):
            if step.kind == "resize" and index > 0:
                raise _Fault(f"steps[{index}].resize", "only the first step can resize")
            if self.datatype == BYTES and step.kind not in ("reshape", "transpose"):
                raise _Fault(f"steps[{index}].{step.kind}", "a BYTES feed can only be reshaped and transposed")
        return self


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
    """Measured on inputs that neither model was trained on: the shares of wrong answers, 0 to 1."""

    n: Annotated[int, Field(ge=1)]
    device_wrong: Annotated[float, Field(ge=0, le=1)]
    remote_wrong: Annotated[float, Field(ge=0, le=1)]


class Manifest(_Part):
    """See the module."""

    schema_version: Annotated[int, AfterValidator(_known_schema), Field(alias="schema")]
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
        inputs = _by_name("inputs", self.inputs)
        outputs = _by_name("outputs", self.outputs)
        for side_name, side in (("device", self.device), ("remote", self.remote)):
            if side is None:
                continue
            for feed_name, feed in side.feeds.items():
                _check_feed(f"{side_name}.feeds.{feed_name}", feed, inputs)
            for name in side.fetches:
                if name not in outputs:
                    raise _Fault(f"{side_name}.fetches.{name}", _unknown("output", name, outputs))
        if self.score is not None:
            _check_score(self.score, outputs)
        if self.device is None and self.remote is None:
            raise ValueError("neither `device` nor `remote`: nothing could answer")
        return self


_Spec = TypeVar("_Spec", InputSpec, OutputSpec)


def _by_name(place: str, specs: list[_Spec]) -> dict[str, _Spec]:
    named: dict[str, _Spec] = {}
    for index, spec in enumerate(specs):
        if spec.name in named:
            raise _Fault(f"{place}[{index}].name", f"{spec.name!r} is described twice")
        named[spec.name] = spec
    return named


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f"no {kind} {name!r}; there are {', '.join(known)}"


def _check_feed(place: str, feed: Feed, inputs: dict[str, InputSpec]) -> None:
    spec = inputs.get(feed.source)
    if spec is None:
        raise _Fault(f"{place}.source", _unknown("input", feed.source, inputs))
    if spec.encoding is not None:
        return
    if (spec.datatype == BYTES) != (feed.datatype == BYTES):
        raise _Fault(f"{place}.datatype", f"{feed.datatype} cannot be made from {spec.datatype} without an encoding")
    if feed.steps and feed.steps[0].resize is not None:
        raise _Fault(
            f"{place}.steps[0].resize", f"input {spec.name!r} has no encoding; only decoded images are resized"
        )


def _check_score(score: Score, outputs: dict[str, OutputSpec]) -> None:
    spec = outputs.get(score.output)
    if spec is None:
        raise _Fault("score.output", _unknown("output", score.output, outputs))
    if not spec.datatype.startswith("FP") or not spec.shape or spec.shape[-1] in (0, 1):
        raise _Fault("score.output", "confidence is read from numbers with a point, at least two a row (last axis)")


def read_manifest(path: Path) -> Manifest:
    """Read the manifest in the file `path`, and no more of it than a manifest may have.

    Raises OSError. Raises ManifestError: see parse_manifest."""
    with path.open("rb") as file:
        return parse_manifest(file.read(MAX_MANIFEST_BYTES + 1), str(path))


def parse_manifest(content: bytes, source: str) -> Manifest:
    """Read a manifest from the bytes of a TOML file; `source` names it in errors.

    Raises ManifestError: with the exact place of the first fault."""
    if len(content) > MAX_MANIFEST_BYTES:
        raise ManifestError(source, "", f"longer than {MAX_MANIFEST_BYTES} bytes")
    try:
        text = content.decode("utf-8")
        if (found := _ENDLESS_NAME.search(text)) is not None:
            line = text.count("\n", 0, found.start()) + 1
            raise ManifestError(source, "", f"line {line}: a name of more than {_MAX_PARTS} parts")
        document: dict[str, Any] = tomllib.loads(text)  # Any: TOML values, checked below
    except RecursionError as error:
        raise ManifestError(source, "", "not TOML: nested too deeply") from error
    except ValueError as error:  # not UTF-8, not TOML, or an integer of more digits than Python reads
        raise ManifestError(source, "", f"not TOML: {error}") from error
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise _first_fault(source, error) from error


def _first_fault(source: str, error: ValidationError) -> ManifestError:
    """What pydantic found, written as the author of the document would point at it."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ""
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    if first["type"] == "extra_forbidden":
        return ManifestError(source, path, "unknown key")
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, _Fault):
        path = f"{path}.{raised.path}" if path else raised.path
    return ManifestError(source, path, str(raised) if isinstance(raised, ValueError) else first["msg"])
