"""What was measured, as tables. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.routing.measuring import COLUMNS, Day, Row
from router.cli.columns import aligned
from router.simulate.intervals import Figure

__all__ = ["Ranked", "as_json", "day_lines", "ranked", "summary_lines"]

# Column -> (its head, how a value is written there).
_SHOWN: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "cost": ("cost", lambda value: f"{value:.4f}"),
    "accuracy_loss": ("loss %", lambda value: f"{100 * value:.1f}"),
    "misses": ("late %", lambda value: f"{100 * value:.1f}"),
    "failures": ("none %", lambda value: f"{100 * value:.1f}"),
    "latency_p95": ("p95 ms", lambda value: f"{1000 * value:.0f}"),
    "energy": ("J", lambda value: f"{value:.3g}"),
    "money": ("$/1000", lambda value: f"{1000 * value:.3g}"),
    "bytes": ("kB", lambda value: f"{value / 1000:.3g}"),
}


def day_lines(day: Day) -> Iterator[str]:
    """Yield the table of one day, the best first: each figure with half of its 95 % interval."""
    yield f"{day.name}: {day.requests:,} requests, seeds {', '.join(map(str, day.seeds))}"
    rows = sorted(day.rows, key=lambda row: row.figures["cost"].value)
    head = ("", "score", *(_SHOWN[name][0] for name in COLUMNS))
    yield from _aligned([head, *((row.name, _score(row.score), *_cells(row)) for row in rows)])


def _cells(row: Row) -> Iterator[str]:
    for name in COLUMNS:
        figure = row.figures.get(name)
        yield "" if figure is None else _with_half(figure, _SHOWN[name][1])


def _with_half(figure: Figure, write: Callable[[float], str]) -> str:
    return f"{write(figure.value)} ±{write(figure.half)}" if figure.half else write(figure.value)


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One rule over all days: its score on each, and the means of its figures, a request of each day counting alike."""

    name: str
    kind: str
    scores: tuple[float, ...]
    means: Mapping[str, float]


def ranked(days: Sequence[Day]) -> list[Ranked]:
    """Return all rules that ran, by the median of their scores; the best threshold of each day as one rule."""
    found: dict[tuple[str, str], list[Row]] = {}
    for day in days:
        for row in day.rows:
            name = "best fixed threshold" if row.name.startswith("best ") else row.name
            if row.score is not None and row.kind != "bound":
                found.setdefault((name, row.kind), []).append(row)
    rules = [
        Ranked(
            name,
            kind,
            tuple(row.score for row in rows if row.score is not None),
            {column: statistics.fmean(row.figures[column].value for row in rows) for column in COLUMNS},
        )
        for (name, kind), rows in found.items()
    ]
    return sorted(rules, key=lambda rule: -statistics.median(rule.scores))


def summary_lines(days: Sequence[Day]) -> Iterator[str]:
    """Yield the scores of all rules over all days, and the means of their figures."""
    yield f"scores, days: {len(days)}; 0 is the best fixed choice in hindsight, 1 the bound that knows the day"
    head = ("", "whose", "days", "median", "worst", "best", *(_SHOWN[name][0] for name in COLUMNS))
    yield from _aligned([head, *(_summed(rule) for rule in ranked(days))])


def _summed(rule: Ranked) -> tuple[str, ...]:
    scores = (statistics.median(rule.scores), min(rule.scores), max(rule.scores))
    means = (_SHOWN[name][1](rule.means[name]) for name in COLUMNS)
    return rule.name, rule.kind, str(len(rule.scores)), *map(_score, scores), *means


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from (f"  {line}" for line in aligned(rows, left=(0,)))


def as_json(days: Sequence[Day]) -> list[dict[str, Any]]:  # Any: a JSON document
    """Return all of it as JSON has it."""
    return [
        {
            "day": day.name,
            "requests": day.requests,
            "seeds": list(day.seeds),
            "rules": [
                {
                    "name": row.name,
                    "whose": row.kind,
                    "score": row.score,
                    **{
                        name: {"value": figure.value, "low": figure.low, "high": figure.high}
                        for name, figure in row.figures.items()
                    },
                }
                for row in day.rows
            ],
        }
        for day in days
    ]
