"""What is learnt of times, shares and paces: near the truth, quick to follow, and forgotten."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from router.estimates import EstimateSettings, Ratios, Share, Throughput, prior_quantiles
from router.types import QUANTILES, TimeEstimate

PRIOR = prior_quantiles(0.001, 0.1)
BELIEVED = TimeEstimate(PRIOR, 0)
LONG = EstimateSettings(memory_samples=10_000)


def _ratios(*taken_s: float, settings: EstimateSettings = EstimateSettings(), predicted_s: float = 1.0) -> Ratios:  # noqa: B008  frozen
    ratios = Ratios(settings)
    for taken in taken_s:
        ratios.observe(taken, predicted_s)
    return ratios


# -- the prior ---------------------------------------------------------------------------------------------------------


def test_a_prior_keeps_the_two_quantiles_that_it_was_made_of() -> None:
    assert PRIOR[0] == 0.001
    assert PRIOR[4] == 0.1
    assert PRIOR[2] == pytest.approx(math.sqrt(0.001 * 0.1))
    assert list(PRIOR) == sorted(PRIOR)


def test_before_anything_was_observed_the_prior_speaks() -> None:
    estimate = _ratios().estimate(1.0, BELIEVED)
    assert estimate.quantiles_s == PRIOR
    assert estimate.samples == 0


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_observations_keep_the_prior_s_spread(count: int) -> None:
    estimate = _ratios(*[0.02] * count).estimate(1.0, BELIEVED)
    assert estimate.median_s == pytest.approx(0.02, rel=0.02)
    assert estimate.pessimistic_s == pytest.approx(estimate.median_s * PRIOR[4] / PRIOR[2])
    assert estimate.optimistic_s == pytest.approx(estimate.median_s * PRIOR[0] / PRIOR[2])


def test_three_observations_speak_for_themselves() -> None:
    estimate = _ratios(0.02, 0.02, 0.02).estimate(1.0, BELIEVED)
    assert estimate.pessimistic_s == estimate.optimistic_s == pytest.approx(0.02, rel=0.02)


# -- accuracy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda chance: chance.lognormvariate(-3, 0.5), id="lognormal"),
        pytest.param(lambda chance: chance.uniform(0.05, 0.5), id="uniform"),
        pytest.param(lambda chance: chance.choice([0.01, 0.3]) * chance.uniform(0.9, 1.1), id="two humps"),
        pytest.param(lambda chance: 0.004 + chance.expovariate(20), id="a floor and a tail"),
    ],
)
def test_quantiles_are_within_two_percent_of_the_data_s_own(draw) -> None:  # type: ignore[no-untyped-def]  # a table's row
    chance = random.Random(7)
    taken = [draw(chance) for _ in range(801)]
    estimate = _ratios(*taken, settings=EstimateSettings(memory_samples=1_000_000)).estimate(1.0, BELIEVED)
    wanted = np.quantile(taken, QUANTILES, method="inverted_cdf")
    assert list(estimate.quantiles_s) == pytest.approx(list(wanted), rel=0.02)


def test_a_ratio_carries_over_to_another_prediction() -> None:
    ratios = _ratios(*[0.2] * 5, predicted_s=0.1)
    assert ratios.estimate(0.3, BELIEVED).median_s == pytest.approx(0.6, rel=0.02)


@pytest.mark.parametrize(("taken", "predicted"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (math.nan, 1.0)])
def test_what_is_no_time_teaches_nothing(taken: float, predicted: float) -> None:
    ratios = _ratios()
    ratios.observe(taken, predicted)
    assert ratios.samples == 0


@pytest.mark.parametrize("taken", [1e-30, 1e30])
def test_times_beyond_all_measure_are_clamped(taken: float) -> None:
    estimate = _ratios(taken, taken, taken).estimate(1.0, BELIEVED)
    assert all(0 < value < 2e6 for value in estimate.quantiles_s)


# -- following and forgetting ------------------------------------------------------------------------------------------


def test_E6_a_device_four_times_as_slow_shows_within_twenty_answers() -> None:
    ratios = _ratios(*[0.01] * 200)
    for _ in range(20):
        ratios.observe(0.04, 1.0)
    assert ratios.estimate(1.0, BELIEVED).median_s == pytest.approx(0.04, rel=0.02)


def test_a_longer_memory_follows_later() -> None:
    ratios = _ratios(*[0.01] * 200, settings=LONG)
    for _ in range(20):
        ratios.observe(0.04, 1.0)
    assert ratios.estimate(1.0, BELIEVED).median_s == pytest.approx(0.01, rel=0.02)


def test_old_weights_are_rescaled_without_a_change_of_the_estimate() -> None:
    """After enough observations the growing weights would overflow; what they say must stay."""
    chance = random.Random(3)
    ratios = _ratios(*[chance.lognormvariate(-3, 0.3) for _ in range(20_000)])
    estimate = ratios.estimate(1.0, BELIEVED)
    assert estimate.median_s == pytest.approx(math.exp(-3), rel=0.25)  # of some twenty samples
    assert ratios.samples == 20_000


def test_what_is_forgotten_says_nothing_more() -> None:
    ratios = _ratios(*[0.5] * 10)
    ratios.forget()
    assert ratios.estimate(1.0, BELIEVED) is BELIEVED
    ratios.observe(0.02, 1.0)
    assert ratios.estimate(1.0, BELIEVED).samples == 1


def test_few_observations_are_weighed_against_what_was_learnt_of_something_much_like_it() -> None:
    near = TimeEstimate((0.05, 0.08, 0.1, 0.13, 0.2), 20)
    one, two, three = (_ratios(*[0.4] * count).estimate(1.0, near) for count in (1, 2, 3))
    assert [one.median_s, two.median_s] == pytest.approx([0.1 * 4 ** (1 / 3), 0.1 * 4 ** (2 / 3)], rel=0.02)
    assert three.median_s == pytest.approx(0.4, rel=0.02)
    assert one.pessimistic_s == pytest.approx(2 * one.median_s)


def test_ratios_read_anew_are_those_to_another_prediction() -> None:
    ratios = _ratios(*[0.9] * 5, predicted_s=0.1)
    ratios.rescale(0.1 / 0.9)
    assert ratios.estimate(0.9, BELIEVED).median_s == pytest.approx(0.9, rel=0.02)


# -- shares ------------------------------------------------------------------------------------------------------------


def test_a_share_is_unknown_before_anything_and_after_long() -> None:
    share = Share(EstimateSettings(forget_after_s=60))
    assert share.value(0.0) is None
    share.observe(True, 1.0)
    assert share.value(61.0) == 1.0
    assert share.value(61.1) is None
    share.observe(False, 62.0)
    assert share.value(62.0) == 0.0


def test_a_share_follows_the_last_answers() -> None:
    share = Share(EstimateSettings(memory_samples=20))
    for at in range(100):
        share.observe(True, at / 100)
    for at in range(20):
        share.observe(False, 1 + at / 100)
    assert share.value(1.2) == pytest.approx(0.95**20, rel=0.02)


def test_a_share_of_a_steady_stream_is_that_stream_s() -> None:
    share = Share(LONG)
    for at in range(1000):
        share.observe(at % 4 == 0, at / 1000)
    assert share.value(1.0) == pytest.approx(0.25, abs=0.01)


# -- the uplink --------------------------------------------------------------------------------------------------------


def test_a_pace_is_the_mean_of_seconds_per_byte_so_bandwidth_is_the_harmonic_mean() -> None:
    uplink = Throughput(EstimateSettings(memory_samples=2))
    uplink.observe(100_000, 1.0, 0.0)
    uplink.observe(100_000, 3.0, 0.1)
    assert uplink.seconds_per_byte == pytest.approx(2e-5)


def test_a_pace_is_told_anew_once_it_has_moved_by_more_than_a_tenth() -> None:
    uplink = Throughput(EstimateSettings())
    assert uplink.observe(100_000, 1.0, 0.0)
    assert not uplink.observe(100_000, 1.05, 1.0)
    assert uplink.seconds_per_byte == 1.0 / 100_000
    moved = [uplink.observe(100_000, 2.0, 2.0 + at) for at in range(60)]
    assert 3 < sum(moved) < 10
    assert uplink.seconds_per_byte == pytest.approx(2.0 / 100_000, rel=0.11)


@pytest.mark.parametrize(
    ("sent", "taken"), [(Throughput.MEASURABLE_BYTES - 1, 1.0), (100_000, 0.0), (100_000, -1.0), (100_000, math.nan)]
)
def test_small_transfers_and_no_times_teach_no_pace(sent: int, taken: float) -> None:
    uplink = Throughput(EstimateSettings())
    uplink.observe(sent, taken, 0.0)
    assert uplink.seconds_per_byte is None


def test_a_pace_is_forgotten_once_transfers_were_not_made_for_long() -> None:
    uplink = Throughput(EstimateSettings(forget_after_s=60))
    uplink.observe(100_000, 1.0, 0.0)
    for at in range(24):
        uplink.look(100_000, 3600.0 + at)
    assert uplink.seconds_per_byte == 1e-5
    uplink.look(100_000, 3624.0)
    assert uplink.seconds_per_byte is None


def test_a_pace_is_not_forgotten_for_want_of_anything_to_carry() -> None:
    uplink = Throughput(EstimateSettings(forget_after_s=60))
    uplink.observe(100_000, 1.0, 0.0)
    for at in range(3):
        uplink.look(100, 3600.0 + at)
    assert uplink.seconds_per_byte == 1e-5


def test_a_share_says_when_it_will_have_been_forgotten() -> None:
    share = Share(EstimateSettings(forget_after_s=60))
    share.observe(True, 5.0)
    assert share.forgotten_at == 65.0
