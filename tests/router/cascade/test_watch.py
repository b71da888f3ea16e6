"""The watch over kept disagreement: it rarely cries without cause, and soon with one."""

from __future__ import annotations

import math
import random

import pytest

from router.cascade.watch import begin_watch, observe
from router.errors import CertifyError


def run(share: float, audits: int, seed: int, alpha_d: float = 0.03, delta: float = 0.1) -> int | None:
    """Return after how many audits the alarm came; None where it did not."""
    chance = random.Random(seed)
    watch = begin_watch(alpha_d, delta)
    for count in range(1, audits + 1):
        watch = observe(watch, chance.random() < share)
        if watch.alarm:
            return count
    return None


@pytest.mark.wide
@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised() -> None:
    streams = 400
    alarms = sum(run(0.03, 1500, seed) is not None for seed in range(streams))
    assert alarms / streams <= 0.1 + 2 * math.sqrt(0.1 * 0.9 / streams)


def test_five_points_more_disagreement_are_heard_of_within_some_hundred_audits() -> None:
    heard = sorted(found for seed in range(40) if (found := run(0.08, 3000, seed)) is not None)
    assert len(heard) == 40
    assert heard[20] < 200


def test_an_alarm_stays() -> None:
    watch = begin_watch(0.05, 0.1)
    for _ in range(50):
        watch = observe(watch, True)
    assert watch.alarm
    for _ in range(5000):
        watch = observe(watch, False)
    assert watch.alarm
    assert watch.audits == 5050
    assert watch.disagreements == 50


def test_nothing_seen_is_a_capital_of_one() -> None:
    assert begin_watch(0.03, 0.1).log_m == pytest.approx(0.0)


@pytest.mark.parametrize(("alpha_d", "delta"), [(0.0, 0.1), (1.0, 0.1), (0.1, 0.0), (0.1, 1.0), (math.nan, 0.1)])
def test_shares_that_are_none_are_refused(alpha_d: float, delta: float) -> None:
    with pytest.raises(CertifyError):
        begin_watch(alpha_d, delta)
