"""A plain bound on the calls in work, until the gate of the admission package takes its place."""

from __future__ import annotations

from cloud_service.errors import Overloaded
from cloud_service.load import Load

__all__ = ["Bound"]


class Bound:
    """At most `limit` calls."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0

    def enter(self, *_: object) -> object:
        """Raises Overloaded."""
        if self._inside >= self._limit:
            raise Overloaded(f"{self._limit} calls are in work already, which is the limit", reason="limit")
        self._inside += 1
        return None

    def leave(self, *_: object) -> None:
        """Give a place back."""
        self._inside -= 1

    def load(self, _model: str, queue_wait_s: float, _now: float) -> Load:
        """Tell how full it is."""
        return Load(queue_wait_s, self._inside / self._limit, self._limit, self._inside, 0.0)
