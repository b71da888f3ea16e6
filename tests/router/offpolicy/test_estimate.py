"""The estimators against bandits whose truth is known: unbiased, of less spread with a model, and silent where the log
cannot tell."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.offpolicy.estimate import ENOUGH, Estimate, effective, estimates
from router.offpolicy.exploring import Needs
from router.offpolicy.outcome import FIGURES
from router.offpolicy.sums import MOST_BLOCKS, Sample, Sums
from router.simulate.chance import Chance

WIDTH = len(FIGURES)
LATENCY = [figure.name for figure in FIGURES].index("latency")


def _known(latency: float) -> tuple[float | None, ...]:
    return tuple(latency if place == LATENCY else None for place in range(WIDTH))


def _mean(x: float, arm: int) -> float:
    """What an arm comes to in a context, before noise."""
    return x if arm == 0 else 1.5 - x


def _log(count: int, seed: int, *, model: Callable[[float, int], float] | None = None) -> Iterator[Sample]:
    """Yield a log of a policy that prefers arm 0, for one that prefers arm 1 where x is large; neither for certain."""
    chance = Chance(seed, "bandit")
    for _ in range(count):
        x = chance.uniform()
        logged = (0.8, 0.2)
        wanted = (0.1, 0.9) if x > 0.4 else (0.95, 0.05)
        arm = int(chance.uniform() > logged[0])
        y = _mean(x, arm) + 0.3 * (chance.uniform() - 0.5)
        direct = modelled = None
        if model is not None:
            direct = _known(sum(share * model(x, each) for each, share in enumerate(wanted)))
            modelled = _known(model(x, arm))
        yield Sample(wanted[arm] / logged[arm], _known(y), direct, modelled, differs=x > 0.4)


TRUTH = 0.95 * 0.4 * 0.2 + 0.05 * 0.4 * 1.3 + 0.6 * (0.1 * 0.7 + 0.9 * 0.8)
"""Of the wanted policy: the mean of each arm over either part of [0, 1)."""


def _summed(samples: Iterator[Sample] | Sequence[Sample], most_weight: float | None = None) -> Sums:
    sums = Sums(most_weight)
    for sample in samples:
        sums.add(sample)
    return sums


def _estimate(samples: Iterator[Sample] | Sequence[Sample], seed: int = 1) -> Estimate:
    found = estimates(_summed(samples), Needs(), Chance(seed, "t"))
    assert found.refused is None
    [estimate] = found.figures
    return estimate


@cache
def _many(model: Callable[[float, int], float] | None) -> list[Estimate]:
    return [_estimate(_log(1000, seed, model=model)) for seed in range(60)]


def _good(x: float, arm: int) -> float:
    return 0.9 * _mean(x, arm) + 0.05


def _wrong(x: float, arm: int) -> float:
    return 2.0 - x - arm


@pytest.mark.wide
@pytest.mark.parametrize("model", [None, _good, _wrong], ids=["no model", "a good one", "a wrong one"])
def test_over_many_logs_the_estimates_are_right_whatever_the_model_says(
    model: Callable[[float, int], float] | None,
) -> None:
    found = _many(model)
    for name in ("ips", "dr", "snips"):
        values = [getattr(each, name).value for each in found]
        error = statistics.stdev(values) / math.sqrt(len(values))
        assert abs(statistics.fmean(values) - TRUTH) < 4 * error, name


@pytest.mark.wide
def test_with_a_model_that_is_any_good_the_doubly_robust_estimate_spreads_less() -> None:
    good = _many(_good)
    spread = {name: statistics.stdev(getattr(each, name).value for each in good) for name in ("ips", "snips", "dr")}
    assert spread["dr"] < 0.6 * spread["ips"]
    assert spread["snips"] < spread["ips"]
    assert statistics.fmean(each.dr.high - each.dr.low for each in good) < 0.6 * statistics.fmean(
        each.ips.high - each.ips.low for each in good
    )


@pytest.mark.wide
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    found = _many(_good)
    for name in ("ips", "snips", "dr"):
        held = sum(getattr(each, name).low <= TRUTH <= getattr(each, name).high for each in found)
        assert held / len(found) >= 0.82, name


def test_without_a_model_doubly_robust_is_what_weights_alone_say() -> None:
    found = _estimate(_log(1000, 1))
    assert found.dr == found.ips


def test_of_the_same_policy_each_estimate_is_the_mean_of_the_log() -> None:
    chance = Chance(3, "t")
    seen = [chance.uniform() for _ in range(400)]
    found = _estimate([Sample(1.0, _known(y), _known(0.3), _known(0.3)) for y in seen])
    for each in (found.logged, found.ips, found.snips, found.dr):
        assert each.value == pytest.approx(statistics.fmean(seen))
    assert (found.effective, found.records) == (400, 400)


def test_what_stands_in_which_block_changes_no_estimate() -> None:
    samples = list(_log(3000, 2, model=_mean))
    sums = _summed(samples)
    assert len(sums.blocks) <= MOST_BLOCKS
    assert sum(block.count for block in sums.blocks) == 3000
    found = _estimate(samples)
    weights = [sample.weight for sample in samples]
    weighed = math.fsum(sample.weight * (sample.seen[LATENCY] or 0.0) for sample in samples)
    assert found.ips.value == pytest.approx(weighed / 3000)
    assert found.snips.value == pytest.approx(weighed / math.fsum(weights))


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(-10, 10)), min_size=1, max_size=300),
    st.none() | st.floats(1, 20),
)
@example(drawn=[(6.401030078207525e-162, 0.0)], most_weight=None)
def test_whatever_the_weights_are_the_effective_samples_and_the_mean_stay_within_bounds(
    drawn: list[tuple[float, float]], most_weight: float | None
) -> None:
    sums = _summed([Sample(weight, _known(y)) for weight, y in drawn], most_weight)
    found = estimates(sums, Needs(), Chance(1, "t"))
    assert 0 <= found.effective <= len(drawn) * (1 + 1e-9)
    assert most_weight is None or found.largest_weight <= most_weight
    assert (found.refused is None) is bool(found.figures)
    assert found.effective >= ENOUGH or found.refused is not None
    for each in found.figures:
        values = [y for _, y in drawn]
        assert min(values) - 1e-9 <= each.snips.value <= max(values) + 1e-9
        for of in (each.logged, each.ips, each.snips, each.dr):
            assert of.low <= of.value <= of.high


def test_kish_s_count_is_the_number_of_records_where_all_weigh_alike_and_one_where_one_weighs_all() -> None:
    assert effective(7.0, 7.0) == 7
    assert effective(7 * 2.5, 7 * 2.5**2) == pytest.approx(7)
    assert effective(1e9 + 6, 1e18 + 6) == pytest.approx(1)
    assert effective(0.0, 0.0) == 0


def test_weights_that_explode_are_no_estimate_and_cut_ones_say_so() -> None:
    samples = [replace(sample, differs=False) for sample in _log(400, 1)]
    exploding = [*samples, Sample(1e9, _known(1.0))]
    refused = estimates(_summed(exploding), Needs(), Chance(1, "t"))
    assert refused.refused is not None
    assert refused.refused.why.startswith("401 records are worth 1 effective samples")
    cut = estimates(_summed(exploding, 10.0), Needs(), Chance(1, "t"))
    assert cut.refused is None
    assert (cut.cut, cut.largest_weight) == (1, 10.0)


def _refusal(samples: Sequence[Sample], needs: Needs | None = None) -> str:
    found = estimates(_summed(samples), needs or Needs(), Chance(1, "t"))
    assert found.refused is not None
    assert found.figures == ()
    return found.refused.why


ALIKE = Sample(1.0, _known(0.5))
OTHER = Sample(0.0, _known(0.5), differs=True, unseen=1.0)


def test_a_log_that_explored_nothing_says_nothing_of_what_is_done_otherwise() -> None:
    assert _refusal([ALIKE] * 500 + [OTHER] * 500).startswith("what it does otherwise was never done")
    # However few they are: of what is done otherwise nothing at all was seen.
    assert _refusal([ALIKE] * 100_000 + [OTHER]).startswith("what it does otherwise was never done")


def test_a_log_that_explored_nothing_says_all_of_a_policy_that_does_the_same() -> None:
    assert _estimate([ALIKE] * 500).snips.value == 0.5


def test_among_many_requests_that_agree_a_few_that_differ_do_not_hide() -> None:
    """All together they are worth thousands of samples, and nearly none of them says anything of the difference."""
    explored = replace(OTHER, weight=40.0, unseen=0.0)
    unexplored = replace(OTHER, unseen=0.0)
    why = _refusal([ALIKE] * 10_000 + [explored] * 20 + [unexplored] * 780)
    assert why == "the 800 requests on which it differs are worth 20 effective samples, and 100 are wanted"


def test_what_went_another_way_is_no_estimate_where_it_is_more_than_a_hundredth() -> None:
    astray = replace(ALIKE, astray=True)
    assert "goes another way on its terms" in _refusal([ALIKE] * 500 + [astray] * 10)
    assert estimates(_summed([ALIKE] * 500 + [astray] * 2), Needs(), Chance(1, "t")).refused is None


def test_99_effective_samples_are_too_few_and_100_are_enough() -> None:
    assert _refusal([ALIKE] * 99).startswith("99 records are worth 99 effective samples")
    assert _estimate([ALIKE] * 100).records == 100


def test_no_record_is_no_estimate() -> None:
    assert _refusal([]).startswith("no record says")


def test_weights_that_average_far_from_one_are_doubted() -> None:
    honest = estimates(_summed(_log(2000, 1)), Needs(), Chance(1, "t"))
    assert not honest.doubtful
    wrong = [replace(sample, weight=2 * sample.weight) for sample in _log(2000, 1)]
    assert estimates(_summed(wrong), Needs(), Chance(1, "t")).doubtful
