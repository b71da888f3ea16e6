"""A policy document to start from: what is set, and beside it every other field as a comment, in the schema's words.

Pure. What begins with # and a blank is prose; what begins with # and none is a field with its default, or with an
example where it has none, and holds once the # is taken away."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from router.document.schema import json_schema

__all__ = ["start"]

Schema = Mapping[str, Any]  # Any: a JSON document
Values = Mapping[str, Any]  # Any: TOML values

_WIDTH: Final = 100
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_HEAD: Final = """\
How requests are routed. Every field is here, with its unit, its default and the reason for it. What begins with #
and a blank is said to you; what begins with # and none is a field that is not set: take the # away to set it, and
that of its table. Check it with: nearfar-policy check --strict FILE"""
# Where there is no default to show.
_EXAMPLES: Final[Mapping[str, object]] = {
    "amount_j": 1000.0,
    "amount_mb": 100.0,
    "amount_usd": 1.0,
    "below": 0.67,
    "escalate_below": 0.5,
    "forbid": ["cloud"],
    "kind": "cloud",
    "max_loss": 0.01,
    "mode": "prefer_on_device",
    "name": "example",
    "p_wrong": 0.05,
    "prior_ms": [1.0, 40.0],
    "when": {"battery_pct": {"less_than": 20}, "charging": False},
}
# By what stands in the place of NAME in a table of tables, or of a list's entry.
_NAMED: Final[Mapping[str, tuple[str, object]]] = {
    "links": ("cellular", None),
    "stale_after_s": ("battery_pct", 150.0),
    "targets": ("cloud", None),
}


def start(values: Values, notes: Mapping[str, str], about: str) -> str:
    """Return the text of a document with these values. `notes` say why, by the name of a rule, or of a field with dots
    before it, and `about` what the whole is for."""
    lines = [*_prose(about), "#", *_prose(_HEAD), ""]
    schema = json_schema()
    lines += _Writer(schema["$defs"], notes).table(schema, values, "")
    return "\n".join(lines).rstrip() + "\n"


class _Writer:
    def __init__(self, tables: Schema, notes: Mapping[str, str]) -> None:
        self._tables = tables
        self._notes = notes

    def table(self, schema: Schema, values: Values | None, path: str) -> Iterator[str]:
        """Yield the fields of one table, and then the tables inside; `values` is None where it is not set."""
        inside: list[tuple[str, Schema]] = []
        for name, field in schema["properties"].items():
            if self._is_table(name, field):
                inside.append((name, field))
            else:
                yield from self._field(name, field, values, f"{path}{name}")
        for name, field in inside:
            here = None if values is None else values.get(name)
            yield ""
            yield from self._inside(name, field, here, f"{path}{name}")

    def _field(self, name: str, field: Schema, values: Values | None, path: str) -> Iterator[str]:
        yield from _prose(field["description"])
        if note := self._notes.get(path):
            yield from _prose(note)
        is_set = values is not None and name in values
        value = values[name] if values is not None and is_set else field.get("default")
        if value is None or value == []:
            value = _EXAMPLES.get(name, _sample(field))
        yield f"{'' if is_set else '#'}{name} = {_toml(value)}"

    def _is_table(self, name: str, field: Schema) -> bool:
        return (
            self._model(field) is not None
            or name in _NAMED
            or name == "labels"
            or ("items" in field and (self._model(field["items"]) is not None))
        )

    def _inside(self, name: str, field: Schema, here: Any, path: str) -> Iterator[str]:  # Any: TOML values
        yield from _prose(field["description"])
        if name == "labels":
            yield "[labels]"
            for label, places in (here or field["default"]).items():
                yield f"{label} = {_toml(places)}"
            return
        if "items" in field:
            yield from self._list(self._model(field["items"]) or {}, here, path)
            return
        model = self._model(field)
        if model is None:
            yield from self._named(name, field, here, path)
            return
        yield f"{'' if here is not None else '#'}[{path}]"
        yield from self.table(model, here, f"{path}.")

    def _named(self, name: str, field: Schema, here: Any, path: str) -> Iterator[str]:  # Any: TOML values
        model = self._model(_of_each(field))
        example, value = _NAMED[name]
        if model is None:
            yield f"{'' if here else '#'}[{path}]"
            for key, inner in (here or {example: value}).items():
                yield f"{'' if here else '#'}{key} = {_toml(inner)}"
            return
        for key, inner in (here or {example: None}).items():
            yield f"{'' if here else '#'}[{path}.{key}]"
            yield from self.table(model, inner, f"{path}.{key}.")

    def _list(self, model: Schema, here: Sequence[Values] | None, path: str) -> Iterator[str]:
        """Yield what each field is once, and then the entries: said again at each they would hide the rules."""
        for name, field in model["properties"].items():
            yield from _prose(f"{name}: {field['description']}")
        entries: Sequence[Values | None] = here or [None]
        for entry in entries:
            yield ""
            if entry is not None and (note := self._notes.get(str(entry.get("name")))):
                yield from _prose(note)
            mark = "#" if entry is None else ""
            yield f"{mark}[[{path}]]"
            for name, field in model["properties"].items():
                if entry is None or name in entry:
                    default = field.get("default") or _EXAMPLES.get(name)
                    yield f"{mark}{name} = {_toml(default if entry is None else entry[name])}"

    def _model(self, field: Schema) -> Schema | None:
        for option in (field, *field.get("anyOf", ())):
            if "$ref" in option:
                name = option["$ref"].rpartition("/")[2]
                # A condition is written in a line, as one value.
                is_table = name != "Condition" and "properties" in self._tables[name]
                return self._tables[name] if is_table else None
        return None


def _of_each(field: Schema) -> Schema:
    """Return the schema of what stands under each name of a table of names."""
    inner = field.get("additionalProperties")
    return inner if isinstance(inner, Mapping) else next(iter(field.get("patternProperties", {}).values()), {})


def _sample(field: Schema) -> object:
    """Return a value that the field may have."""
    options = [field, *field.get("anyOf", ())]
    for option in options:
        if option.get("type") in ("number", "integer"):
            least, most = option.get("minimum", 0), option.get("maximum", 1)
            return float(min(max(least, 1.0), most))
        if "enum" in option:
            return option["enum"][0]
    return ""


def _prose(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        for line in textwrap.wrap(paragraph, _WIDTH - 2, break_on_hyphens=False, break_long_words=False):
            yield f"# {line}"


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(name)} = {_toml(inner)}" for name, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)
