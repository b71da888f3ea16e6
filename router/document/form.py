"""What the tables of a policy document are made of: their strictness, their words, and types that several share.

Every field is told: what it is, its unit, and the reason for its default. The JSON Schema, editors and the reference
have it from there, and a test refuses a field without it:

    second: Annotated[Worth, told("What a second of waiting is worth.", unit="per second", reason="...")] = 0.05
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from router.types import Mode
from router.versions import whole_number

__all__ = ["FirstForm", "Milliseconds", "ModeName", "Name", "Part", "Places", "Seconds", "Share", "Worth", "told"]


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
# TOML knows text only; everything else stays strict.
ModeName = Annotated[Mode, Field(strict=False)]
Share = Annotated[float, Field(ge=0, le=1)]
# Bounds on what anything may be worth keep every sum of costs finite.
Worth = Annotated[float, Field(ge=0, le=1e9)]
# From a microsecond, below which no clock tells, to ten minutes.
Milliseconds = Annotated[float, Field(ge=0.001, le=600_000)]
# Above nothing, up to a day: what is remembered for longer is remembered for ever.
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Places = Annotated[list[Name], Field(max_length=64)]


FirstForm = Annotated[Literal[1], whole_number("1")]
"""The version of a document's form, of which there is one."""


def told(what: str, *, reason: str, unit: str = "") -> Any:  # Any: as pydantic's Field
    """Describe a field, in whole sentences: `what` it is, and the `reason` why its default is what it is, or why there
    is none. `unit` is wanted of numbers; a share has the unit "share", a count what it counts."""
    words: dict[str, JsonValue] = {"reason": reason}
    return Field(description=what, json_schema_extra={"unit": unit, **words} if unit else words)


class Part(BaseModel):
    """Every table refuses keys that it does not know, and values of another type."""

    # Strict: "0.8" is not a number and true is not 1. NaN makes every comparison false, a silent change of routing.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
