"""From what came of a scene, and what was simulated of it, to the figures that a report shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.backtest.agreement import (
    Foretold,
    Reliability,
    Versus,
    coverage,
    foretold,
    put_together,
    reliability,
    versus,
)
from benchmarks.backtest.logged import FromLog
from benchmarks.backtest.requests import Seen, Summary, after, summary_of
from benchmarks.backtest.scene import BETWEEN_BURSTS_S, CLOUD, Machine
from router.types import DEVICE

__all__ = ["FIGURES", "Compared", "Rival", "SceneFigures", "Swap", "compared", "rivals", "swap"]

TARGETS = (DEVICE, CLOUD)
FIGURES = ("cost", "cloud", "late", "loss", "p50_s", "p95_s", "kilobytes")
"""Of Summary; a target's name is its share."""

Runs = Sequence[Sequence[Seen]]


@dataclass(frozen=True, slots=True)
class Compared:
    """One contender: each figure as it came and as it was simulated, and how often the single times lay where they
    should."""

    name: str
    requests: int
    figures: Mapping[str, Foretold]
    coverage: Mapping[float, float]
    reliability: Mapping[str, Reliability]
    """The agent's own predictions live, by target."""
    simulated: Mapping[str, Reliability]
    """The same of the simulated agents."""


@dataclass(frozen=True, slots=True)
class Swap:
    """What replacing a policy changed in the requests that followed: each figure with the new one, less that with
    the old one."""

    requests: int
    figures: Mapping[str, Foretold]


@dataclass(frozen=True, slots=True)
class Rival:
    """The best rule of a scene, and mode auto's cost beside it."""

    name: str
    live: Versus
    simulated: Foretold
    """The ratio of costs."""


@dataclass(frozen=True, slots=True)
class SceneFigures:
    """All of one scene."""

    network: str
    machine: Machine
    compared: tuple[Compared, ...]
    swap: Swap
    rival: Rival
    from_log: FromLog
    """Of the policy that was put in the other one's place."""
    problems: tuple[str, ...]


def compared(name: str, live: Sequence[Seen], simulated: Runs) -> Compared:
    """Compare one contender's requests."""
    came, foreseen = summary_of(live, TARGETS), [summary_of(run, TARGETS) for run in simulated]
    return Compared(
        name,
        len(live),
        {figure: foretold(_of(came, figure), [_of(one, figure) for one in foreseen]) for figure in FIGURES},
        coverage(live, simulated),
        reliability(live),
        put_together([reliability(run) for run in simulated]),
    )


def swap(
    kept: Sequence[Seen], kept_simulated: Runs, swapped: Sequence[Seen], swapped_simulated: Runs, at: float
) -> Swap:
    """Compare what replacing the policy at `at` changed with what the simulator said it would."""

    def difference(old: Sequence[Seen], new: Sequence[Seen], figure: str) -> float:
        return _of(summary_of(after(new, at), TARGETS), figure) - _of(summary_of(after(old, at), TARGETS), figure)

    pairs = list(zip(kept_simulated, swapped_simulated, strict=True))
    return Swap(
        len(after(swapped, at)),
        {
            figure: foretold(difference(kept, swapped, figure), [difference(old, new, figure) for old, new in pairs])
            for figure in FIGURES
        },
    )


def rivals(
    auto: Sequence[Seen], auto_simulated: Runs, rules: Mapping[str, tuple[Sequence[Seen], Runs]], seed: int
) -> Rival:
    """Compare mode auto with the rule that cost least live."""
    name = min(rules, key=lambda name: _cost(rules[name][0]))
    live, simulated = rules[name]
    told = versus(auto, live, gap_s=BETWEEN_BURSTS_S, seed=seed)
    ratios = [_cost(mine) / _cost(its) for mine, its in zip(auto_simulated, simulated, strict=True)]
    return Rival(name, told, foretold(told.ratio, ratios))


def _cost(seen: Sequence[Seen]) -> float:
    return sum(one.cost for one in seen)


def _of(summary: Summary, figure: str) -> float:
    return summary.shares[figure] if figure in summary.shares else float(getattr(summary, figure))
