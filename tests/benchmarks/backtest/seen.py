"""Requests that were asked and answered, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.backtest.requests import Asked, Seen
from router.simulate.answers import Truth

__all__ = ["answered"]


def answered(
    number: int,
    seconds: float,
    *,
    at: float | None = None,
    target: str | None = "cloud",
    cost: float = 0.0,
    late: bool = False,
    predicted: Sequence[float] | None = None,
    device_right: bool = True,
    size_bytes: int = 0,
) -> Seen:
    """Return what came of a request."""
    right = {"device": device_right, "cloud": True}
    truth = Truth(0.5, right, {"device": 0.8, "cloud": 0.9})
    asked = Asked(number, float(number) if at is None else at, 0, truth, 1.0)
    return Seen(asked, target, seconds, cost, late, size_bytes, None if predicted is None else tuple(predicted))
