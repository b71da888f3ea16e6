"""A candidate: a model file, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Candidate", "Unsuited"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """`content` is None where it could not be made; `skipped` then says why."""

    name: str
    how: str
    content: bytes | None
    skipped: str = ""
    is_own: bool = False


class Unsuited(Exception):
    """This way of making a model smaller does not apply to this one; says why."""
