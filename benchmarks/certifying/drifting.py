"""Streams of what the models were not made for: how much of it stays on the device, and how soon it is noticed.

Two watchers see each stream: the drift test looks at the device's confidence of every request, the watch at whether
the cloud disagrees with what was kept, of the few that are audited. Both are the router's, as the agent runs them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.certifying.outcomes import Pair
from cloud_service.publish.certify import Certified, certify_outcomes
from cloud_service.publish.data import Array
from cloud_service.publish.splits import SHARES, Split
from router.cascade.drift import Drift, begin_drift, notice
from router.cascade.watch import begin_watch, observe

__all__ = ["ALARM_DELTA", "AUDITED", "Noticed", "Seen", "certified", "noticed", "seen_of", "told"]

ALARM_DELTA: Final = 0.01
"""Of the drift test, as in the agent."""
AUDITED: Final = 0.02


@dataclass(frozen=True, slots=True)
class Seen:
    """What watchers may see of a set of inputs: the device's confidence, and whether it is kept and disagreed on."""

    confidences: Array
    kept: Array
    lost: Array


@dataclass(frozen=True, slots=True)
class Noticed:
    """After how many requests each watcher spoke, a stream each; inf where it did not."""

    drift: tuple[float, ...]
    watch: tuple[float, ...]


def certified(pair: Pair, alpha: float, delta: float, seed: int) -> tuple[Certified, Split]:
    """Certify a pair as `prepare` would; what it evaluates on is what quiet streams are drawn from."""
    order = np.random.default_rng(seed).permutation(len(pair))
    fit, calibrate = (round(share * len(pair)) for share in SHARES[:2])
    split = Split(order[:fit], order[fit : fit + calibrate], order[fit + calibrate :], "drawn")
    return certify_outcomes(pair.outcomes, pair.confidences, split, [alpha], delta), split


def seen_of(made: Certified, answers: Array, confidences: Array, disagree: Array) -> Seen:
    """Return what the watchers may see of inputs with these answers and confidences, under what was certified."""
    threshold = made.promises[0].value
    scores = np.array([made.table.score(int(a), float(c)) for a, c in zip(answers, confidences, strict=True)])
    kept = scores > threshold
    return Seen(confidences, kept, kept & disagree)


def noticed(
    made: Certified, usual: Seen, strange: Seen, share: float, *, streams: int, most: int, delta: float = 0.1
) -> Noticed:
    """Stream requests, a `share` of them drawn from `strange`, the others from `usual`; both with replacement."""
    drifts: list[float] = []
    watches: list[float] = []
    for stream in range(streams):
        chance = random.Random(f"{stream} of {share}")
        drift: Drift = begin_drift(made.reference.edges, made.reference.counts, ALARM_DELTA)
        watch = begin_watch(made.promises[0].alpha_d, delta)
        drift_at = watch_at = math.inf
        for count in range(1, most + 1):
            source = strange if chance.random() < share else usual
            index = chance.randrange(len(source.confidences))
            if math.isinf(drift_at):
                drift = notice(drift, float(source.confidences[index]), chance.random())
                drift_at = count if drift.alarm else math.inf
            if math.isinf(watch_at) and chance.random() < AUDITED:
                watch = observe(watch, bool(source.lost[index]))
                watch_at = count if watch.alarm else math.inf
            if not (math.isinf(drift_at) or math.isinf(watch_at)):
                break
        drifts.append(drift_at)
        watches.append(watch_at)
    return Noticed(tuple(drifts), tuple(watches))


def told(counts: Sequence[float]) -> str:
    """Return the median, and how many streams it was noticed in."""
    heard = [count for count in counts if not math.isinf(count)]
    middle = sorted(counts)[len(counts) // 2]
    share = f"{len(heard)} of {len(counts)} streams"
    return f"never, {share}" if math.isinf(middle) else f"{middle:.0f} requests, {share}"
