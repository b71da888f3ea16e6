"""How long a target takes, as the ratio of the time taken to the time predicted. Pure.

The distribution of that ratio is kept in logarithmic buckets of 2 % width whose weights fade by the sample, so that a
device that throttles or a cloud that queues shows within some twenty answers. A prediction moves with the round trip
that was measured a moment ago, so a target that is not being called is still judged by today's network.

Not here: what a time is worth (objective.py), who may be asked at all (constraints.py), and when what is known no
longer counts (recency.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from router.estimates.histogram import LogHistogram
from router.estimates.settings import EstimateSettings
from router.types import QUANTILES, TimeEstimate

__all__ = ["FEW", "QUARTER", "Ratios"]

FEW: Final = 3
"""Fewer samples than these do not make a distribution."""
_HAIR: Final = 0.05  # two buckets and a rounding
# Of a full memory, so many samples that lie within what is usual move a quantile by less than a hair.
_SOME: Final = 4
_MEDIAN: Final = QUANTILES.index(0.5)
QUARTER: Final = 0.41
"""Of a normal's deviation at 95 %, that at 75 %."""


class Ratios:
    """The fading distribution of time taken over time predicted.

    Holds no clock and no lock: whoever owns it keeps writers apart."""

    __slots__ = ("_ended", "_histogram", "_quantiles", "_settings", "_stale", "_unpublished")

    def __init__(self, settings: EstimateSettings) -> None:
        self._settings = settings
        self._histogram = LogHistogram(settings.memory_samples)
        self._quantiles: tuple[float, ...] = ()
        self._stale = False
        self._unpublished = 0
        self._ended = 0
        """Of how many more is known than the least that they took."""

    @property
    def samples(self) -> int:
        """How many observations count."""
        return self._histogram.samples

    def observe(self, taken_s: float, predicted_s: float) -> bool:
        """Learn that what was predicted to take `predicted_s` took `taken_s`. Returns whether estimates changed."""
        if not predicted_s > 0:
            return False
        ratio = taken_s / predicted_s
        self._histogram.add_one(ratio)
        self._ended += 1
        return self._learnt(ratio, ratio, 1)

    def observe_least(self, least_s: float, predicted_s: float) -> bool:
        """Learn that what was predicted to take `predicted_s` was given up after `least_s`, and would have taken
        longer. Returns whether estimates changed."""
        if not predicted_s > 0:
            return False
        ratio = least_s / predicted_s
        self._histogram.add_beyond(ratio)
        return self._learnt(ratio, ratio, 1)

    def observe_all(self, taken_s: Iterable[float], predicted_s: float) -> bool:
        """Learn from several that had the same prediction, the latest last. Returns whether estimates have changed."""
        ratios = [taken / predicted_s for taken in taken_s] if predicted_s > 0 else []
        if not ratios:
            return False
        self._histogram.add(ratios)
        self._ended += len(ratios)
        return self._learnt(min(ratios), max(ratios), len(ratios))

    def _learnt(self, least: float, most: float, more: int) -> bool:
        """Tell what is known by now, where so many more ratios may have changed it. Returns whether they have."""
        self._unpublished += more
        samples, quantiles = self._histogram.samples, self._quantiles
        few = self._unpublished < _SOME and samples > self._settings.memory_samples
        if few and quantiles and quantiles[0] <= least and most <= quantiles[-1]:
            return False
        return samples > 0 and self._publish()

    def forget(self) -> None:
        """Begin anew."""
        self._histogram.clear()
        self._quantiles = ()
        self._stale, self._unpublished, self._ended = False, 0, 0

    def rescale(self, factor: float) -> None:
        """Read every ratio as `factor` times itself: predictions have changed by its inverse, and times have not."""
        self._histogram.shift(factor)
        self._stale = True

    def _publish(self) -> bool:
        """Put the quantiles as they are now in force, unless they are much the same as those that are: what moves by a
        hair need not have everything weighed again."""
        self._stale, self._unpublished = False, 0
        quantiles = self._histogram.quantiles(QUANTILES)
        if self.samples > self._settings.memory_samples:
            if self._quantiles and all(map(_much_the_same, quantiles, self._quantiles)):
                return False
        elif self.samples > FEW and quantiles == self._quantiles:
            return False
        self._quantiles = quantiles
        return True

    @property
    def median(self) -> float:
        """The ratio that half of what was seen was below. Wants a sample at least."""
        if self._stale:
            self._publish()
        return self._quantiles[_MEDIAN]

    def estimate(self, predicted_s: float, prior: TimeEstimate, varies: float | None = None) -> TimeEstimate:
        """Return the estimate for a prediction: the ratios seen times `predicted_s`, or `prior` before there are any.

        One or two observations do not make a distribution: then the prior's spread stays, and where that was learnt as
        well, from what is much like this, its middle has a say. `varies` is for a prior whose spread is that between
        many of a kind: of one of them nineteen times of twenty are below so many times what was observed."""
        samples = self.samples
        if samples == 0:
            return prior
        if self._stale:
            self._publish()
        q05, q25, q50, q75, q95 = self._quantiles
        q05, q25, q50, q75, q95 = (
            q05 * predicted_s,
            q25 * predicted_s,
            q50 * predicted_s,
            q75 * predicted_s,
            q95 * predicted_s,
        )
        varies = varies if 0 < self._ended < FEW else None
        if samples < FEW or varies is not None:
            p05, p25, p50, p75, p95 = prior.quantiles_s
            if prior.samples:
                share = samples / FEW
                middle = p50 * (q50 / p50) ** share
                lift = middle / q50
                q05, q25, q50, q75, q95 = q05 * lift, q25 * lift, middle, q75 * lift, q95 * lift
            if varies is not None:
                quarter = varies**QUARTER
                p05, p25, p75, p95 = p50 / varies, p50 / quarter, p50 * quarter, p50 * varies
            spread = q50 / p50
            q05, q95 = min(q05, p05 * spread), max(q95, p95 * spread)
            if prior.samples or varies is not None:
                q25, q75 = min(q25, p25 * spread), max(q75, p75 * spread)
            samples += prior.samples
        return TimeEstimate((q05, q25, q50, q75, q95), min(samples, self._settings.memory_samples))

    # -- to be kept ---------------------------------------------------------------------------------------------------

    def weights(self) -> dict[int, float]:
        """Return what is known, as LogHistogram.weights."""
        return self._histogram.weights()

    def merge(self, weights: Mapping[int, float], samples: int) -> None:
        """See LogHistogram.merge."""
        self._histogram.merge(weights, samples)
        self._quantiles, self._stale, self._ended = (), self.samples > 0, self._ended + samples


def _much_the_same(one: float, other: float) -> bool:
    return abs(one - other) <= _HAIR * other
