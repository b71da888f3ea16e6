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

__all__ = ["FEW", "Ratios"]

FEW: Final = 3
"""Fewer samples than these do not make a distribution."""
_HAIR: Final = 0.05  # two buckets and a rounding
# Of a full memory, so many samples that lie within what is usual move a quantile by less than a hair.
_SOME: Final = 4
_MEDIAN: Final = QUANTILES.index(0.5)


class Ratios:
    """The fading distribution of time taken over time predicted.

    Holds no clock and no lock: whoever owns it keeps writers apart."""

    __slots__ = ("_histogram", "_quantiles", "_settings", "_stale", "_unpublished")

    def __init__(self, settings: EstimateSettings) -> None:
        self._settings = settings
        self._histogram = LogHistogram(settings.memory_samples)
        self._quantiles: tuple[float, ...] = ()
        self._stale = False
        self._unpublished = 0

    @property
    def samples(self) -> int:
        """How many observations count."""
        return self._histogram.samples

    def observe(self, taken_s: float, predicted_s: float) -> bool:
        """Learn that what was predicted to take `predicted_s` took `taken_s` (or was given up after it). Returns
        whether estimates have changed."""
        if not predicted_s > 0:
            return False
        ratio = taken_s / predicted_s
        self._histogram.add_one(ratio)
        return self._learnt(ratio, ratio, 1)

    def observe_all(self, taken_s: Iterable[float], predicted_s: float) -> bool:
        """Learn from several that had the same prediction, the latest last. Returns whether estimates have changed."""
        ratios = [taken / predicted_s for taken in taken_s] if predicted_s > 0 else []
        if not ratios:
            return False
        self._histogram.add(ratios)
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
        self._stale, self._unpublished = False, 0

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

    def estimate(self, predicted_s: float, prior: TimeEstimate) -> TimeEstimate:
        """Return the estimate for a prediction: the ratios seen times `predicted_s`, or `prior` before there are any.

        One or two observations do not make a distribution: then the prior's spread stays, and where that was learnt as
        well, from what is much like this, its middle has a say."""
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
        if samples < FEW:
            p05, p25, p50, p75, p95 = prior.quantiles_s
            if prior.samples:
                share = samples / FEW
                middle = p50 * (q50 / p50) ** share
                lift = middle / q50
                q05, q25, q50, q75, q95 = q05 * lift, q25 * lift, middle, q75 * lift, q95 * lift
            spread = q50 / p50
            q05, q95 = min(q05, p05 * spread), max(q95, p95 * spread)
            if prior.samples:
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
        self._quantiles, self._stale = (), self.samples > 0


def _much_the_same(one: float, other: float) -> bool:
    return abs(one - other) <= _HAIR * other
