"""`doctor`'s findings as plain text: no colour, no terminal needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge_agent.cli.columns import aligned
from edge_agent.cli.findings import (
    Findings,
    ModelFinding,
    PolicyFinding,
    PromiseFinding,
    ServedFinding,
    ShadowFinding,
    TargetFinding,
    WhatIf,
)
from edge_agent.signals import SignalStatus
from router.choosing.engine import Decision
from router.signals import Signal, signal
from router.telling.counterfactual import told
from router.telling.explain import in_words
from router.types import DEVICE, Value

__all__ = ["as_text"]

_SIGNALS: Final = ("signal", "value", "may be", "age", "state", "refused", "failures", "cost", "source")
_TARGETS: Final = ("target", "kind", "endpoint", "transport", "breaker", "round trip")


def as_text(findings: Findings) -> str:
    """Return all of it, a part after another."""
    return "\n".join(_lines(findings))


def _lines(findings: Findings) -> Iterator[str]:
    yield from _policy(findings.policy)
    if findings.shadow is not None:
        yield from _shadow(findings.shadow)
    yield "\nSignals"
    signals = sorted(findings.signals, key=lambda status: status.name)
    yield from aligned([_SIGNALS, *(_signal(status) for status in signals)])
    yield "\nTargets"
    device = (DEVICE, DEVICE, "this machine", "", "", "")
    yield from aligned([_TARGETS, device, *(_target(target) for target in findings.targets)])
    yield "\nModels"
    for model in findings.models:
        yield from _model(model)
    yield "\nWhat a request would do now"
    yield from (f"  {line}" for line in in_words(findings.what_if.now).splitlines())
    yield "\nWhat would change it, each thing alone"
    yield from (f"  {told(change)}" for change in findings.nearest)
    if not findings.nearest:
        yield "  nothing that was tried"
    yield from _what_if(findings.what_if)


def _policy(policy: PolicyFinding) -> Iterator[str]:
    yield f"Policy {policy.name}, version {policy.version}, {policy.digest}"
    if policy.problem is not None:
        yield f"  its file is not in force: {policy.problem}"
    if policy.warning is not None:
        yield f"  warning: {policy.warning}"
    yield from (f"  warning: {warning}" for warning in policy.warnings)
    if policy.budgets_problem:
        yield f"  {policy.budgets_problem}"


def _shadow(shadow: ShadowFinding) -> Iterator[str]:
    if shadow.choice is None:
        yield f"Shadow policy: none looks on: {shadow.problem}"
        return
    yield f"Shadow policy {shadow.name}, version {shadow.version}, {shadow.digest}"
    if shadow.problem is not None:
        yield f"  its file is not what looks on: {shadow.problem}"
    yield from (f"  warning: {warning}" for warning in shadow.warnings)
    yield from (f"  not seen: {spot}" for spot in shadow.blind_spots)
    plan = "every target is closed" if shadow.choice.plan is None else shadow.choice.plan
    parts = "as the policy in force" if shadow.choice.agrees else f"they part at {shadow.choice.why}"
    yield f"  would do now: {plan} ({parts})"


def _range(described: Signal) -> str:
    if described.holds == "text":
        return ", ".join(described.one_of)
    return f"{described.low:g} to {described.high:g}" if described.holds == "number" else "true, false"


def _signal(status: SignalStatus) -> tuple[str, ...]:
    described = signal(status.name)
    return (
        status.name,
        f"{_said(status.value)} {status.unit}" if status.value is not None else "unknown",
        "" if described is None else _range(described),
        "not read" if status.age_s is None else f"{status.age_s:.1f} s",
        status.state,
        str(status.refused),
        str(status.failures),
        "" if status.cost_s is None else f"{status.cost_s * 1000:.2f} ms",
        status.source,
    )


def _said(value: Value | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    return str(value).lower()


def _target(target: TargetFinding) -> tuple[str, ...]:
    if target.rtt_ms is not None:
        found = f"{target.rtt_ms:.2f} ms"
    else:
        found = f"{target.problem}{f': {target.detail}' if target.detail else ''}"
    return target.name, target.kind, target.endpoint, target.transport, target.breaker, found


def _model(model: ModelFinding) -> Iterator[str]:
    evaluated = "not evaluated" if model.evaluated_on is None else f"evaluated on {model.evaluated_on} inputs"
    yield f"  {model.name}: release {model.release}, version {model.version}, {evaluated}"
    rows = [(DEVICE, f"cannot run it: {model.why_not}")]
    if not model.why_not:
        rows = [(DEVICE, f"runs it on {model.provider}, {model.device_digest}")]
        if model.why_provider:
            rows.append(("", model.why_provider))
    if model.out_s:
        rows.append(("", f"out of use for {model.out_s:.0f} s more: {model.why_out}"))
    rows += [(served.target, _served(served)) for served in model.served]
    if model.promise.certified or model.promise.state is not None:
        rows += [("promise", line) for line in _promised(model.promise)]
    yield from aligned(rows, indent="    ")
    if not model.answerable:
        yield "    no target can answer for it now"


def _promised(promise: PromiseFinding) -> Iterator[str]:
    state = "not asked for" if promise.state is None else promise.state.replace("_", " ")
    yield f"{state}: {promise.why}" if promise.why else state
    for part in promise.certified:
        yield f"certified to lose {part.max_loss:.2%} at most, {part.confidence:.0%} sure, keeping {part.kept:.0%}"


def _served(served: ServedFinding) -> str:
    version = f"version {served.version}" if served.version else "any version"
    state = "ready" if served.problem is None else served.problem
    told = served.digest or "digest not told"
    if served.digest is not None and served.wanted_digest not in (None, served.digest):
        told += f", but this release was made with {served.wanted_digest}"
    return f"{state}: {served.model}, {version}, {told}"


def _what_if(what_if: WhatIf) -> Iterator[str]:
    values = ", ".join(f"{name} = {_said(value)}" for name, value in what_if.values.items())
    yield f"\nWhat it would do with {values}"
    rows = [("", "now", "then")]
    rows += [
        (name, now, then) for (name, now), (_, then) in zip(_facts(what_if.now), _facts(what_if.then), strict=True)
    ]
    yield from aligned(rows)
    if what_if.changes:
        yield "  The decision changes."
    elif what_if.given:
        yield "  The decision stays as it is."
    else:
        yield "  The decision stays as it is, as with every other value that was tried; --set tries one of yours."


def _facts(decision: Decision) -> list[tuple[str, str]]:
    closed = ", ".join(f"{closed.target} by {closed.constraint.value}" for closed in decision.closed)
    return [
        ("plan", str(decision.plan) if decision.plan is not None else "every target is closed"),
        ("mode", decision.mode.value),
        ("rules", ", ".join(decision.rules) or "none"),
        ("closed", closed or "none"),
    ]
