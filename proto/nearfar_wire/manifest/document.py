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
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from nearfar_wire.datatypes import BYTES
from nearfar_wire.errors import ManifestError
from nearfar_wire.manifest.feeds import Feed, InputSpec, OutputSpec
from nearfar_wire.manifest.parts import Fault, FileName, Name, Part
from nearfar_wire.manifest.sides import DeviceSide, Evaluation, Measured, RemoteSide, Requires, Score, SidecarFile

__all__ = ["MAX_MANIFEST_BYTES", "Manifest", "parse_manifest", "read_manifest"]

MAX_MANIFEST_BYTES = 1 << 20

# tomllib's work grows with the square of a dotted name's parts: a mebibyte of them would keep it busy for hours.
_MAX_PARTS: Final = 64
_ENDLESS_NAME: Final = re.compile(
    # Bare, "basic" or 'literal' parts, each with the dot that follows it.
    rf"""(?<![\w\\-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_MAX_PARTS}}}"""
)

_MAX_TOLERANCE: Final = 3.4e38


def _known_schema(value: int) -> int:
    if value != 1:
        raise ValueError("this nearfar reads schema 1; install the one that the release was made for")
    return value


class Manifest(Part):
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
    task: Literal["classification", "multilabel", "regression", "embedding"] = "classification"
    """What an answer is, and so when two of them disagree."""
    tolerance: Annotated[float, Field(ge=0, le=_MAX_TOLERANCE, allow_inf_nan=False)] | None = None
    """Regression: a larger difference is disagreement. Embedding: a cosine further from 1. Multilabel: the
    probability from which a label counts. Classification has none."""
    labels: SidecarFile | None = None
    """A text file with a label a line, in the order of the score output's last axis."""
    certificate: FileName | None = None
    """What keeping answers on the device was certified to cost."""
    golden: SidecarFile | None = None
    """An .npz of examples: `inputs/NAME` of the app, `outputs/NAME` of the device's model."""
    requires: Requires = Requires()
    measured: Annotated[dict[Name, Measured], Field(max_length=64)] = Field(default_factory=dict)
    """By class of device."""

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
                    raise Fault(f"{side_name}.fetches.{name}", _unknown("output", name, outputs))
        if self.score is not None:
            _check_score(self.score, outputs)
        if (self.tolerance is not None) == (self.task == "classification"):
            wanted = "has no tolerance" if self.tolerance is not None else "needs a tolerance"
            raise Fault("tolerance", f"task {self.task!r} {wanted}")
        if self.device is None and self.remote is None:
            raise ValueError("neither `device` nor `remote`: nothing could answer")
        return self


_Spec = TypeVar("_Spec", InputSpec, OutputSpec)


def _by_name(place: str, specs: list[_Spec]) -> dict[str, _Spec]:
    named: dict[str, _Spec] = {}
    for index, spec in enumerate(specs):
        if spec.name in named:
            raise Fault(f"{place}[{index}].name", f"{spec.name!r} is described twice")
        named[spec.name] = spec
    return named


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f"no {kind} {name!r}; there are {', '.join(known)}"


def _check_feed(place: str, feed: Feed, inputs: dict[str, InputSpec]) -> None:
    spec = inputs.get(feed.source)
    if spec is None:
        raise Fault(f"{place}.source", _unknown("input", feed.source, inputs))
    first = feed.steps[0] if feed.steps else None
    tokenizes = first is not None and first.tokenize is not None
    if tokenizes != (spec.encoding == "text" and feed.datatype != BYTES):
        problem = "text becomes numbers by a tokenize step" if spec.encoding == "text" else f"{spec.name!r} is no text"
        raise Fault(f"{place}.steps", problem)
    if spec.encoding is not None:
        return
    if (spec.datatype == BYTES) != (feed.datatype == BYTES):
        raise Fault(f"{place}.datatype", f"{feed.datatype} cannot be made from {spec.datatype} without an encoding")
    if feed.steps and feed.steps[0].resize is not None:
        problem = f"input {spec.name!r} has no encoding; only images and pixels are resized"
        raise Fault(f"{place}.steps[0].resize", problem)


def _check_score(score: Score, outputs: dict[str, OutputSpec]) -> None:
    spec = outputs.get(score.output)
    if spec is None:
        raise Fault("score.output", _unknown("output", score.output, outputs))
    if score.kind == "value":
        if not spec.datatype.startswith("FP"):
            raise Fault("score.output", "a confidence is a number with a point")
        return
    if score.kind == "energy" and score.values != "logits":
        raise Fault("score.values", 'energy is read from "logits"')
    if not spec.datatype.startswith("FP") or not spec.shape or spec.shape[-1] in (0, 1):
        raise Fault("score.output", "confidence is read from numbers with a point, at least two a row (last axis)")


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
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ManifestError(source, "", f"line {line}: not TOML: not UTF-8 at byte {error.start}") from error
    except ValueError as error:  # not TOML, or an integer of more digits than Python reads
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
        return ManifestError(source, path, f"unknown key{_near(first['loc'])}")
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, Fault):
        path = f"{path}.{raised.path}" if path else raised.path
    return ManifestError(source, path, str(raised) if isinstance(raised, ValueError) else first["msg"])


def _near(location: Sequence[int | str]) -> str:
    """Return which key was probably meant by one that there is not, or which there are."""
    known = dict(_fields(Manifest))
    for part in location[:-1]:
        inner = _model_in(known.get(str(part)))
        known = known if inner is None else dict(_fields(inner))
    # difflib is quadratic in the length.
    near = get_close_matches(str(location[-1])[:64], known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:  # Any: type forms
    return ((field.alias or name, field.annotation) for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:  # Any: as above
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner)) is not None), None)
