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
            cells.observe(key, taken_s, 0.1, 0.0, False, 0.0)
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
    cells.observe(asleep, 0.9, 0.1, 0.8, False, 0.0)
    assert _median_s(cells, asleep, wake_s=0.8) == pytest.approx(0.9, rel=0.03)
    assert _median_s(cells, asleep, base_s=1.1, wake_s=0.8) == pytest.approx(1.9, rel=0.03)


def test_ratios_to_a_guess_are_read_anew_once_a_round_trip_is_known() -> None:
    """Two seconds were 44 times a guess of 45 ms: once two seconds were known, 88 were expected."""
    cells = Cells(EstimateSettings())
    for _ in range(3):
        cells.observe(AWAKE, 2.0, 0.045, 0.0, True, 0.0)
    assert cells.estimate(AWAKE, 0.045, 0.0, True, lambda: PRIOR).median_s == pytest.approx(2.0, rel=0.03)
    assert cells.estimate(AWAKE, 2.0, 0.0, False, lambda: PRIOR).median_s == pytest.approx(0.045 * 44, rel=0.05)


def test_what_was_seen_with_a_guess_stays_as_it_was_when_another_asks_it_for_a_round_trip_that_was_measured() -> None:
    """The first call within a burst, with the round trip measured, read the ratios of calls after long silences anew,
    for good: the next of those was expected to take three times what all of them had taken."""
    cells, measured = Cells(EstimateSettings()), (True, "cellular", 2)
    for _ in range(9):
        cells.observe(AWAKE, 0.1, 0.045, 0.0, True, 0.0)
    assert cells.estimate(measured, 0.015, 0.0, False, lambda: PRIOR).median_s == pytest.approx(0.1, rel=0.03)
    assert cells.estimate(AWAKE, 0.045, 0.0, True, lambda: PRIOR).median_s == pytest.approx(0.1, rel=0.03)


def test_times_that_were_seen_with_a_round_trip_hold_where_it_is_a_guess_again() -> None:
    cells = Cells(EstimateSettings())
    for _ in range(9):
        cells.observe(AWAKE, 0.4, 0.4, 0.0, False, 0.0)
    assert cells.estimate(AWAKE, 0.045, 0.0, True, lambda: PRIOR).median_s == pytest.approx(0.4, rel=0.03)
    cells.observe(AWAKE, 0.4, 0.045, 0.0, True, 1.0)
    assert cells.estimate(AWAKE, 0.045, 0.0, True, lambda: PRIOR).median_s == pytest.approx(0.4, rel=0.03)


def test_one_call_tells_how_this_network_is_and_not_only_what_networks_are() -> None:
    """Its spread was that between all networks: after one call of 0.3 s the next one might well have taken two."""
    told = _cells(own=(AWAKE, 0.3, 1)).estimate(AWAKE, 0.1, 0.0, False, lambda: PRIOR)
    assert told.median_s == pytest.approx(0.3, rel=0.02)
    assert told.pessimistic_s == pytest.approx(0.9, rel=0.02)


def test_what_is_passed_over_after_one_silence_is_forgotten_however_often_the_target_is_asked_after_another() -> None:
    """Some timeouts within a burst had every request of a burst kept away from a cloud for good, because those that
    came a second later went on asking it, and found it well."""
    cells = _cells(awake=(AWAKE, 5.0, 9), later=((False, "cellular", 1), 0.3, 9))
    for at in range(100):
        cells.look(AWAKE, float(at))
        cells.asked((False, "cellular", 1))
    assert _median_s(cells, AWAKE) == pytest.approx(0.3, rel=0.02)
    cells.observe(AWAKE, 0.4, 0.1, 0.0, False, 100.0)
    assert _median_s(cells, AWAKE) < 0.5


def test_what_an_awake_radio_took_longer_than_predicted_does_not_multiply_a_wake_up() -> None:
    """With a round trip of 4 ms measured, calls took eight times what was predicted, and the first one after a silence
    was expected to take eight times a wake-up as well: for a minute `auto` kept away from a cloud that was quick."""
    cells = _cells(awake=(AWAKE, 0.08, 9))
    for times in range(2):
        cells.observe((True, "wifi", 0), 0.08, 0.01, 0.0, False, float(times))
    assert _median_s(cells, (True, "wifi", 5), base_s=0.01, wake_s=0.09) == pytest.approx(0.08 + 0.09, rel=0.03)
