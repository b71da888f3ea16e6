"""Ratios told apart by link and silence: whom a cell asks that has few samples."""

from __future__ import annotations

import pytest

from router.estimates import EstimateSettings
from router.experience.cells import Cells, Key
from router.types import TimeEstimate

PRIOR = TimeEstimate((0.05, 0.08, 0.1, 0.2, 0.4), 0)
AWAKE: Key = (False, "cellular", 0)


def _cells(**seen: tuple[Key, float, int]) -> Cells:
    cells = Cells(EstimateSettings())
    for key, taken_s, times in seen.values():
        for _ in range(times):
            cells.observe(key, taken_s, 0.1, 0.0, False)
    return cells


def _median_s(cells: Cells, key: Key, *, base_s: float = 0.1, wake_s: float = 0.0) -> float:
    return cells.estimate(key, base_s, wake_s, False, lambda: PRIOR).median_s


def test_before_anything_was_seen_the_prior_speaks() -> None:
    assert Cells(EstimateSettings()).estimate(AWAKE, 0.1, 0.0, False, lambda: PRIOR) is PRIOR


def test_a_cell_with_a_few_samples_speaks_for_itself() -> None:
    cells = _cells(own=(AWAKE, 0.3, 3), other=((False, "cellular", 4), 0.9, 20))
    assert _median_s(cells, AWAKE) == pytest.approx(0.3, rel=0.02)


def test_one_without_samples_is_judged_by_the_next_shorter_silence() -> None:
    cells = _cells(short=((False, "cellular", 0), 0.2, 9), ten=((False, "cellular", 4), 0.9, 9))
    assert _median_s(cells, (False, "cellular", 6)) == pytest.approx(0.9, rel=0.02)
    assert _median_s(cells, (False, "cellular", 2)) == pytest.approx(0.2, rel=0.02)


def test_a_near_one_with_one_sample_counts_less_than_a_farther_one_with_a_few() -> None:
    cells = _cells(awake=(AWAKE, 0.2, 9), near=((False, "cellular", 3), 5.0, 1))
    assert _median_s(cells, (False, "cellular", 4)) == pytest.approx(0.2, rel=0.02)


def test_another_link_tells_of_the_service() -> None:
    cells = _cells(wifi=((True, "wifi", 0), 0.3, 9), asleep=((True, "wifi", 5), 2.0, 9))
    assert _median_s(cells, AWAKE) == pytest.approx(0.3, rel=0.02)


def test_a_cell_with_one_sample_is_not_asked_for_itself() -> None:
    """Its one sample counted twice."""
    cells = _cells(own=(AWAKE, 0.3, 1))
    assert cells.estimate(AWAKE, 0.1, 0.0, False, lambda: PRIOR).samples == 1


def test_a_wake_up_that_becomes_known_is_not_counted_again_in_the_ratio() -> None:
    asleep: Key = (False, "cellular", 4)
    cells = _cells(before=(asleep, 0.9, 9))
    cells.observe(asleep, 0.9, 0.1, 0.8, False)
    assert _median_s(cells, asleep, wake_s=0.8) == pytest.approx(0.9, rel=0.03)
    assert _median_s(cells, asleep, base_s=1.1, wake_s=0.8) == pytest.approx(1.9, rel=0.03)


def test_ratios_to_a_guess_are_read_anew_once_a_round_trip_is_known() -> None:
    """Two seconds were 44 times a guess of 45 ms: once two seconds were known, 88 were expected."""
    cells = Cells(EstimateSettings())
    for _ in range(3):
        cells.observe(AWAKE, 2.0, 0.045, 0.0, True)
    assert cells.estimate(AWAKE, 0.045, 0.0, True, lambda: PRIOR).median_s == pytest.approx(2.0, rel=0.03)
    assert cells.estimate(AWAKE, 2.0, 0.0, False, lambda: PRIOR).median_s == pytest.approx(0.045 * 44, rel=0.05)
