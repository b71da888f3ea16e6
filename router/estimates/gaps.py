"""How long it is from one request to the next, lately. Pure.

What the future is worth is a mean over the gap that follows: a few quantiles, each as likely as any other, make a mean
of any function of it. Arrivals are noted at once and learnt from in batches: noting one is on every request's way."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Final

from router.estimates.histogram import LogHistogram

__all__ = ["Gaps"]

# The middles of eight parts of equal weight: enough to see a burst, a pause, and about how often each.
_AT: Final = tuple((2 * part + 1) / 16 for part in range(8))
_MEMORY: Final = 64
_WIDTH: Final = 0.1
_REACH: Final = 130  # a factor of 240,000 to either side of a second: from 4 microseconds to almost three days
_LEAST_S: Final = 1e-5
_BATCH: Final = 32
_SPARSE_S: Final = 1.0
"""With requests as rare as this, each is learnt from at once, which costs nobody anything."""
_SOME: Final = 4  # of a full memory, fewer gaps than these change no quantile by much
_MUCH: Final = 0.25  # of a width that differs by chance from batch to batch


class Gaps:
    """One agent's, over all its models: they share the radio. Several threads may note at a time, one learns."""

    __slots__ = ("_arrivals", "_histogram", "_last_at", "_noted_at", "_unpublished", "quantiles_s")

    def __init__(self) -> None:
        self._arrivals: deque[float] = deque()
        self._histogram = LogHistogram(_MEMORY, width=_WIDTH, reach=_REACH)
        self._noted_at = -math.inf
        self._last_at = -math.inf
        self._unpublished = 0
        self.quantiles_s: tuple[float, ...] = ()
        """See router.types.Radio.gaps_s: the same tuple until it has changed by much."""

    def note(self, now: float) -> bool:
        """Note that a request arrived. Returns whether it is time to learn from those that were noted."""
        arrivals = self._arrivals
        arrivals.append(now)
        before, self._noted_at = self._noted_at, now
        return len(arrivals) >= _BATCH or now - before > _SPARSE_S

    def learn(self) -> bool:
        """Learn from the arrivals that were noted. Returns whether the quantiles have changed."""
        gaps: list[float] = []
        arrivals, last = self._arrivals, self._last_at
        while arrivals:
            now = arrivals.popleft()
            if last > -math.inf:
                gaps.append(max(now - last, _LEAST_S))
            last = max(last, now)
        self._last_at = last
        self._histogram.add(gaps)
        self._unpublished += len(gaps)
        if self._unpublished < _SOME and self._histogram.samples > _MEMORY:
            return False
        return bool(gaps) and self._publish()

    def _publish(self) -> bool:
        self._unpublished = 0
        quantiles = self._histogram.quantiles(_AT)
        before = self.quantiles_s
        if before and all(abs(one - other) <= _MUCH * other for one, other in zip(quantiles, before, strict=True)):
            return False
        self.quantiles_s = quantiles
        return True

    def weights(self) -> tuple[dict[int, float], int]:
        """Return what is known, and from how many gaps."""
        return self._histogram.weights(), self._histogram.samples

    def merge(self, weights: Mapping[int, float], samples: int) -> None:
        """See LogHistogram.merge."""
        self._histogram.merge(weights, samples)
        if samples > 0:
            self.quantiles_s = self._histogram.quantiles(_AT)
