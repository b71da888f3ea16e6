"""What could have been otherwise in a situation: each reading, fact and estimate, and how to turn it alone. Pure.

A measured thing is moved with all that was made of it, as far as a situation tells: another round trip, queue or pace
of the uplink moves the target's estimated time by as much, another silence picks the time that was estimated after it,
and another link is another radio. Whether the world could really be so is not asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from router.choosing.predict import BELIEVED_ROUND_TRIP_S, MEDIAN
from router.rules.policy import Policy
from router.rules.predicates import comparisons
from router.types import BreakerPhase, Kind, Reading, Situation, TargetView, TimeEstimate, Value, signal

__all__ = ["Knob", "knobs"]

_SOURCE = "what if"
# No time below which a clock tells nothing: an estimate stays above it, whatever is taken from it.
_LEAST_S = 1e-6
_LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class Knob:
    """One thing that could be otherwise. `turned` returns the situation with another value of it.

    A knob with `options` has just these; any other has all numbers from `low` to `high`, of which `marks` are where a
    rule draws a line. `now` is None where it is unknown. Names are those of signals and facts; `time_ms.NAME` is the
    median of what a target takes, and `p_fail`, `p_wrong`, `serves` and `breaker` are what is believed of it."""

    name: str
    now: Value | None
    turned: Callable[[Value | None], Situation]
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    marks: tuple[float, ...] = ()
    options: tuple[Value | None, ...] = ()
    whole: bool = False


def knobs(policy: Policy, situation: Situation) -> Iterator[Knob]:
    """Yield what could be otherwise, readings first."""
    yield from _readings(policy, situation)
    yield from _request(policy, situation)
    for view in situation.targets:
        yield from _estimates(situation, view)
    if situation.p_escalate is not None:
        yield Knob(
            "p_escalate",
            situation.p_escalate,
            lambda share: replace(situation, p_escalate=_number(share)),
            low=0.0,
            high=1.0,
        )


# -- readings ----------------------------------------------------------------------------------------------------------


def _readings(policy: Policy, situation: Situation) -> Iterator[Knob]:
    for name in _names(policy, situation):
        described = signal(name)
        assert described is not None
        now = _known(policy, situation, name)

        def turned(value: Value | None, name: str = name, now: Value | None = now) -> Situation:
            return _read_as(situation, name, value, now)

        if described.holds == "number":
            base, _, target = name.partition(".")
            marks = _marks(policy, name) + (_marks(policy, base) if target == _first_remote(situation) else ())
            yield Knob(name, now, turned, described.unit, float(described.low), float(described.high), marks)
        else:
            options: tuple[Value, ...] = (True, False) if described.holds == "flag" else described.one_of
            yield Knob(name, now, turned, options=(*(one for one in options if one != now), None))


def _names(policy: Policy, situation: Situation) -> list[str]:
    """Return the signals that this decision could have hung on: what rules name, and what estimates are made of."""
    names = list(policy.named_signals)
    for view in situation.targets:
        if view.kind is not Kind.DEVICE:
            names += [f"rtt_ms.{view.name}"] * (
                view.round_trip_s is not None or f"rtt_ms.{view.name}" in situation.readings
            )
            names += [f"queue_ms.{view.name}"] * (view.queue_wait_s is not None)
            names += [f"up_mbps.{view.name}"] * (view.upload_bytes_per_s is not None)
    if situation.radio is not None and situation.radio.used_at is not None:
        names.append("radio_idle_s")
    # NAME alone is the first remote target's, and told as such where that one is known by name.
    return [name for name in dict.fromkeys(names) if f"{name}.{_first_remote(situation)}" not in names]


def _known(policy: Policy, situation: Situation, name: str) -> Value | None:
    reading = situation.readings.get(name)
    fresh = reading is not None and situation.now - reading.at <= policy.stale_after(name)
    return reading.value if reading is not None and fresh else None


def _first_remote(situation: Situation) -> str | None:
    return next((view.name for view in situation.targets if view.kind is not Kind.DEVICE), None)


def _read_as(situation: Situation, name: str, value: Value | None, before: Value | None) -> Situation:
    readings = dict(situation.readings)
    readings[name] = Reading(name, value, _SOURCE, situation.now)
    base, _, target = name.partition(".")
    first = _first_remote(situation)
    if target and target == first and base in readings:
        readings[base] = Reading(base, value, _SOURCE, situation.now)
    elif not target and first is not None and f"{base}.{first}" in readings:
        readings[f"{base}.{first}"] = Reading(f"{base}.{first}", value, _SOURCE, situation.now)
    turned = replace(situation, readings=readings)
    if base == "radio_idle_s" and situation.radio is not None and isinstance(value, float):
        radio = replace(situation.radio, used_at=situation.now - value)
        targets = tuple(_after_silence(view, value) for view in situation.targets)
        return replace(turned, radio=radio, targets=targets)
    if base == "link" and situation.radio is not None:
        return replace(turned, radio=replace(situation.radio, kind=value if isinstance(value, str) else None))
    moved = target or first
    if base in ("rtt_ms", "queue_ms", "up_mbps") and moved is not None and isinstance(value, float):
        return _with(turned, moved, lambda view: _moved(view, base, value, before))
    return turned


def _moved(view: TargetView, base: str, value: float, before: Value | None) -> TargetView:
    if base == "rtt_ms":
        was_s = view.round_trip_s
        if was_s is None:
            was_s = before / 1000 if isinstance(before, float) else BELIEVED_ROUND_TRIP_S[MEDIAN]
        return replace(_later(view, value / 1000 - was_s), round_trip_s=value / 1000)
    if base == "queue_ms":
        return replace(_later(view, value / 1000 - (view.queue_wait_s or 0.0)), queue_wait_s=value / 1000)
    pace = max(value, 1e-6) * 125_000  # megabits in bytes
    was = view.upload_bytes_per_s
    by_s = view.upload_bytes / pace - (view.upload_bytes / was if was else 0.0)
    return replace(_later(view, by_s), upload_bytes_per_s=pace)


def _after_silence(view: TargetView, idle_s: float) -> TargetView:
    known = [after.time for after in view.times_after if after.idle_s <= idle_s]
    return replace(view, time=known[-1]) if known else view


def _marks(policy: Policy, name: str) -> tuple[float, ...]:
    return tuple(
        float(bound)
        for rule in policy.rules
        for comparison in comparisons(rule.when)
        if comparison.name == name
        for bound in (comparison.value if isinstance(comparison.value, tuple) else (comparison.value,))
        if not isinstance(bound, str | bool)
    )


# -- the request -------------------------------------------------------------------------------------------------------


def _request(policy: Policy, situation: Situation) -> Iterator[Knob]:
    request = situation.request
    yield Knob(
        "label",
        request.label,
        lambda label: replace(situation, request=replace(request, label=None if label is None else str(label))),
        options=tuple(label for label in (*policy.labels, None) if label != request.label),
    )
    named = {
        model
        for rule in policy.rules
        for comparison in comparisons(rule.when)
        if comparison.name == "model"
        for model in (comparison.value if isinstance(comparison.value, tuple) else (comparison.value,))
    }
    if named:
        yield Knob(
            "model",
            request.model,
            lambda model: replace(situation, request=replace(request, model=str(model))),
            options=tuple(sorted(str(model) for model in named if model != request.model)),
        )
    yield Knob(
        "time_left_ms",
        (request.deadline - situation.now) * 1000,
        lambda left: replace(situation, request=replace(request, deadline=situation.now + _number(left) / 1000)),
        "ms",
        0.001,
        _LONGEST_S * 1000,
        _marks(policy, "time_left_ms"),
    )
    remotes = [view for view in situation.targets if view.kind is not Kind.DEVICE]
    if remotes:
        yield Knob(
            "upload_bytes",
            float(max(view.upload_bytes for view in remotes)),
            lambda size: replace(
                situation, targets=tuple(_sending(view, int(_number(size))) for view in situation.targets)
            ),
            "bytes",
            0.0,
            float(max(view.upload_limit_bytes for view in remotes) + 1),
            _marks(policy, "upload_bytes"),
            whole=True,
        )


def _sending(view: TargetView, size: int) -> TargetView:
    if view.kind is Kind.DEVICE:
        return view
    pace = view.upload_bytes_per_s
    moved = view if not pace else _later(view, (size - view.upload_bytes) / pace)
    return replace(moved, upload_bytes=size)


# -- estimates ---------------------------------------------------------------------------------------------------------


def _estimates(situation: Situation, view: TargetView) -> Iterator[Knob]:
    name = view.name
    yield Knob(
        f"time_ms.{name}",
        view.time.median_s * 1000,
        lambda ms: _with(situation, name, lambda view: _taking(view, _number(ms) / 1000)),
        "ms",
        0.001,
        _LONGEST_S * 1000,
    )
    yield Knob(
        f"p_fail.{name}",
        view.p_fail,
        lambda share: _with(situation, name, lambda view: replace(view, p_fail=_number(share))),
        low=0.0,
        high=1.0,
    )
    if view.p_wrong is not None:
        yield Knob(
            f"p_wrong.{name}",
            view.p_wrong,
            lambda share: _with(situation, name, lambda view: replace(view, p_wrong=_number(share))),
            low=0.0,
            high=1.0,
        )
    yield Knob(
        f"serves.{name}",
        view.serves,
        lambda serves: _with(situation, name, lambda view: replace(view, serves=bool(serves), why_not="it does not")),
        options=(not view.serves,),
    )
    if view.kind is not Kind.DEVICE:
        yield Knob(
            f"breaker.{name}",
            view.breaker.value,
            lambda phase: _with(
                situation,
                name,
                lambda view: replace(view, breaker=BreakerPhase(str(phase)), breaker_admits=phase == "closed"),
            ),
            options=("open",) if view.breaker is BreakerPhase.CLOSED else ("closed",),
        )


def _taking(view: TargetView, median_s: float) -> TargetView:
    by = max(median_s, _LEAST_S) / max(view.time.median_s, _LEAST_S)
    a, b, c, d, e = view.time.quantiles_s
    return replace(view, time=TimeEstimate((a * by, b * by, c * by, d * by, e * by), view.time.samples))


def _later(view: TargetView, by_s: float) -> TargetView:
    a, b, c, d, e = (max(_LEAST_S, quantile + by_s) for quantile in view.time.quantiles_s)
    return replace(view, time=TimeEstimate((a, b, c, d, e), view.time.samples))


def _with(situation: Situation, name: str, change: Callable[[TargetView], TargetView]) -> Situation:
    return replace(situation, targets=tuple(change(view) if view.name == name else view for view in situation.targets))


def _number(value: Value | None) -> float:
    assert isinstance(value, int | float)
    return float(value)
