"""The verdict of a gate, in lines that the log of a pipeline can hold. Only writes: the figures are router.gate's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from router.cli.columns import aligned
from router.gate.criterion import Answer, Criterion
from router.gate.gating import Day, Judged

__all__ = ["lines"]

_HEAD: Final = ("", "in", "what is asked", "found", "between", "requests", "")


def lines(days: Sequence[Day], judged: Judged) -> Iterator[str]:
    """Yield the lines."""
    old, new = days[0].baseline, days[0].candidate
    yield f"candidate {new.name} version {new.version}, against {old.name} version {old.version}"
    names = ", ".join(day.name for day in days)
    yield f"{judged.requests:,} requests under either, {judged.seeds} seeds of each of: {names}"
    yield ""
    rows = [_HEAD, *(_row(criterion) for criterion in judged.criteria)]
    yield from aligned(rows, left=range(len(_HEAD)))
    yield ""
    yield f"verdict: {judged.answer}{_because(judged)}"


def _row(criterion: Criterion) -> tuple[str, ...]:
    asked = criterion.asked
    found = between = requests = ""
    if criterion.found is not None and criterion.low is not None and criterion.high is not None:
        found = f"{criterion.found:+.3g}"
        between = f"{criterion.low:+.3g} and {criterion.high:+.3g}"
        requests = f"{criterion.requests:,}"
    return criterion.answer, asked.scenario or "all", asked.about, found, between, requests, _why(criterion)


def _why(criterion: Criterion) -> str:
    if criterion.answer is not Answer.INCONCLUSIVE:
        return criterion.why
    if criterion.wanted is None:
        return f"{criterion.why}: no number of requests would tell"
    return f"{criterion.why}: about {criterion.wanted:,} requests would tell"


def _because(judged: Judged) -> str:
    if judged.answer is Answer.REJECT:
        names = dict.fromkeys(c.asked.name for c in judged.criteria if c.answer is Answer.REJECT)
        return f", for {', '.join(names)}"
    if judged.answer is Answer.INCONCLUSIVE and judged.seeds_wanted is not None:
        return f"; --seeds {max(judged.seeds_wanted, judged.seeds + 1)} would probably tell"
    return ""
