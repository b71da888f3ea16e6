"""The table of what policies came to in a scenario. Only writes: numbers are outcomes.py's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from router.simulate.intervals import Figure
from router.simulate.outcomes import Outcomes

__all__ = ["table"]

Row = tuple[str, Outcomes]
_GAP: Final = "  "


def table(policies: Sequence[Row], baselines: Sequence[Row]) -> list[str]:
    """Return the lines of the table: two for each row, the figures and half their 95 % intervals."""
    targets = list(policies[0][1].shares)
    head = ["", *_HEADS, *targets]
    bodies = [[_lines(name, outcomes, targets) for name, outcomes in rows] for rows in (policies, baselines)]
    cells = [head, *(line for body in bodies for lines in body for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    told = [_line(head, widths), rule]
    for body in bodies:
        told += [_line(line, widths) for lines in body for line in lines]
        told.append(rule)
    return [*told, *_LEGEND]


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _time(value: float) -> str:
    return f"{1000 * value:.0f}" if value >= 0.0995 else f"{1000 * value:.1f}"


def _plain(value: float) -> str:
    return f"{value:.3g}"


# Column: (what it is called, which figure, how it is written).
_COLUMNS: Final[tuple[tuple[str, Callable[[Outcomes], Figure], Callable[[float], str]], ...]] = (
    ("cost", lambda of: of.cost, lambda value: f"{value:.4f}"),
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
    "Each figure is for one request; below it, half of its 95 % interval. cost: by the first policy's worth of things",
    "for the baselines, by its own for each policy. loss: right answers of the best remote target that the device's",
    "did not have. late: after the deadline. none: no answer. J, $, kB: spent by the device. Under the names of the",
    "targets: the share of requests that each answered, in %.",
)


def _lines(name: str, outcomes: Outcomes, targets: Sequence[str]) -> tuple[list[str], list[str]]:
    figures = [(figure(outcomes), write) for _, figure, write in _COLUMNS]
    figures += [(outcomes.shares[target], _share) for target in targets]
    upper = [name, *(write(figure.value) for figure, write in figures)]
    lower = ["", *(f"±{write((figure.high - figure.low) / 2)}" for figure, write in figures)]
    return upper, lower


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join([first, *rest]).rstrip()
