"""What holds of every estimate, share and pace, whatever was observed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.estimates import EstimateSettings, Ratios, Share, Throughput, prior_quantiles
from router.types import TimeEstimate
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
