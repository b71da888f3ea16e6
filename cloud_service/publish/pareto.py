"""Which candidates are worth having, and which one ships. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

__all__ = ["Figures", "choose", "front"]

# Medians of the same model taken in turns differ by less on a busy machine.
_NOISE: Final = 1.05


class Figures(Protocol):
    """What candidates are compared by."""

    @property
    def latency_ms_p50(self) -> float:
        """Lower is better."""

    @property
    def size_bytes(self) -> int:
        """Lower is better."""

    @property
    def agreement(self) -> tuple[float, float, float]:
        """Share, and its interval: higher is better."""

    @property
    def accuracy(self) -> tuple[float, float, float] | None:
        """As `agreement`; all have one, or none has."""


F = TypeVar("F", bound=Figures)


def quality(figures: Figures) -> tuple[float, float, float]:
    """Return what counts as good: accuracy where it is known, agreement with the full model otherwise."""
    return figures.agreement if figures.accuracy is None else figures.accuracy


def front(measured: Sequence[F]) -> list[F]:
    """Return those that no other beats in quality, latency and size at once, in their order."""
    return [one for one in measured if not any(_beats(other, one) for other in measured)]


def choose(measured: Sequence[F], *, give_up: float) -> F:
    """Return the fastest whose quality may be within `give_up` of the best candidate's, as far as the data tell.

    A candidate is out where even the upper end of its interval lies further below the best's share. Those as fast as
    the fastest, to within what timing can tell, count as equal: of them the best, then the smallest, then the earliest
    is chosen. `measured` is not empty."""
    best = max(quality(one)[0] for one in measured)
    good = [one for one in measured if quality(one)[2] >= best - give_up and quality(one)[0] >= best - 2 * give_up]
    fastest = min(one.latency_ms_p50 for one in good)
    quick = [one for one in good if one.latency_ms_p50 <= fastest * _NOISE]
    return min(quick, key=lambda one: (-quality(one)[0], one.size_bytes))


def _beats(one: Figures, other: Figures) -> bool:
    mine = (one.latency_ms_p50, one.size_bytes, -quality(one)[0])
    theirs = (other.latency_ms_p50, other.size_bytes, -quality(other)[0])
    return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))
