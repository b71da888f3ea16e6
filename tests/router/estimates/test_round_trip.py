"""The round trip, smoothed; and a changed network, believed soon."""

from __future__ import annotations

import pytest

from router.estimates import RoundTrip


def _measured(*trips_s: float) -> RoundTrip:
    trip = RoundTrip()
    for trip_s in trips_s:
        trip.observe(trip_s)
    return trip


def test_the_mean_moves_by_an_eighth_and_the_deviation_by_a_quarter() -> None:
    trip = _measured(0.1, 0.12)
    assert trip.mean_s == pytest.approx(0.1025)
    assert trip.deviation_s == pytest.approx(0.05 * 0.75 + 0.02 * 0.25)


def test_one_measurement_far_off_is_a_hiccup() -> None:
    trip = _measured(*[0.05] * 30, 1.0, *[0.05] * 10)
    assert trip.mean_s is not None
    assert trip.mean_s < 0.1


def test_two_in_a_row_far_off_to_the_same_side_are_another_network() -> None:
    assert _measured(*[0.05] * 30, 0.5, 0.52).mean_s == pytest.approx(0.52)
    assert _measured(*[0.5] * 30, 0.05, 0.052).mean_s == pytest.approx(0.052)


def test_a_network_that_is_quick_again_is_believed_as_soon_as_one_that_has_become_slow() -> None:
    """Just after a change to a slow network the deviation was half of the mean, and nothing below the mean could lie
    four deviations off it: the round trip took a dozen measurements to come down again."""
    trip = RoundTrip()
    for measured_s in (0.01, 0.4, 0.4, 0.01, 0.01):
        trip.observe(measured_s)
    assert trip.mean_s == 0.01


def test_what_is_told_moves_only_with_more_than_a_hair() -> None:
    trip = _measured(*[0.1] * 30)
    told = trip.times_s
    trip.observe(0.101)
    assert trip.times_s is told
    for _ in range(30):
        trip.observe(0.11)
    assert trip.times_s is not None
    assert trip.times_s[2] == pytest.approx(0.11, rel=0.05)


def test_no_time_is_no_round_trip() -> None:
    assert _measured(0.0, -1.0, float("nan")).times_s is None
