"""The fields of a document as a table: name, type, range and default from the model, meaning from the docstring below
the field, and from the notes where the code needs no words and a reader does."""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import ModuleType
from typing import Any, Final

from pydantic import BaseModel

__all__ = ["default_in_words", "field_tables", "type_in_words"]

Schema = dict[str, Any]  # Any: a JSON document

_COMPUTED: Final = "worked out"


def field_tables(model: type[BaseModel], notes: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """Return one table for `model` and one for each model inside it, each under its title.

    `notes` are by "Class.field" and stand after the docstring. Raises AssertionError: for a field that neither
    explains, a note for no field, or a model without a title."""
    schema = model.model_json_schema(by_alias=True)
    classes = {model.__name__: schema, **schema.get("$defs", {})}
    unused = set(notes)
    parts: list[str] = []
    for name, title in titles.items():
        heading, _, about = title.partition("\n\n")
        parts.append(f"{heading}\n")
        if about:
            parts.append(f"{textwrap.fill(about, 120, break_on_hyphens=False)}\n")
        parts.append("| field | type and range | default | meaning |\n|---|---|---|---|")
        for row, key in _rows(name, classes[name], _docstrings(model, name), notes):
            parts.append(row)
            unused.discard(key)
        parts.append("")
    missing = {name for name, part in classes.items() if "properties" in part} - set(titles)
    assert not missing, f"no title for {sorted(missing)}"
    assert not unused, f"notes for fields that are not there: {sorted(unused)}"
    return "\n".join(parts)


def _rows(
    name: str, part: Schema, docstrings: Mapping[str, str], notes: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for field, described in part["properties"].items():
        key = f"{name}.{field}"
        words = " ".join(w for w in (docstrings.get(field), notes.get(key)) if w)
        if field == "schema":
            words = "The version of the document's form."
        assert words, f"nothing says what {key} is"
        default = default_in_words(described) if field not in part.get("required", []) else "**wanted**"
        yield f"| `{field}` | {type_in_words(described, _reference)} | {default} | {words} |", key


def type_in_words(described: Schema, reference: Callable[[str], str]) -> str:
    """Return a field's type and range; `reference` says how a model or an enumeration that it names is told."""
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if "const" in described:
        return f"`{described['const']}`"
    if "$ref" in described:
        return reference(str(described["$ref"]).rpartition("/")[2])
    if "anyOf" in described:
        return " or ".join(
            type_in_words(option, reference) for option in described["anyOf"] if option.get("type") != "null"
        )
    kind = described.get("type")
    if kind == "array":
        return f"list of {type_in_words(described['items'], reference)}{_counted(described)}"
    if kind == "object":
        # Names that are held to a pattern are told apart from keys that are listed.
        patterns = {} if "properties" in described else described.get("patternProperties", {})
        inner = described.get("additionalProperties") or next(iter(patterns.values()), None)
        return f"table: name = {type_in_words(inner, reference)}" if isinstance(inner, dict) else "table"
    if kind == "string":
        return "path" if described.get("format") == "path" else "text"
    named = {"integer": "whole number", "number": "number", "boolean": "true or false"}[str(kind)]
    return f"{named}{_range(described)}"


def _reference(name: str) -> str:
    # An enumeration is written out; a model has a table of its own.
    found = getattr(sys.modules["router.types"], name, None)
    if isinstance(found, type) and issubclass(found, Enum):
        return ", ".join(f"`{member.value}`" for member in found)
    return f"[{name}](#{name.lower()})"


def _range(described: Schema) -> str:
    low, high = described.get("minimum"), described.get("maximum")
    above = described.get("exclusiveMinimum")
    if low is None and above is not None:
        return f", above {_number(above)}" + (f", up to {_number(high)}" if high is not None else "")
    if low is None:
        return "" if high is None else f", up to {_number(high)}"
    return f", {_number(low)} to {_number(high)}" if high is not None else f", from {_number(low)}"


def _counted(described: Schema) -> str:
    low, high = described.get("minItems"), described.get("maxItems")
    if low is not None and low == high:
        return f", {low} of them"
    bounds = ([f"at least {low}"] if low else []) + ([f"at most {high}"] if high else [])
    return f", {', '.join(bounds)}" if bounds else ""


def _number(value: float) -> str:
    return f"{int(value):_}" if value == int(value) else f"{value:g}"


def default_in_words(described: Schema) -> str:
    """Return a field's default as its author would write it."""
    value = described.get("default", _COMPUTED)
    if value is None:
        return "none"
    if value is _COMPUTED:
        return _COMPUTED
    if isinstance(value, dict):
        return "the part's own defaults" if "$ref" in described else f"`{_written(value)}`" if value else "empty"
    if value == []:
        return "empty"
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return f"`{_number(value) if plain else json.dumps(value)}`"


def _written(value: Mapping[str, Any]) -> str:  # Any: a JSON value
    return "{ " + ", ".join(f"{key} = {json.dumps(item)}" for key, item in value.items()) + " }"


def _made_in(module: ModuleType, name: str) -> bool:
    return getattr(getattr(module, name, None), "__module__", None) == module.__name__


def _docstrings(model: type[BaseModel], name: str) -> dict[str, str]:
    """Return the texts that stand below the fields of the class `name`, in whichever module of `model`'s package it is
    made."""
    package = model.__module__.partition(".")[0]
    makers = [m for n, m in sorted(sys.modules.items()) if n.startswith(package) and _made_in(m, name)]
    tree = ast.parse("\n".join(inspect.getsource(module) for module in makers))
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            for field, text in zip(node.body, node.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(text, ast.Expr)
                    and isinstance(text.value, ast.Constant)
                ):
                    found[field.target.id] = " ".join(str(text.value.value).split())
    return found
