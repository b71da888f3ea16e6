"""The ways in which requests come."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from router.simulate.arriving import AtRandom, Bursts, ByTimer, Recorded
from router.simulate.chance import Chance
from router.simulate.curve import Steps


def _until(arriving: AtRandom | ByTimer | Bursts | Recorded, end: float, seed: int = 1) -> list[float]:
    times = []
    for at in arriving.times(Chance(seed, "t")):
        if at > end:
            break
        times.append(at)
    return times


def test_at_random_they_come_at_their_rate_and_follow_its_changes() -> None:
    times = _until(AtRandom(Steps([(0.0, 5.0), (1000.0, 0.0), (2000.0, 20.0)])), 3000.0)
    first, none, last = (sum(low <= at < low + 1000 for at in times) for low in (0, 1000, 2000))
    assert first == pytest.approx(5000, rel=0.05)
    assert none == 0
    assert last == pytest.approx(20_000, rel=0.03)


def test_a_rate_of_nothing_for_ever_brings_nothing_and_ends() -> None:
    assert list(AtRandom(Steps([(0.0, 0.0)])).times(Chance(1, "t"))) == []


def test_a_rate_of_nothing_that_comes_again_ends_too() -> None:
    """It was waited through, period after period, for ever."""
    assert list(AtRandom(Steps([(0.0, 0.0), (1.0, 0.0)], 2.0)).times(Chance(1, "t"))) == []


def test_a_timer_is_exact_or_jitters_within_its_bounds_in_order() -> None:
    exact = _until(ByTimer(2.0, 0.0), 100.0)
    assert {round(after - before, 9) for before, after in pairwise(exact)} == {2.0}
    loose = _until(ByTimer(2.0, 1.0), 1000.0)
    assert loose == sorted(loose)
    assert len(loose) == pytest.approx(500, abs=2)


def test_devices_do_not_tick_together() -> None:
    starts = {next(ByTimer(2.0, 0.0).times(Chance(seed, "t"))) for seed in range(20)}
    assert len(starts) == 20


def test_bursts_have_their_length_and_silence_between_them() -> None:
    gaps = [after - before for before, after in pairwise(islice(Bursts(5.0, 0.5, 500.0).times(Chance(1, "t")), 20_000))]
    silences = [gap for gap in gaps if gap > 10]
    assert len(gaps) / len(silences) == pytest.approx(5, rel=0.1)
    assert sum(silences) / len(silences) == pytest.approx(510, rel=0.1)


def test_what_was_recorded_comes_as_it_was() -> None:
    assert _until(Recorded([0.0, 1.5, 1.5, 9.0]), 5.0) == [0.0, 1.5, 1.5]


def test_a_rate_that_changes_far_more_often_than_requests_come_is_not_waited_through_change_by_change() -> None:
    """A hundred thousand steps that came again ten times a second were a million draws for each request."""
    seen = _Drawn()
    fine = Steps([(place * 1e-6, 1.0 + place % 2) for place in range(100_000)], 0.1)
    times = list(islice(AtRandom(fine).times(seen), 2000))
    assert times[-1] == pytest.approx(2000 / 1.5, rel=0.1)
    assert seen.draws < 2000 * 20


class _Drawn(Chance):
    """Counts what is drawn of it."""

    def __init__(self) -> None:
        super().__init__(1, "t")
        self.draws = 0

    def exponential(self) -> float:
        self.draws += 1
        return super().exponential()
