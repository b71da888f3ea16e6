"""Situations to try two policies on: ordinary ones, and for each rule of either one where it holds, and around it.

They are no sample of what requests are like: a count over them tells that policies differ, and where to look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise, product

from router.cli.imagine import Imagined
from router.lint.holding import boxes_of
from router.lint.rooms import Universe
from router.rules.policy import Policy
from router.rules.predicates import comparisons
from router.types import Value, signal

__all__ = ["as_options", "probes"]

_RTT_MS = (20.0, 100.0, 600.0)
_DEADLINE_MS = (50.0, 1000.0)
_UPLOAD_BYTES = (1_000, 1_000_000)
_POWER: tuple[tuple[tuple[str, Value], ...], ...] = (
    (("battery_pct", 80.0), ("charging", True)),
    (("battery_pct", 10.0), ("charging", False)),
)
# Of one rule: more are alternatives of the same.
_MAX_BOXES = 4
# In all: so many decisions are made in a second.
_MAX_AROUND = 4000


def probes(policies: Sequence[Policy]) -> list[Imagined]:
    """Return the situations, each once."""
    labels = sorted(frozenset.intersection(*(frozenset(policy.labels) for policy in policies)))
    ordinary = [
        Imagined(label, "model", deadline_ms, rtt_ms, upload_bytes, power)
        for label, deadline_ms, rtt_ms, upload_bytes, power in product(
            (*labels, None), _DEADLINE_MS, _RTT_MS, _UPLOAD_BYTES, _POWER
        )
    ]
    around = (_with_facts(facts, label) for facts in _around(policies, labels) for label in _bearing(facts, labels))
    return list(dict.fromkeys([*ordinary, *islice(around, _MAX_AROUND)]))


def _around(policies: Sequence[Policy], labels: Iterable[str]) -> Iterator[dict[str, Value]]:
    """Yield facts at which a rule holds, and then each number of them between and beyond the lines that rules draw."""
    universe = Universe(frozenset(labels))
    between = {name: _between(name, policies, universe) for policy in policies for name in _numbers(policy)}
    rules = [rule for policy in policies for rule in policy.rules]
    holding = [box for rule in rules for box in (boxes_of(rule.when, universe) or ())[:_MAX_BOXES]]
    points = [{name: room.example() for name, room in box.items()} for box in holding]
    yield from points
    for facts in points:
        for name in facts:
            yield from (facts | {name: value} for value in between.get(name, ()))


def _numbers(policy: Policy) -> Iterator[str]:
    for rule in policy.rules:
        for comparison in comparisons(rule.when):
            if isinstance(comparison.value, float):
                yield comparison.name


def _between(name: str, policies: Sequence[Policy], universe: Universe) -> list[float]:
    lines = sorted(
        {
            comparison.value
            for policy in policies
            for rule in policy.rules
            for comparison in comparisons(rule.when)
            if comparison.name == name and isinstance(comparison.value, float)
        }
    )
    room = universe.room(name)
    beyond = [lines[0] - max(1.0, abs(lines[0])) / 2, lines[-1] + max(1.0, abs(lines[-1])) / 2]
    return [value for value in [*lines, *((a + b) / 2 for a, b in pairwise(lines)), *beyond] if room.has(value)]


def _bearing(facts: dict[str, Value], labels: Iterable[str]) -> Iterator[str | None]:
    if "label" in facts:
        yield str(facts["label"])
    else:
        yield from labels
        yield None


def _with_facts(facts: dict[str, Value], label: str | None) -> Imagined:
    return Imagined(
        label=label,
        model=str(facts.get("model", "model")),
        deadline_ms=float(facts.get("time_left_ms", 1000.0)),
        rtt_ms=float(facts.get("rtt_ms", 50.0)),
        upload_bytes=int(facts.get("upload_bytes", 1024)),
        readings=tuple((name, value) for name, value in facts.items() if signal(name) is not None),
    )


def as_options(of: Imagined) -> str:
    """Return a situation as the options of `decide` and `explain`."""
    parts = [] if of.label is None else [f"--label {of.label}"]
    parts += [f"--model {of.model}"] if of.model != "model" else []
    parts += [f"--deadline-ms {of.deadline_ms:g}", f"--rtt-ms {of.rtt_ms:g}", f"--upload-bytes {of.upload_bytes}"]
    parts += [f"--set {name}={_written(value)}" for name, value in of.readings]
    return " ".join(parts)


def _written(value: Value | None) -> str:
    if value is None:
        return "unknown"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value
