"""The drift test: quiet while confidences come from where calibration's came, soon loud when they do not."""

from __future__ import annotations

import math
import random
from bisect import bisect_left

import pytest

from router.cascade.drift import begin_drift, notice, notice_all

EDGES = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99]


def drawn(chance: random.Random, kind: str) -> float:
    sure = chance.betavariate(5, 1)
    return sure if kind == "as calibrated" else chance.betavariate(2, 2) if kind == "noise" else sure * 0.9


def reference(chance: random.Random, count: int) -> list[int]:
    counts = [0] * (len(EDGES) + 1)
    for _ in range(count):
        counts[bisect_left(EDGES, drawn(chance, "as calibrated"))] += 1
    return counts


def alarm_at(kind: str, seed: int, *, after: int = 0, most: int = 1500, calibrated: int = 400) -> int | None:
    chance = random.Random(seed)
    drift = begin_drift(EDGES, reference(chance, calibrated), 0.05)
    for count in range(after + most):
        drift = notice(drift, drawn(chance, kind if count >= after else "as calibrated"), chance.random())
        if drift.alarm:
            return count + 1 - after
    return None


@pytest.mark.wide
@pytest.mark.parametrize("calibrated", [40, 400])
@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised_however_small_the_calibration(calibrated: int) -> None:
    streams = 200
    alarms = sum(alarm_at("as calibrated", seed, calibrated=calibrated) is not None for seed in range(streams))
    assert alarms / streams <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / streams)


@pytest.mark.parametrize(("kind", "within"), [("noise", 60), ("a little less sure", 250)])
def test_a_change_is_heard_of_soon(kind: str, within: int) -> None:
    heard = sorted(alarm_at(kind, seed) or 10_000 for seed in range(15))
    assert heard[7] <= within


@pytest.mark.wide
def test_after_a_long_quiet_time_as_well() -> None:
    heard = sorted(alarm_at("noise", seed, after=4000) or 10_000 for seed in range(5))
    assert 0 < heard[2] <= 400


def test_an_alarm_stays_and_a_confidence_that_is_no_number_counts_as_lowest() -> None:
    chance = random.Random(3)
    drift = begin_drift(EDGES, [10] * 9, 0.05)
    for _ in range(60):
        drift = notice(drift, math.nan, chance.random())
    assert drift.alarm
    assert drift.counts[0] == 70
    for _ in range(200):
        drift = notice(drift, drawn(chance, "as calibrated"), chance.random())
    assert drift.alarm
    assert drift.seen == 260


@pytest.mark.parametrize("kind", ["as calibrated", "noise"])
@pytest.mark.parametrize("at_once", [1, 7, 200, 300])
def test_several_at_once_are_what_they_are_one_after_the_other(kind: str, at_once: int) -> None:
    """Also where a bettor begins among them, and where the alarm is due at one of them."""
    chance = random.Random(4)
    one = several = begin_drift(EDGES, reference(chance, 100), 0.05)
    drawn_first = [drawn(chance, "as calibrated") for _ in range(150)]
    confidences = [*drawn_first, math.nan, *(drawn(chance, kind) for _ in range(149))]
    chances = [chance.random() for _ in confidences]
    for confidence, drawn_for_it in zip(confidences, chances, strict=True):
        one = notice(one, confidence, drawn_for_it)
    for first in range(0, 300, at_once):
        part = slice(first, first + at_once)
        several = notice_all(several, confidences[part], chances[part])
        assert notice_all(several, [], []) == several
    assert several == one
    assert one.alarm is (kind == "noise")


def test_nothing_seen_is_a_capital_of_one() -> None:
    assert begin_drift(EDGES, [1] * 9, 0.05).log_m == 0.0
