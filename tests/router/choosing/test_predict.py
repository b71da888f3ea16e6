"""What is believed of a remote target's time before anything was learnt of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.predict import BELIEVED_ROUND_TRIP_S, MEDIAN, after_queue, remote_times
from router.estimates import around, prior_quantiles
from router.types import TimeEstimate

SERVICE_S = prior_quantiles(0.001, 0.04)


def test_a_measured_round_trip_and_an_upload_move_every_quantile_alike() -> None:
    assert remote_times(SERVICE_S, around(0.02, 0.0), 0.5) == pytest.approx([s + 0.52 for s in SERVICE_S])


def test_a_queue_that_was_told_is_waited_for_and_one_that_was_not_is_no_number() -> None:
    usual = TimeEstimate((0.1, 0.2, 0.3, 0.4, 0.5), 7)
    assert after_queue(usual, 0.25) == TimeEstimate((0.35, 0.45, 0.55, 0.65, 0.75), 7)
    assert after_queue(usual, None) is usual


def test_an_unknown_round_trip_is_a_range_and_no_number() -> None:
    known, unknown = remote_times(SERVICE_S, around(0.04, 0.0)), remote_times(SERVICE_S, None)
    assert unknown[0] < known[0] < known[-1] < unknown[-1]
    assert unknown[0] == pytest.approx(SERVICE_S[0] + BELIEVED_ROUND_TRIP_S[0])


def test_an_unknown_network_rules_a_cloud_out_for_very_short_deadlines_only() -> None:
    assert 0.003 < remote_times(SERVICE_S, None)[0] < 0.01


@given(st.none() | st.tuples(st.floats(0, 100), st.floats(0, 100)), st.floats(0, 100), st.floats(0, 10))
def test_quantiles_rise_and_the_median_is_the_point_prediction(
    round_trip: tuple[float, float] | None, carried_s: float, wake_s: float
) -> None:
    trip_s = None if round_trip is None else around(*round_trip)
    times = remote_times(SERVICE_S, trip_s, carried_s, around(wake_s, wake_s / 3))
    assert list(times) == sorted(times)
    believed = BELIEVED_ROUND_TRIP_S[MEDIAN] if round_trip is None else round_trip[0]
    assert times[MEDIAN] == pytest.approx(SERVICE_S[MEDIAN] + believed + carried_s + wake_s)
