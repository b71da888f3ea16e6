"""The version that a document says of itself: a whole number, and nothing that only equals it. Pure.

A literal is compared, and Python's true equals 1, as 1.0 does: `schema = true` would be a version by accident."""

from __future__ import annotations

from pydantic import BeforeValidator
from pydantic_core import PydanticKnownError

__all__ = ["whole_number"]


def whole_number(expected: str) -> BeforeValidator:
    """Return what a field's literal numbers are guarded by; `expected` tells them to who wrote something else."""

    def no_flag(value: object) -> object:
        if type(value) is not int:
            raise PydanticKnownError("literal_error", {"expected": expected})
        return value

    return BeforeValidator(no_flag)
