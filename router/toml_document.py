"""From the bytes of a TOML file to a checked model, or to the exact place of its first fault. Pure.

Policies and configurations are read here, so that a typo is told in the same words whether it stands in a policy or in
an agent's configuration: `rules[2].mdoe: unknown key ...; did you mean "mode"?`"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from router.errors import DocumentError
from router.naming import did_you_mean

__all__ = ["read_document"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_BRANCH: Final = re.compile(r"constrained-|literal\[")
_AT_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)")
# The parser's work grows with the square of a name's parts: half a million of them would keep it busy for hours.
MAX_PARTS: Final = 64
_ENDLESS_NAME: Final = re.compile(
    # Parts as they may be written, bare or quoted, each with its dot; possessive, so that looking is linear.
    rf"""(?<![\w\\-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}"""
)


def read_document(
    content: bytes, model: type[ModelT], fault: Callable[[str, str], DocumentError], *, max_bytes: int
) -> ModelT:
    """Read `content` as UTF-8 TOML into `model`.

    Raises what `fault(path, problem)` makes: for bytes that are too many or not TOML (path empty), and for the first
    value that the model refuses."""
    if len(content) > max_bytes:
        raise fault("", f"longer than {max_bytes} bytes")
    try:
        text = content.decode("utf-8")
        if (endless := _ENDLESS_NAME.search(text)) is not None:
            line = text.count("\n", 0, endless.start()) + 1
            raise fault("", f"line {line}: a name of more than {MAX_PARTS} parts")
        values: dict[str, Any] = tomllib.loads(text)  # Any: TOML values, checked by the model
    except UnicodeDecodeError as error:
        raise fault("", f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise fault("", "nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError, and integers of too many digits
        raise fault("", _syntax_problem(str(error), text)) from error
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise fault(*_first_fault(error, model)) from error


def _syntax_problem(message: str, text: str) -> str:
    found = _AT_LINE.search(message)
    lines = text.splitlines() or [""]
    line = int(found[1]) if found else len(lines)
    where = f"line {line}"
    if "Cannot overwrite" in message or "twice" in message:
        # The parser notices at the end of the offending statement, which may be the start of the next line.
        written = lines[min(line, len(lines)) - 1].partition("=")[0].strip()
        return f'{where}: duplicate key "{written[:64]}"; keep one of them'
    return f"{where}: not TOML: {_AT_LINE.sub('', message).removesuffix('(at end of document)').strip()}"


def _first_fault(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    faults = error.errors(include_url=False, include_input=False)
    # A key that is not known comes first: where a mistyped one was wanted, it is the cause of what is missing.
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    location = list(first["loc"])
    if first["type"] == "extra_forbidden":
        key = str(location.pop())
        return _path(location), f'unknown key "{key[:64]}"{did_you_mean(key, _keys_at(location, model))}'
    if first["type"] == "missing":
        key = str(location.pop())
        return _path(location), f'"{key}" is missing'
    if location and location[-1] == "[key]":
        location.pop()
        key = str(location.pop())
        return _path(location), f'"{key[:64]}" is not a name that can stand here'
    message = first["msg"].removeprefix("Value error, ")
    return _path(_without_branches(location)), message[:1].lower() + message[1:]


def _path(location: list[int | str]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _without_branches(location: list[int | str]) -> list[int | str]:
    # pydantic appends which branch of a union failed, such as "literal['never']" or "constrained-float".
    return [part for part in location if isinstance(part, int) or not _BRANCH.match(part)]


def _keys_at(location: list[int | str], model: type[BaseModel]) -> list[str]:
    for part in location:
        if isinstance(part, str):
            by_key = {info.alias or name: info for name, info in model.model_fields.items()}
            inner = _model_in(by_key[part].annotation) if part in by_key else None
            model = inner or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:  # Any: a type form
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None
