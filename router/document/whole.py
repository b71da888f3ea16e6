"""The whole policy document, and its JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from router.document.breaker import BreakerPart
from router.document.estimates import EstimatesPart
from router.document.form import ModeName, Name, Part, Places
from router.document.keeping import EscalationPart, PromisePart
from router.document.rules import RulePart
from router.document.targets import TargetPart
from router.document.worth import WorthPart
from router.types import Mode

__all__ = ["PolicyDocument", "json_schema"]

_LABELS: Final = {
    "public": ["device", "fog", "cloud"],
    "internal": ["device", "fog", "cloud"],
    "personal": ["device", "fog", "cloud"],
    "secret": ["device"],
}
_NO_TARGETS: Final[dict[str, TargetPart]] = {}
_NO_RULES: Final[list[RulePart]] = []
_AS_THE_SIGNAL_SAYS: Final[dict[str, float]] = {}


class PolicyDocument(Part):
    """The whole file."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: Name
    version: Annotated[int, Field(ge=1, le=2**53)]
    """Rises with every change; an agent never goes back to a lower one by itself."""
    mode: ModeName = Mode.AUTO
    labels: Annotated[dict[Name, Places], Field(min_length=1, max_length=64)] = _LABELS
    """Privacy label -> targets (names or kinds) that may see such a request."""
    targets: Annotated[dict[Name, TargetPart], Field(max_length=64)] = _NO_TARGETS
    rules: Annotated[list[RulePart], Field(max_length=1000)] = _NO_RULES
    worth: WorthPart = WorthPart()
    escalation: EscalationPart | None = None
    promise: PromisePart | None = None
    breaker: BreakerPart = BreakerPart()
    estimates: EstimatesPart = EstimatesPart()
    stale_after_s: dict[str, Annotated[float, Field(gt=0, le=86_400)]] = _AS_THE_SIGNAL_SAYS
    """Signal -> age beyond which its reading counts as unknown; overrides the signal's own."""


def json_schema() -> dict[str, Any]:  # Any: a JSON document
    """Return the document's JSON Schema, for editors and other tools."""
    schema = PolicyDocument.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "nearfar policy", **schema}
