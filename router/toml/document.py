"""From the bytes of a TOML file to a checked model, or to every fault in it with its line and place. Pure.

Policies and configurations are read here, so that a typo is told in the same words whether it stands in a policy or in
an agent's configuration: `line 12: rules[2]: unknown key "mdoe"; did you mean "mode"?`"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from router.errors import DocumentError, Fault
from router.toml.form import MAX_FAULTS, faults_of_form
from router.toml.lines import lay_out
from router.toml.syntax import fault_of_syntax

__all__ = ["located", "parse_document", "read_document", "read_model", "told"]

ModelT = TypeVar("ModelT", bound=BaseModel)
Values = dict[str, Any]  # Any: TOML values, checked by the model

# What marks the order of its bytes.
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
# The parser's work grows with the square of a name's parts: half a million of them would keep it busy for hours.
MAX_PARTS: Final = 64
_ENDLESS_NAME: Final = re.compile(
    # Parts as they may be written, bare or quoted, each with its dot; possessive, so that looking is linear.
    rf"""(?<![\w\\-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}"""
)


def read_document(
    content: bytes,
    model: type[ModelT],
    error: type[DocumentError] = DocumentError,
    *,
    source: str = "document",
    max_bytes: int,
) -> ModelT:
    """Read `content` as UTF-8 TOML into `model`.

    Raises `error`: for bytes that are too many or not TOML, and for values that the model refuses: all of them."""
    values = parse_document(content, error, source=source, max_bytes=max_bytes)
    read, faults = read_model(values, model)
    if read is None:
        raise error.of(located(faults[:MAX_FAULTS], content), source)
    return read


def parse_document(
    content: bytes, error: type[DocumentError] = DocumentError, *, source: str = "document", max_bytes: int
) -> Values:
    """Parse `content` as UTF-8 TOML. Raises `error`: for bytes that are too many or not TOML."""

    def refused(problem: str, line: int | None = None) -> DocumentError:
        return error("", problem, source=source, line=line)

    if len(content) > max_bytes:
        raise refused(f"longer than {max_bytes} bytes")
    if content.startswith(_UTF_16):
        raise refused("not UTF-8 but UTF-16, as some shells write what is redirected; save it as UTF-8", 1)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise refused(f"not UTF-8 at byte {cause.start}", content.count(b"\n", 0, cause.start) + 1) from cause
    if (endless := _ENDLESS_NAME.search(text)) is not None:
        raise refused(f"a name of more than {MAX_PARTS} parts", text.count("\n", 0, endless.start()) + 1)
    try:
        return tomllib.loads(text)
    except RecursionError as cause:
        raise refused("nested too deeply", lay_out(text).reached) from cause
    except ValueError as cause:  # TOMLDecodeError, and integers of too many digits
        raise error.of([fault_of_syntax(str(cause), text)], source) from cause


def read_model(values: Mapping[str, object], model: type[ModelT]) -> tuple[ModelT | None, list[Fault]]:
    """Return the model, or None and what is wrong with the values."""
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        return None, faults_of_form(error, model)


def told(source: str, path: str, problem: str, content: bytes) -> str:
    """Return a fault of a document that others check, such as a release's manifest, in words, and with its line where
    it has a place."""
    (fault,) = located([Fault(path, problem)], content) if path else [Fault(path, problem)]
    return f"{source}: {fault}"


def located(faults: Sequence[Fault], content: bytes) -> list[Fault]:
    """Return the faults of the document `content`, which is TOML, with their lines, in the document's order."""
    layout = lay_out(content.decode("utf-8"))
    told = [
        fault if fault.line is not None else replace(fault, line=layout.line_of(fault.path, fault.key))
        for fault in faults
    ]
    return sorted(told, key=lambda fault: fault.line or len(content) + 1)  # what has no line comes last
