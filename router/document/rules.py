"""The tables `[[rules]]`: what people want to say outright."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import WithJsonSchema

from router.document.form import ModeName, Name, Part, Places, Share, told
from router.rules.predicates import FACTS, OPERATORS
from router.types import SIGNALS

__all__ = ["RulePart"]


def _comparison(holds: str, about: str, unit: str = "", one_of: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of what may be said of one fact: a value, or operators with theirs."""
    value: dict[str, Any] = {"type": {"number": "number", "flag": "boolean", "text": "string"}[holds]}
    if one_of:
        value["enum"] = list(one_of)
    operators = dict.fromkeys(OPERATORS if holds == "number" else ("equals",), value)
    operators["one_of"] = {"type": "array", "items": value, "minItems": 1}
    compared = {"type": "object", "minProperties": 1, "properties": operators, "additionalProperties": False}
    return {"description": f"{about}, in {unit}" if unit else about, "anyOf": [value, compared]}


_OF_SIGNALS: Final = {s.name: _comparison(s.holds, s.about, s.unit, s.one_of) for s in SIGNALS.values()}
_CONDITION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Several keys in one table are all wanted.",
    "properties": {
        "all": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "any": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "not": {"type": "object"},
        **_OF_SIGNALS,
        **{name: _comparison(fact.holds, fact.about) for name, fact in FACTS.items()},
    },
    "patternProperties": {f"^{name}\\.": _OF_SIGNALS[name] for name, s in SIGNALS.items() if s.per_target},
    "additionalProperties": False,
}
_NOTHING: Final[list[str]] = []


class RulePart(Part):
    """Rules are read from the top, and every one that holds applies: `forbid` adds up; of `mode` and `escalate_below`
    the first rule that gives one counts."""

    name: Annotated[
        Name,
        told(
            "What reasons and receipts call the rule; each name once.",
            reason="A reason that names no rule helps nobody, so there is no default.",
        ),
    ]
    when: Annotated[
        dict[str, Any],  # Any: read by conditions.parse
        WithJsonSchema(_CONDITION),
        told(
            "What must hold; an empty table always does.",
            reason="A rule that holds always is written with `{}`, so that it is not meant by mistake.",
        ),
    ]
    on_unknown: Annotated[
        Literal["skip", "apply"],
        told(
            "What the rule does where its condition depends on something unknown.",
            reason="A machine without a battery is not one with an empty battery.",
        ),
    ] = "skip"
    mode: Annotated[
        ModeName | None,
        told("Choose in this mode instead.", reason="Without it the mode stays what the policy or another rule says."),
    ] = None
    forbid: Annotated[
        Places,
        told(
            "Targets (names or kinds) that may not be asked. A hard constraint: what it forbids is closed by `rule`.",
            reason="Without it nothing is forbidden.",
        ),
    ] = _NOTHING
    escalate_below: Annotated[
        Share | Literal["never"] | None,
        told(
            "In mode auto: escalate at and below this score instead, or never.",
            unit="score",
            reason="Without it `[escalation]` and `[promise]` hold.",
        ),
    ] = None
