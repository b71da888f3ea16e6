"""How long a target takes, learnt from what was run. Pure: observations and instants come in, estimates go out.

A point prediction is corrected by what was seen: the distribution of the ratio (time taken / time predicted) is kept in
logarithmic buckets of 2 % width whose weights fade by the sample, so that a device that throttles or a cloud
that queues shows within some twenty answers. A prediction moves with the round trip that was measured a moment ago, so
a target that is not being called is still judged by today's network. What was not observed for a while is forgotten.

Not here: what a time is worth (objective.py), and who may be asked at all (constraints.py)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from router.estimates.settings import EstimateSettings
from router.types import QUANTILES, TimeEstimate

__all__ = ["Ratios"]

_WIDTH: Final = math.log(1.02)
_RANGE: Final = 700  # buckets to either side of 1: a factor of about a million, beyond which times are clamped
# Forward decay's weights grow without end; rescaling drops what has faded to a thousandth with them.
_RESCALE_AT: Final = 1e4
_FADED: Final = 1e-3
_HAIR: Final = 0.05  # two buckets and a rounding


class Ratios:
    """The fading distribution of time taken over time predicted, for one target and model.

    Holds no clock and no lock: whoever owns it passes `now` and keeps writers apart."""

    __slots__ = ("_growth", "_last_at", "_quantiles", "_settings", "_weight", "_weights", "samples")

    def __init__(self, settings: EstimateSettings) -> None:
        self._settings = settings
        # Forward decay: newer observations weigh more, instead of older ones being touched again.
        self._growth = 1.0 / (1.0 - 1.0 / max(2, settings.memory_samples))
        self._clear()

    def _clear(self) -> None:
        self._weights: dict[int, float] = {}
        self._weight = 1.0
        self._last_at = -math.inf
        self._quantiles: tuple[float, ...] = ()
        self.samples = 0

    def observe(self, taken_s: float, predicted_s: float, now: float) -> bool:
        """Learn that what was predicted to take `predicted_s` took `taken_s` (or was given up after it).

        Returns whether estimates have changed by it."""
        return self.observe_all((taken_s,), predicted_s, now)

    def observe_all(self, taken_s: Iterable[float], predicted_s: float, now: float) -> bool:
        """Learn from several that had the same prediction, the latest last. Returns whether estimates have changed."""
        if now - self._last_at > self._settings.forget_after_s:
            self._clear()
        weights, weight, growth = self._weights, self._weight, self._growth
        for one_s in taken_s:
            if not (one_s > 0 and predicted_s > 0):
                continue
            bucket = max(-_RANGE, min(_RANGE, round(math.log(one_s / predicted_s) / _WIDTH)))
            weight *= growth
            weights[bucket] = weights.get(bucket, 0.0) + weight
            self.samples += 1
            self._last_at = now
            if weight > _RESCALE_AT:
                floor = weight * _FADED
                weights = self._weights = {b: w / weight for b, w in weights.items() if w > floor}
                weight = 1.0
        self._weight = weight
        return bool(weights) and self._publish()

    def _publish(self) -> bool:
        """Put the quantiles as they are now in force, unless they are much the same as those that are: what moves by a
        hair need not have everything weighed again."""
        quantiles = self._compute()
        young = self.samples <= self._settings.memory_samples
        if self._quantiles and not young and all(map(_much_the_same, quantiles, self._quantiles)):
            return False
        self._quantiles = quantiles
        return True

    @property
    def forgotten_at(self) -> float:
        """The instant after which the prior speaks again."""
        return self._last_at + self._settings.forget_after_s

    def estimate(self, predicted_s: float, prior: tuple[float, float, float, float, float], now: float) -> TimeEstimate:
        """Return the estimate for a prediction: the ratios seen times `predicted_s`, or `prior` before there are any.

        One or two observations do not make a distribution: below three the prior's spread stays."""
        if self.samples == 0 or now - self._last_at > self._settings.forget_after_s:
            return TimeEstimate(prior, 0)
        q05, q25, q50, q75, q95 = (ratio * predicted_s for ratio in self._quantiles)
        if self.samples < 3:
            spread = q50 / prior[2]
            q05, q95 = min(q05, prior[0] * spread), max(q95, prior[4] * spread)
        return TimeEstimate((q05, q25, q50, q75, q95), min(self.samples, self._settings.memory_samples))

    def _compute(self) -> tuple[float, ...]:
        buckets = sorted(self._weights)
        total = sum(self._weights.values())
        found: list[float] = []
        cumulated, index = 0.0, 0
        for quantile in QUANTILES:
            while cumulated + self._weights[buckets[index]] < quantile * total and index < len(buckets) - 1:
                cumulated += self._weights[buckets[index]]
                index += 1
            found.append(math.exp(buckets[index] * _WIDTH))
        return tuple(found)


def _much_the_same(one: float, other: float) -> bool:
    return abs(one - other) <= _HAIR * other
