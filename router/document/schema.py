"""The document's JSON Schema, for editors and other tools: what stands in the files beside this one, as one text.

Editors show a field's description and little else, so that unit, default and reason are in it; for programs they stand
beside it, as `unit`, `default` and `reason`."""

from __future__ import annotations

import json
from typing import Any

from router.document.form import Part
from router.document.whole import PolicyDocument
from router.types import SIGNALS

__all__ = ["described", "json_schema"]

Schema = dict[str, Any]  # Any: a JSON document


def json_schema() -> Schema:
    """Return the JSON Schema of a policy document."""
    schema = described(PolicyDocument, "nearfar policy")
    _conditions(schema)
    return schema


def described(document: type[Part], title: str) -> Schema:
    """Return the JSON Schema of a document whose fields are told (see form.told)."""
    schema = document.model_json_schema(by_alias=True)
    tables = schema.get("$defs", {})
    for given in (schema, *tables.values()):
        # A table that may also be written as one number is one of its two forms.
        table = next((form for form in given.get("anyOf", ()) if "properties" in form), given)
        table["description"] = " ".join(table["description"].split())
        for name, field in table.get("properties", {}).items():
            field.pop("title", None)  # the field's name once more
            field["description"] = _in_full(field, wanted=name in table.get("required", ()))
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}


def _conditions(schema: Schema) -> None:
    """Make conditions hold conditions: what stands in `all`, `any` and `not` is of the form of what is around it."""
    when = schema["$defs"]["RulePart"]["properties"]["when"]
    told = {key: when[key] for key in ("description", "reason")}
    inside = {"$ref": "#/$defs/Condition"}
    condition = {key: value for key, value in when.items() if key not in told}
    listed = {"type": "array", "items": inside, "minItems": 1}
    condition["properties"] |= {
        "all": listed | {"description": "All of these conditions hold."},
        "any": listed | {"description": "At least one of these conditions holds."},
        "not": inside | {"description": "This condition does not hold."},
    }
    about = "Several keys in one table are all wanted; an empty table always holds."
    schema["$defs"]["Condition"] = condition | {"description": about}
    schema["$defs"]["RulePart"]["properties"]["when"] = inside | told
    of_targets = "|".join(name for name, described in SIGNALS.items() if described.per_target)
    schema["properties"]["stale_after_s"]["propertyNames"] = {
        "anyOf": [{"enum": list(SIGNALS)}, {"pattern": rf"^({of_targets})\."}]
    }


def _in_full(field: Schema, *, wanted: bool) -> str:
    parts = [field["description"]]
    if "unit" in field:
        parts.append(f"Unit: {field['unit']}.")
    parts.append("Wanted." if wanted else f"Default: {_default(field)}.")
    return " ".join([*parts, field["reason"]])


def _default(field: Schema) -> str:
    value = field["default"]
    if value is None:
        return "none"
    if isinstance(value, dict | list) and not value:
        return "empty"
    if isinstance(value, dict) and "$ref" in field:
        return "the table's own defaults"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {json.dumps(inner)}" for key, inner in value.items())
    return json.dumps(value)
