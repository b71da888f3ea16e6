"""Policies, requests and targets for tests: each with what it takes to be decided, and the rest as the test says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.types import BreakerPhase, Kind, Reading, Request, Situation, TargetView, TimeEstimate, Value

__all__ = ["HEAD", "NOW", "policy_of", "readings_of", "request", "situation", "target", "times"]

HEAD = 'schema = 1\nname = "test"\nversion = 1\n'
NOW = 100.0


def policy_of(text: str = "", *, targets: Mapping[str, Kind] | None = None) -> Policy:
    """Compile a policy; its head need not be said."""
    return compile_policy((HEAD + text).encode(), targets=targets)


def times(median_ms: float, samples: int = 50) -> TimeEstimate:
    """Return times around a median: half of it at best, twice as long at worst."""
    median_s = median_ms / 1000
    return TimeEstimate((median_s / 2, median_s * 0.8, median_s, median_s * 1.4, median_s * 2), samples)


def target(
    name: str = "cloud", kind: Kind | None = None, *, median_ms: float | None = None, **changes: Any
) -> TargetView:
    """Return a target that is in good health."""
    kind = kind or Kind(name)
    remote = kind is not Kind.DEVICE
    values: dict[str, Any] = {
        "serves": True,
        "why_not": "",
        "upload_bytes": 1000 if remote else 0,
        "upload_limit_bytes": 4_000_000 if remote else 0,
        "time": times(median_ms or (60 if remote else 5)),
        "p_fail": 0.0,
        "p_wrong": None,
        "breaker": BreakerPhase.CLOSED,
        "breaker_admits": True,
    }
    return TargetView(name, kind, **(values | changes))


def request(
    *, left_ms: float = 1000, label: str | None = "public", can_score: bool = True, model: str = "m"
) -> Request:
    """Return a request with so much time left at NOW."""
    return Request("r-1", model, label, NOW + left_ms / 1000, can_score)


def readings_of(values: Mapping[str, Value | None], at: float = NOW) -> dict[str, Reading]:
    """Return readings taken at `at`."""
    return {name: Reading(name, value, "test", at) for name, value in values.items()}


def situation(
    *targets: TargetView, readings: Mapping[str, Value | None] | None = None, p_escalate: float | None = None, **of: Any
) -> Situation:
    """Return a situation at NOW; one device and one cloud unless targets are given. `of` describes the request."""
    return Situation(
        request(**of), readings_of(readings or {}), targets or (target("device"), target("cloud")), p_escalate, NOW
    )
