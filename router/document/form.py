"""What the tables of a policy document are made of: their common strictness, and types that several share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from router.types import Mode

__all__ = ["Milliseconds", "ModeName", "Name", "Part", "Places", "Share", "Worth"]


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
# TOML knows text only; everything else stays strict.
ModeName = Annotated[Mode, Field(strict=False)]
Share = Annotated[float, Field(ge=0, le=1)]
# Bounds on what anything may be worth keep every sum of costs finite.
Worth = Annotated[float, Field(ge=0, le=1e9)]
# From a microsecond, below which no clock tells, to ten minutes.
Milliseconds = Annotated[float, Field(ge=0.001, le=600_000)]
Places = Annotated[list[Name], Field(max_length=64)]


class Part(BaseModel):
    """Every table refuses keys that it does not know, and values of another type."""

    # Strict: "0.8" is not a number and true is not 1. NaN makes every comparison false, a silent change of routing.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
