"""The fields of a policy document as tables of the reference, in the words that the document's own schema has.

One table of fields for each table of the document, under the name that its author writes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from tests.docs.fields import default_in_words, type_in_words

__all__ = ["described_tables", "unwrapped"]

Schema = dict[str, Any]  # Any: a JSON document

_HEAD = "| field | type and range | unit | default | what it is | why so |\n|---|---|---|---|---|---|"


def unwrapped(document: type[BaseModel]) -> Schema:
    """Return a document's schema; of a table that may also be written as one number, its form as a table."""
    schema = document.model_json_schema(by_alias=True)
    tables = schema.get("$defs", {})
    for name, given in tables.items():
        tables[name] = next((form for form in given.get("anyOf", ()) if "properties" in form), given)
    for whole in (schema, *tables.values()):
        for field in whole["properties"].values():
            if isinstance(default := field.get("default"), dict) and "value" in default:
                field["default"] = default["value"]
    return schema


def described_tables(schema: Schema) -> str:
    """Return the tables of a document with the JSON Schema `schema`, in the document's order."""
    tables = schema.get("$defs", {})
    headings = dict(_headings(schema, tables))

    def reference(name: str) -> str:
        if name in headings:
            return f"[`{headings[name]}`](#{_anchor(headings[name])})"
        return ", ".join(f"`{value}`" for value in tables[name]["enum"])

    parts: list[str] = []
    for name, heading in {"": "The document", **headings}.items():
        table = tables[name] if name else schema
        parts.append(f"### {f'`{heading}`' if name else heading}\n")
        for paragraph in table["description"].split("\n\n"):
            parts.append(f"{textwrap.fill(paragraph, 120, break_on_hyphens=False)}\n")
        parts.append(_HEAD)
        for field, told in table["properties"].items():
            default = "**wanted**" if field in table.get("required", ()) else default_in_words(told)
            kind = type_in_words(told, reference)
            unit = told.get("unit", "")
            row = (f"`{field}`", kind, unit, default, told["description"], told["reason"])
            parts.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
        parts.append("")
    return "\n".join(parts)


def _headings(schema: Schema, tables: Schema, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the tables inside, by the names of their models, with what their author writes for them."""
    for field, told in schema["properties"].items():
        for name, written in _inside(told, f"{prefix}{field}"):
            if "properties" in tables[name]:
                yield name, written
                yield from _headings(tables[name], tables, f"{written.strip('[]')}.")


def _inside(told: Schema, path: str) -> Iterator[tuple[str, str]]:
    if "$ref" in told:
        yield told["$ref"].rpartition("/")[2], f"[{path}]"
    for option in told.get("anyOf", ()):
        yield from _inside(option, path)
    if "items" in told:
        for name, _ in _inside(told["items"], path):
            yield name, f"[[{path}]]"
    for inner in (told.get("additionalProperties"), *told.get("patternProperties", {}).values()):
        if isinstance(inner, dict):
            yield from _inside(inner, f"{path}.NAME")


def _anchor(heading: str) -> str:
    return "".join(letter for letter in heading.lower() if letter.isalnum() or letter in "-_")
