"""What is asked, the same live and simulated, and what came of each request in terms that both can be told in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from router.choosing.engine import Decision
from router.rules.policy import Worth
from router.simulate.answers import Truth
from router.simulate.tally import Ended, Tally
from router.types import DEVICE

__all__ = ["Asked", "Seen", "Summary", "after", "cost_of", "seen_of", "summary_of", "time_of"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `example` is the picture's place among those that were prepared."""

    number: int
    at: float
    example: int
    truth: Truth
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a request."""

    asked: Asked
    target: str | None
    seconds: float
    cost: float
    late: bool
    size_bytes: int
    predicted: tuple[float, ...] | None
    """What the agent expected the target's time to be, at router.types.QUANTILES, where nobody else was asked."""
    right: bool | None = None
    """Whether the answer that came live was the right one."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Of some requests, for one request: what a table shows."""

    cost: float
    shares: Mapping[str, float]
    late: float
    loss: float
    p50_s: float
    p95_s: float
    kilobytes: float


def cost_of(ended: Ended, worth: Worth) -> float:
    """Return what one request cost, as the simulator counts it."""
    return Tally(worth).add(ended)


def seen_of(
    asked: Asked, ended: Ended, worth: Worth, predicted: tuple[float, ...] | None, right: bool | None = None
) -> Seen:
    """Return a request that ended."""
    return Seen(
        asked,
        ended.target,
        ended.seconds,
        cost_of(ended, worth),
        ended.missed,
        ended.up_bytes + ended.down_bytes,
        predicted,
        right,
    )


def time_of(decision: Decision, target: str) -> tuple[float, ...]:
    """Return what the target's time was expected to be, at router.types.QUANTILES."""
    return next(view.time.quantiles_s for view in decision.situation.targets if view.name == target)


def after(seen: Iterable[Seen], at: float) -> list[Seen]:
    """Return those that were asked from the instant `at` on."""
    return [one for one in seen if one.asked.at >= at]


def summary_of(seen: Sequence[Seen], targets: Iterable[str]) -> Summary:
    """Return what at least one request came to."""
    count = len(seen)
    times = sorted(one.seconds for one in seen)
    lost = sum(
        float(_right_remotely(one.asked.truth)) - float(one.asked.truth.right[DEVICE])
        for one in seen
        if one.target == DEVICE
    )
    return Summary(
        sum(one.cost for one in seen) / count,
        {target: sum(one.target == target for one in seen) / count for target in targets},
        sum(one.late for one in seen) / count,
        lost / count,
        times[(count - 1) // 2],
        times[min(count - 1, int(0.95 * count))],
        sum(one.size_bytes for one in seen) / count / 1000,
    )


def _right_remotely(truth: Truth) -> bool:
    return next(right for target, right in truth.right.items() if target != DEVICE)
