"""Frozen values to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

__all__ = ["as_json"]


def as_json(value: Any) -> Any:  # Any: a value of ours in, JSON out
    """Return a dataclass as an object, a mapping or sequence part by part, and plain values as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [as_json(part) for part in value]
    return value
