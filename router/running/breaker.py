"""When to stop calling an endpoint that fails, and when to try it again. Pure: (state, event, now) -> state.

    closed ──enough failures──► open ──its time is over──► half-open ──a probe succeeds──► closed
                                  ▲                            │
                                  └────────a probe fails───────┘   (each time for longer)

Half-open lets at most `probes` calls through at a time. A call must be announced with `admit` before it starts and
ended with exactly one of `succeeded`, `failed` or `abandoned`; an announced probe that is abandoned frees its place.
Only failures that blame the endpoint belong here: not the caller's bad input, deadline or cancellation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from router.types import BreakerPhase
from router.values import value

__all__ = ["CLOSED", "BreakerSettings", "BreakerState", "abandoned", "admit", "admits", "failed", "phase", "succeeded"]


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """Defaults after Envoy's outlier detection and gRPC's proposal A50."""

    consecutive: int = 5
    failure_share: float = 0.85
    min_calls: int = 20
    window_s: float = 10.0
    open_s: float = 30.0
    max_open_s: float = 300.0
    jitter: float = 0.1
    """Share by which a pause is stretched or shortened, so that a fleet does not come back in one instant."""
    probes: int = 1


@value
class BreakerState:
    """One endpoint's. The window is two half-windows that take turns, so that it costs no list of calls."""

    consecutive: int = 0
    window_from: float = 0.0
    calls: int = 0
    failures: int = 0
    calls_before: int = 0
    failures_before: int = 0
    open_until: float | None = None
    ejections: int = 0
    probing: int = 0
    epoch: int = 0
    """Rises each time the breaker opens; a call that started in an earlier epoch says nothing about this one."""


CLOSED: Final = BreakerState()


def phase(state: BreakerState, now: float) -> BreakerPhase:
    """Return the phase at `now`."""
    if state.open_until is None:
        return BreakerPhase.CLOSED
    return BreakerPhase.OPEN if now < state.open_until else BreakerPhase.HALF_OPEN


def admits(state: BreakerState, settings: BreakerSettings, now: float) -> bool:
    """Tell whether a call could start at `now`, without announcing one."""
    if state.open_until is None:
        return True
    return now >= state.open_until and state.probing < settings.probes


def admit(state: BreakerState, settings: BreakerSettings, now: float) -> BreakerState | None:
    """Announce a call: the state that holds while it runs, or None where it may not start."""
    if state.open_until is None:
        return state
    if now < state.open_until or state.probing >= settings.probes:
        return None
    return replace(state, probing=state.probing + 1)


def succeeded(state: BreakerState, settings: BreakerSettings, now: float, epoch: int) -> BreakerState:
    """A call that was admitted in `epoch` came back well."""
    if epoch != state.epoch:
        return state
    if state.open_until is not None:
        # A probe came back: closed again, and the next ejection is as short as the first.
        return BreakerState(window_from=now, epoch=state.epoch)
    return _count(state, settings, now, 0, 0)


def failed(state: BreakerState, settings: BreakerSettings, now: float, epoch: int, chance: float) -> BreakerState:
    """A call that was admitted in `epoch` failed in a way that blames the endpoint.

    `chance` is uniform in [0, 1): where in the jitter's range the pause falls."""
    if epoch != state.epoch:
        return state
    if state.open_until is not None:
        return _open(state, settings, now, chance)
    consecutive = state.consecutive + 1
    counted = _count(state, settings, now, 1, consecutive)
    calls = counted.calls + counted.calls_before
    failures = counted.failures + counted.failures_before
    if consecutive >= settings.consecutive or (
        calls >= settings.min_calls and failures >= settings.failure_share * calls
    ):
        return _open(counted, settings, now, chance)
    return counted


def abandoned(state: BreakerState, epoch: int) -> BreakerState:
    """A call that was admitted in `epoch` ended without telling anything (cancelled, or the caller's own fault)."""
    if epoch != state.epoch or state.probing == 0:
        return state
    return replace(state, probing=state.probing - 1)


def _count(state: BreakerState, settings: BreakerSettings, now: float, failures: int, consecutive: int) -> BreakerState:
    age = now - state.window_from
    calls, before_calls, before_failures = 1, 0, 0
    since = now
    if age < settings.window_s / 2:
        since, calls, failures = state.window_from, state.calls + 1, state.failures + failures
        before_calls, before_failures = state.calls_before, state.failures_before
    elif age < settings.window_s:
        before_calls, before_failures = state.calls, state.failures
    # By position: replacing fields by name costs every answer a microsecond.
    return BreakerState(
        consecutive,
        since,
        calls,
        failures,
        before_calls,
        before_failures,
        state.open_until,
        state.ejections,
        state.probing,
        state.epoch,
    )


def _open(state: BreakerState, settings: BreakerSettings, now: float, chance: float) -> BreakerState:
    ejections = state.ejections + 1
    pause = min(settings.open_s * ejections, settings.max_open_s)
    pause *= 1 + settings.jitter * (2 * chance - 1)
    return BreakerState(open_until=now + pause, ejections=ejections, epoch=state.epoch + 1, window_from=now)
