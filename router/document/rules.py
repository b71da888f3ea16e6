"""The tables `[[rules]]`: what people want to say outright."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import WithJsonSchema

from router.document.form import ModeName, Name, Part, Places, Share
from router.predicates import FACTS, OPERATORS
from router.types import SIGNALS

__all__ = ["RulePart"]


_COMPARISON: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": ["number", "string", "boolean"]},
        {"type": "object", "minProperties": 1, "propertyNames": {"enum": list(OPERATORS)}},
    ]
}
_CONDITION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Several keys in one table are all wanted.",
    "properties": {
        "all": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "any": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "not": {"type": "object"},
        **dict.fromkeys((*SIGNALS, *FACTS), _COMPARISON),
    },
    "patternProperties": {"^rtt_ms\\.": _COMPARISON},
    "additionalProperties": False,
}
_NOTHING: Final[list[str]] = []


class RulePart(Part):
    """Rules are read from the top; every one that holds applies: `forbid` adds up, of the others the first counts."""

    name: Name
    when: Annotated[dict[str, Any], WithJsonSchema(_CONDITION)]  # Any: read by predicates.parse
    """What must hold; an empty table always does."""
    on_unknown: Literal["skip", "apply"] = "skip"
    """What the rule does where its condition depends on something unknown."""
    mode: ModeName | None = None
    """Choose in this mode instead."""
    forbid: Places = _NOTHING
    """Targets (names or kinds) that may not be asked. A hard constraint."""
    escalate_below: Share | Literal["never"] | None = None
    """In mode auto: escalate at and below this score instead, or never."""
