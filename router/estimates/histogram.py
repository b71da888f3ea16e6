"""A distribution in logarithmic buckets whose weights fade by the sample: small, bounded, and two of them are one.

Newer samples weigh more, instead of older ones being touched again (forward decay); what has faded to a thousandth is
dropped. Holds no clock: samples are what makes it forget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

__all__ = ["LogHistogram"]

# Forward decay's weights grow without end; rescaling drops what has faded to a thousandth with them.
_RESCALE_AT: Final = 1e4
_FADED: Final = 1e-3
_NO_BUCKET: Final = 1 << 62


class LogHistogram:
    """`width` is how much wider each bucket is than the one before, `reach` how many lie to either side of 1: what is
    beyond is counted in the last."""

    __slots__ = ("_growth", "_log_width", "_memory", "_reach", "_unit", "_weights", "samples")

    def __init__(self, memory_samples: int, *, width: float = 0.02, reach: int = 700) -> None:
        self._memory = max(2, memory_samples)
        self._growth = 1.0 / (1.0 - 1.0 / self._memory)
        self._log_width = math.log1p(width)
        self._reach = reach
        self._unit = 1.0
        self._weights: dict[int, float] = {}
        self.samples = 0
        """How many were added."""

    def add(self, values: Iterable[float]) -> None:
        """Add samples, the latest last: see add_one."""
        for value in values:
            self.add_one(value)

    def add_one(self, value: float) -> None:
        """Add a sample, which is left out where it is not a positive number."""
        if not 0 < value < math.inf:
            return
        reach, weights = self._reach, self._weights
        bucket = round(math.log(value) / self._log_width)
        if not -reach <= bucket <= reach:
            bucket = reach if bucket > 0 else -reach
        self._unit = unit = self._unit * self._growth
        weights[bucket] = weights.get(bucket, 0.0) + unit
        self.samples += 1
        if unit > _RESCALE_AT:
            self._weights, self._unit = self.weights(), 1.0

    def add_beyond(self, value: float) -> None:
        """Add a sample of which no more is known than that it is larger than `value`: as the least that is told apart
        from it."""
        if 0 < value < math.inf:
            self.add_one(math.exp((math.floor(math.log(value) / self._log_width) + 1) * self._log_width))

    @property
    def counts(self) -> float:
        """How many samples weigh: at most some `memory_samples`, however many there were."""
        return sum(self._weights.values()) / self._unit

    def clear(self) -> None:
        """Forget them all."""
        self._weights = {}
        self._unit, self.samples = 1.0, 0

    def shift(self, factor: float) -> None:
        """Multiply every sample by `factor`, to a bucket's width."""
        by = round(math.log(factor) / self._log_width)
        if by:
            reach, moved = self._reach, dict[int, float]()
            for bucket, weight in self._weights.items():
                to = max(-reach, min(reach, bucket + by))
                moved[to] = moved.get(to, 0.0) + weight
            self._weights = moved

    def quantiles(self, at: Sequence[float]) -> tuple[float, ...]:
        """Return the quantiles at `at`, which rises. Wants a sample at least."""
        items = sorted(self._weights.items())
        total = sum(self._weights.values())
        bucket, cumulated = items[0]
        place, last = 0, len(items) - 1
        found: list[float] = []
        told, middle = _NO_BUCKET, 0.0
        for quantile in at:
            wanted = quantile * total
            # Sums in another order may miss the whole by a rounding: then the last bucket is the one.
            while cumulated < wanted and place < last:
                place += 1
                bucket, weight = items[place]
                cumulated += weight
            if bucket != told:
                told, middle = bucket, math.exp(bucket * self._log_width)
            found.append(middle)
        return tuple(found)

    def weights(self) -> dict[int, float]:
        """Return the weight of each bucket, in samples as they count now."""
        unit, floor = self._unit, self._unit * _FADED
        return {bucket: weight / unit for bucket, weight in self._weights.items() if weight > floor}

    def merge(self, weights: Mapping[int, float], samples: int) -> None:
        """Count what another of the same width and memory knows as if it had been seen here, neither before nor after.

        What then weighs is no more than one of them could have by itself."""
        own, unit, reach = self._weights, self._unit, self._reach
        for bucket, weight in weights.items():
            within = max(-reach, min(reach, bucket))
            own[within] = own.get(within, 0.0) + weight * unit
        self.samples += samples
        counts = self.counts
        if counts > self._memory:
            self._unit *= counts / self._memory
