"""The schema is the reference: every field says what it is, in which unit, and why its default is what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from router.document import PolicyDocument, json_schema
from router.document.form import Part, Share, told

UNITS_IN_NAMES = {
    "_s": "s",
    "_ms": "ms",
    "_pct": "%",
    "_mb": "MB",
    "_bytes": "bytes",
    "_j": "J",
    "_w": "W",
    "_usd": "US dollars",
    "_c": "°C",
}


def _faults(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema(by_alias=True)
    tables = {"": schema, **schema.get("$defs", {})}
    return [fault for name, table in tables.items() for fault in _faults_of(name, table)]


def _faults_of(name: str, table: dict[str, Any]) -> Iterator[str]:
    if "description" not in table:
        yield f"{name}: nothing says what this table is"
    for field, described in table.get("properties", {}).items():
        place = f"{name}.{field}".lstrip(".")
        for key in ("description", "reason"):
            if not described.get(key, "").endswith((".", "...")):
                yield f"{place}: no sentence as its {key}; describe it with form.told"
        if field not in table.get("required", ()) and "default" not in described:
            yield f"{place}: nobody can read its default from the schema"
        unit = described.get("unit", "")
        if _is_number(described) and not unit:
            yield f"{place}: a number without a unit"
        for ending, meant in UNITS_IN_NAMES.items():
            if field.endswith(ending) and unit != meant:
                yield f'{place}: its name says {meant}, its unit "{unit}"'


def _is_number(described: dict[str, Any]) -> bool:
    if described.get("type") in ("number", "integer") and "const" not in described:
        return True
    inner = [*described.get("anyOf", ()), described.get("items"), described.get("additionalProperties")]
    return any(_is_number(part) for part in inner if isinstance(part, dict))


def test_every_field_has_its_words() -> None:
    assert _faults(PolicyDocument) == []


class _Told(Part):
    """A table."""

    share: Annotated[Share, told("What it is.", unit="share", reason="Because.")] = 0.5


class _Bare(Part):
    """A table."""

    share: Share = 0.5


class _WithoutReason(Part):
    """A table."""

    share: Annotated[Share, Field(description="What it is.", json_schema_extra={"unit": "share"})] = 0.5


class _WithoutUnit(Part):
    """A table."""

    shares: Annotated[list[Share] | None, told("What they are.", reason="Because.")] = None


class _WithAnotherUnit(Part):
    """A table."""

    pause_s: Annotated[Share, told("What it is.", unit="ms", reason="Because.")]


class _WithHiddenDefault(Part):
    """A table."""

    name: Annotated[str, told("What it is.", reason="Because.")] = Field(default_factory=str)


@pytest.mark.parametrize(
    ("model", "faults"),
    [
        (_Told, []),
        (
            _Bare,
            [
                "share: no sentence as its description; describe it with form.told",
                "share: no sentence as its reason; describe it with form.told",
                "share: a number without a unit",
            ],
        ),
        (_WithoutReason, ["share: no sentence as its reason; describe it with form.told"]),
        (_WithoutUnit, ["shares: a number without a unit"]),
        (_WithAnotherUnit, ['pause_s: its name says s, its unit "ms"']),
        (_WithHiddenDefault, ["name: nobody can read its default from the schema"]),
    ],
)
def test_a_field_without_words_is_noticed(model: type[BaseModel], faults: list[str]) -> None:
    assert _faults(model) == faults


def test_what_an_editor_shows_has_unit_default_and_reason_in_it() -> None:
    shown = json_schema()["$defs"]["WorthPart"]["properties"]["second"]["description"]
    assert shown == (
        "What a second of waiting costs. Unit: wrong answers per second. Default: 0.05. "
        "Twenty seconds of waiting weigh as one wrong answer."
    )
