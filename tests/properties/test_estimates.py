"""What holds of every estimate, share and pace, whatever was observed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.estimates import (
    EstimateSettings,
    Gaps,
    LogHistogram,
    Ratios,
    RoundTrip,
    Share,
    Throughput,
    Wakes,
    prior_quantiles,
)
from router.experience.saved import restore, save
from router.types import Kind, Reading, TimeEstimate
from tests.builders.phones import KINDS, Phone
from tests.properties.effort import effort

memories = st.builds(EstimateSettings, st.integers(2, 200), st.floats(0.1, 100))
observed = st.lists(st.tuples(st.floats(1e-6, 100), st.floats(1e-6, 100)), max_size=40)
priors = st.tuples(st.floats(1e-4, 10), st.floats(1, 100)).map(lambda pair: prior_quantiles(pair[0], pair[0] * pair[1]))


@effort
@given(memories, observed, st.floats(1e-4, 10), priors, st.integers(0, 1))
def test_times_rise_and_are_positive(
    settings: EstimateSettings,
    observations: list[tuple[float, float]],
    predicted_s: float,
    prior: tuple[float, float, float, float, float],
    learnt: int,
) -> None:
    ratios = Ratios(settings)
    for taken_s, foreseen_s in observations:
        ratios.observe(taken_s, foreseen_s)
        estimate = ratios.estimate(predicted_s, TimeEstimate(prior, learnt))
        assert list(estimate.quantiles_s) == sorted(estimate.quantiles_s)
        assert estimate.optimistic_s > 0


@effort
@given(memories, st.lists(st.floats(0.001, 10), min_size=3, max_size=40))
def test_an_estimate_lies_within_what_was_observed(settings: EstimateSettings, taken: list[float]) -> None:
    ratios = Ratios(settings)
    for taken_s in taken:
        ratios.observe(taken_s, 1.0)
    estimate = ratios.estimate(1.0, TimeEstimate((1, 1, 1, 1, 1), 0))
    assert min(taken) / 1.02 <= estimate.optimistic_s
    assert estimate.pessimistic_s <= max(taken) * 1.02


@effort
@given(memories, st.lists(st.tuples(st.booleans(), st.floats(0, 30)), min_size=1, max_size=40))
def test_a_share_is_one(settings: EstimateSettings, outcomes: list[tuple[bool, float]]) -> None:
    share, now = Share(settings), 0.0
    for yes, pause_s in outcomes:
        now += pause_s
        share.observe(yes, now)
        value = share.value(now)
        assert value is not None
        assert 0 <= value <= 1


@effort
@given(memories, st.lists(st.tuples(st.integers(0, 10**9), st.floats(1e-6, 1e3)), max_size=40))
def test_a_pace_lies_within_what_was_observed(settings: EstimateSettings, transfers: list[tuple[int, float]]) -> None:
    uplink = Throughput(settings)
    paces = [taken_s / sent for sent, taken_s in transfers if sent >= Throughput.MEASURABLE_BYTES]
    for sent, taken_s in transfers:
        uplink.observe(sent, taken_s, 0.0)
    pace = uplink.seconds_per_byte
    if not paces:
        assert pace is None
    else:
        assert pace is not None
        assert min(paces) * (1 - 1e-9) <= pace <= max(paces) * (1 + 1e-9)


histograms = st.lists(st.floats(1e-6, 1e6), max_size=60)


def _histogram(memory: int, values: list[float]) -> LogHistogram:
    histogram = LogHistogram(memory)
    histogram.add(values)
    return histogram


@effort
@given(st.integers(2, 200), histograms, histograms)
def test_two_histograms_merged_are_the_same_in_either_order(memory: int, one: list[float], other: list[float]) -> None:
    there, back = _histogram(memory, one), _histogram(memory, other)
    there.merge(_histogram(memory, other).weights(), len(other))
    back.merge(_histogram(memory, one).weights(), len(one))
    assert there.samples == back.samples == len(one) + len(other)
    assert there.counts == pytest.approx(back.counts)
    assert there.weights() == pytest.approx(back.weights(), rel=1e-6, abs=2e-3)


@effort
@given(st.integers(2, 200), histograms.filter(bool))
def test_a_histogram_read_out_and_merged_into_none_is_the_same(memory: int, values: list[float]) -> None:
    before, after = _histogram(memory, values), LogHistogram(memory)
    after.merge(before.weights(), before.samples)
    assert after.weights() == pytest.approx(before.weights())
    assert after.samples == before.samples


@effort
@given(st.integers(2, 50), st.lists(histograms, max_size=20))
def test_a_histogram_never_weighs_more_than_its_memory(memory: int, batches: list[list[float]]) -> None:
    histogram = LogHistogram(memory)
    for values in batches:
        histogram.add(values)
        histogram.merge(_histogram(memory, values).weights(), len(values))
        assert histogram.counts <= memory * (1 + 1e-9)
        assert len(histogram.weights()) <= 1401


@effort
@given(st.lists(st.floats(1e-4, 10), max_size=60))
def test_a_round_trip_lies_within_what_was_measured(trips_s: list[float]) -> None:
    trip = RoundTrip()
    for trip_s in trips_s:
        trip.observe(trip_s)
    if not trips_s:
        assert trip.times_s is None
        return
    assert trip.mean_s is not None and trip.times_s is not None
    assert min(trips_s) * (1 - 1e-9) <= trip.mean_s <= max(trips_s) * (1 + 1e-9)
    assert list(trip.times_s) == sorted(trip.times_s)
    assert trip.times_s[0] > 0


@effort
@given(st.sampled_from(["cellular", "wifi", "unknown"]), st.lists(st.tuples(st.integers(0, 6), st.floats(-1, 10))))
def test_wake_ups_rise_over_quantiles_and_are_never_negative(kind: str, seen: list[tuple[int, float]]) -> None:
    wakes = Wakes(kind)
    for index, beyond_s in seen:
        wakes.observe(index, beyond_s)
        assert len(wakes.after) in (0, len(wakes.silences_s))
        for after in wakes.after:
            assert list(after.wake_s) == sorted(after.wake_s)
            assert after.wake_s[0] >= 0


@effort
@given(st.lists(st.floats(0, 2e5), max_size=100))
def test_gaps_rise_and_lie_within_what_was_seen(seen: list[float]) -> None:
    gaps, now = Gaps(), 0.0
    for gap_s in (0.0, *seen):
        now += gap_s
        gaps.note(now)
    gaps.learn()
    assert list(gaps.quantiles_s) == sorted(gaps.quantiles_s)
    assert len(gaps.quantiles_s) == (8 if seen else 0)
    for quantile in gaps.quantiles_s:
        assert min(seen) / 1.06 <= quantile <= max(*seen, 1e-5) * 1.06


calls = st.lists(
    st.tuples(
        st.sampled_from(["cellular", "wifi", "ethernet", None]),
        st.floats(0.01, 100),
        st.floats(0.001, 10),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.sampled_from(["OK", "DEADLINE_EXCEEDED", "CANCELLED", "UNAVAILABLE", "MODEL_NOT_READY"]),
    ),
    max_size=40,
)


@effort
@given(calls)
def test_whatever_calls_come_to_views_are_sound_and_are_the_same_after_a_restart(
    calls: list[tuple[str | None, float, float, int, int, str]],
) -> None:
    phone, readings = Phone(None), dict[str, Reading]()
    for link, pause_s, taken_s, sent_bytes, received_bytes, code in calls:
        phone.link, experience = link, phone.experience
        phone.now += pause_s
        experience.arrived(phone.now)
        view, readings = phone.view(upload_bytes=sent_bytes), phone.readings
        for time in (view.time, *(after.time for after in view.times_after)):
            assert list(time.quantiles_s) == sorted(time.quantiles_s)
            assert 0 < time.optimistic_s < math.inf
        call = experience.admit("cloud", Kind.CLOUD, "m", sent_bytes, readings, phone.now)
        if call is None:
            continue
        phone.now += taken_s
        if code == "OK":
            experience.remote_succeeded(call, "m", sent_bytes, taken_s, phone.now, received_bytes=received_bytes)
        else:
            experience.remote_ended(
                call, "m", code, blames_endpoint=False, had_s=taken_s, taken_s=taken_s, now=phone.now
            )
    text = save(phone.experience.known, KINDS, phone.now, 1e9)
    again = Phone(phone.link)
    again.now = phone.now
    restore(again.experience.known, text, KINDS, {"m"}, phone.now, 1e9)
    assert save(again.experience.known, KINDS, phone.now, 1e9) == text
    assert len(text) < 200_000
