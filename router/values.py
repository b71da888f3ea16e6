"""`value`: what the small values made for every request are declared with.

The type checker holds them frozen, as `dataclass(frozen=True)` would; at run time they are plain slotted dataclasses,
because a frozen one of six fields costs 1.2 µs to make and a plain one 0.24 (`benchmarks/values.py`), and a decision
makes some thirty. Whatever is made once, or handed to an app, is an ordinary frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

__all__ = ["value"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make `cls` a value: slotted, compared and hashed by its fields, and frozen to the type checker."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
