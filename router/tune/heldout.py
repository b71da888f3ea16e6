"""Whether what a search found is any better where nobody looked for it. Pure.

It is taken if it holds every constraint there, and its objective is below the start's by more than chance explains: the
95 % interval of the difference, over blocks drawn again in pairs, lies below 0. Against a start that breaks a
constraint there, holding all of them is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from router.simulate.intervals import Figure
from router.simulate.limits import Limit
from router.tune.aims import Blocks, Judge

__all__ = ["Verdict", "verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`gained` is by how much the objective fell, and `gains` what of it each change is worth: how much it would rise
    were that one taken back. `broken` are the constraints that do not hold."""

    word: Literal["better", "no better", "broken"]
    start: Figure
    tuned: Figure
    gained: Figure
    gains: Mapping[str, Figure]
    broken: tuple[tuple[Limit, str, Figure], ...]
    start_broken: tuple[tuple[Limit, str, Figure], ...]


def verdict(
    judge: Judge, start: Sequence[Blocks], tuned: Sequence[Blocks], without: Mapping[str, Sequence[Blocks]]
) -> Verdict:
    """Judge what was found by held-out runs of the start, of it, and of it with each change taken back."""
    gained = judge.difference(start, tuned)
    broken, start_broken = tuple(judge.broken(tuned)), tuple(judge.broken(start))
    better = gained.low > 0 or bool(start_broken)
    return Verdict(
        "broken" if broken else "better" if better else "no better",
        judge.objective(start),
        judge.objective(tuned),
        gained,
        {path: judge.difference(runs, tuned) for path, runs in without.items()},
        broken,
        start_broken,
    )
