"""The table of what policies came to in a scenario. Only writes: numbers are router.simulate's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from router.simulate.comparison import Comparison
from router.simulate.fleet import FleetOutcomes
from router.simulate.intervals import Figure
from router.simulate.outcomes import Outcomes

__all__ = ["fleet_table", "table"]

Row = list[str]
_GAP: Final = "  "


def table(compared: Comparison) -> list[str]:
    """Return the lines of the table: two for each policy and baseline, its figures and half their 95 % intervals."""
    targets = list(compared.policies[0].outcomes.shares)
    head: Row = ["", "cost", "score", "promise", *_HEADS, *targets]
    policies = [_rows(judged.outcomes, targets, score=judged.score) for judged in compared.policies]
    baselines = [_rows(outcomes, targets) for outcomes in compared.baselines]
    if (best := compared.best_threshold) is not None:
        baselines.append(_rows(best, targets, name=f"best {best.policy.replace('-', ' of ')}"))
    bound: Row = ["upper bound", _cost(compared.least_cost), _score(1.0), *[""] * (len(head) - 3)]
    bodies = [[line for rows in policies for line in rows], [line for rows in baselines for line in rows], [bound]]
    did = [line for judged in compared.policies for line in _did(judged.outcomes)]
    return [*_aligned([[head], *bodies]), *did, *_few(compared.policies[0].outcomes), "", *_LEGEND]


def fleet_table(fleets: Sequence[FleetOutcomes]) -> list[str]:
    """Return the lines of the table of fleets, and what they did to their servers."""
    targets = list(fleets[0].outcomes.shares)
    head: Row = ["", "cost", "score", "promise", *_HEADS, *targets]
    told = _aligned([[head], [line for fleet in fleets for line in _rows(fleet.outcomes, targets)]])
    for fleet in fleets:
        told += _did(fleet.outcomes)
        for target, calls in fleet.calls.items():
            told.append(f"{fleet.outcomes.policy}: {sum(calls):,} calls to {target}{_peak(calls, fleet.slice_s)}")
        told.append(
            f"{fleet.outcomes.policy}: first choices changed {fleet.switches:.1f} times a device, at most "
            f"{fleet.most_switches:,}"
        )
    return [*told, *_few(fleets[0].outcomes), "", *_LEGEND]


def _few(outcomes: Outcomes) -> list[str]:
    """Return why there are no intervals, where there are none."""
    return [] if outcomes.has_intervals else ["Of so few requests no interval can be told: take a longer scenario."]


def _did(outcomes: Outcomes) -> list[str]:
    """Return what else a policy did, for how many of a hundred requests; and how often each of its rules applied."""
    shares = (
        ("backed up by the device", outcomes.backed_up),
        ("hedged", outcomes.hedged),
        ("retried", outcomes.retried),
        ("escalated", outcomes.escalated),
        ("radio woken", outcomes.wakes),
    )
    told = [f"{outcomes.policy}: of 100 requests {', '.join(f'{_share(of.value)} {name}' for name, of in shares)}"]
    if outcomes.rules:
        applied = ", ".join(f"{name} to {_share(of.value)}" for name, of in outcomes.rules.items())
        told.append(f"{outcomes.policy}: of 100 requests its rules applied: {applied}")
    return told


def _peak(calls: Sequence[int], slice_s: float) -> str:
    if not any(calls):
        return ""
    times = max(calls) * len(calls) / sum(calls)
    return f"; {times:.1f} times as many as on average in the busiest {slice_s:g} s"


def _aligned(blocks: Sequence[Sequence[Row]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*(line for block in blocks for line in block), strict=True)]
    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    told: list[str] = []
    for block in blocks:
        told += [*(_line(line, widths) for line in block), rule]
    return told


def _cost(value: float) -> str:
    return f"{value:.4f}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _time(value: float) -> str:
    return f"{1000 * value:.0f}" if value >= 0.0995 else f"{1000 * value:.1f}"


def _plain(value: float) -> str:
    return f"{value:.3g}"


# Column: (what it is called, which figure, how it is written).
_COLUMNS: Final[tuple[tuple[str, Callable[[Outcomes], Figure], Callable[[float], str]], ...]] = (
    ("loss %", lambda of: of.accuracy_loss, _share),
    ("late %", lambda of: of.missed, _share),
    ("none %", lambda of: of.failed, _share),
    ("p50 ms", lambda of: of.p50_s, _time),
    ("p95 ms", lambda of: of.p95_s, _time),
    ("p99 ms", lambda of: of.p99_s, _time),
    ("J", lambda of: of.joules, _plain),
    ("$/1000", lambda of: of.usd, lambda value: _plain(1000 * value)),
    ("kB", lambda of: of.size_bytes, lambda value: _plain(value / 1000)),
)
_HEADS: Final = [column[0] for column in _COLUMNS]
_LEGEND: Final = (
    "Each figure is for one request; below it, half of its 95 % interval. cost: by what things are worth to the first",
    "policy. score: 0 for the best of asking always the same target and of the best threshold, both in hindsight; 1",
    "for the upper bound, which knew the day beforehand, but not who is right. promise: of the policy, over what its",
    "certificate covers, with the loss in % and the most that was promised. loss: right answers of the best remote",
    "target less those of who answered. late: after the deadline. none: no answer. J, $, kB: spent by the device.",
    "Under the names of the targets: the share of requests that each answered, in %.",
)


def _rows(outcomes: Outcomes, targets: Sequence[str], *, score: float | None = None, name: str = "") -> tuple[Row, Row]:
    figures = [(figure(outcomes), write) for _, figure, write in _COLUMNS]
    figures += [(outcomes.shares[target], _share) for target in targets]
    kept, by = _promise(outcomes)
    upper = [name or outcomes.policy, _cost(outcomes.cost.value), "" if score is None else _score(score), kept]
    lower = ["", _half(outcomes, outcomes.cost, _cost), "", by]
    upper += [write(figure.value) for figure, write in figures]
    lower += [_half(outcomes, figure, write) for figure, write in figures]
    return upper, lower


def _promise(outcomes: Outcomes) -> tuple[str, str]:
    """Return whether the promise held, and what was lost of what may be, in %."""
    if outcomes.promised_loss is None or outcomes.max_loss is None:
        return "", ""
    return (
        "broken" if outcomes.broken else "kept",
        f"{_share(outcomes.promised_loss.value)}/{_share(outcomes.max_loss)}",
    )


def _half(outcomes: Outcomes, figure: Figure, write: Callable[[float], str]) -> str:
    return f"±{write(figure.half)}" if outcomes.has_intervals else ""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join([first, *rest]).rstrip()
