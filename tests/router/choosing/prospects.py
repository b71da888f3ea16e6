"""Prospects of targets, for tests."""

from __future__ import annotations

from router.choosing.objective import Prospect, prospect
from router.rules.policy import TargetTerms

__all__ = ["a_prospect"]


def a_prospect(
    name: str = "cloud",
    *,
    times_ms: tuple[float, ...] = (10, 20, 30, 40, 50),
    holds: bool | None = False,
    **of: float,
) -> Prospect:
    a, b, c, d, e = (ms / 1000 for ms in times_ms)
    terms = TargetTerms(of.get("p_wrong", 0.1), (a, b, c, d, e), of.get("usd", 0.0))
    power = of.get("watts", 0.0), of.get("extra_j", 0.0)
    sends = int(of.get("upload_bytes", 0))
    return prospect(name, (a, b, c, d, e), None, of.get("p_fail", 0.0), sends, terms, *power, holds=holds)
