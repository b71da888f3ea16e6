"""How sure a difference is: the ends of its intervals are wrong as seldom as they say, whatever the runs look like."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from router.gate.paired import Pair, average, sample_of
from router.simulate.chance import Chance
from router.simulate.measures import MEASURES
from tests.router.gate.samples import COST, a_sample, block, constant

Differences = Callable[[Chance], Iterator[float]]


def _independent(chance: Chance) -> Iterator[float]:
    while True:
        yield chance.normal()


def _correlated(chance: Chance) -> Iterator[float]:
    """Blocks that are like the ones before them: a battery, a queue, what was learnt."""
    now = 0.0
    while True:
        now = 0.6 * now + chance.normal()
        yield now


def _stuck(chance: Chance) -> Iterator[float]:
    """A run that takes one way or another at its beginning, and stays there."""
    whole = 0.3 * chance.normal()
    while True:
        yield whole + chance.normal()


def _seldom_bad(chance: Chance) -> Iterator[float]:
    """A little better nearly always, and much worse in one block of twenty."""
    while True:
        yield 1.9 if chance.uniform() < 0.05 else -0.1


@pytest.mark.wide
@pytest.mark.parametrize("differences", [_independent, _correlated, _stuck, _seldom_bad])
def test_what_is_no_better_is_taken_for_better_as_seldom_as_was_asked_for(differences: Differences) -> None:
    """Blocks alone took correlated ones for better one time in five. Of 100, 14 are one chance in two thousand."""
    wrong = 0
    for number in range(100):
        found = a_sample(differences, Chance(number, "runs"), seeds=4, resamples=100).difference(COST)
        wrong += found.high(0.05) < 0
    assert wrong < 14


def test_what_is_better_by_much_is_seen_to_be() -> None:
    def better(chance: Chance) -> Iterator[float]:
        while True:
            yield chance.normal() - 1.0

    found = a_sample(better, Chance(1, "runs"), seeds=5).difference(COST)
    assert found.high(0.05) < 0
    assert found.value == pytest.approx(-1 / 8, abs=0.05)


def test_what_both_have_in_common_cancels_out() -> None:
    """Blocks differ among themselves by ten percent, the two policies by the same in each."""
    found = a_sample(constant(-0.08), Chance(1, "runs")).difference(COST)
    assert (found.low(0.05), found.high(0.05)) == (pytest.approx(-0.01), pytest.approx(-0.01))


def test_an_end_that_may_be_wrong_less_often_is_further_away() -> None:
    found = a_sample(_independent, Chance(1, "runs")).difference(COST)
    assert found.high(0.001) > found.high(0.01) > found.high(0.05) > found.value
    assert found.low(0.001) < found.low(0.01) < found.low(0.05) < found.value


def test_of_two_runs_nobody_can_tell_how_much_runs_differ() -> None:
    found = a_sample(_independent, Chance(1, "runs"), seeds=2).difference(COST)
    assert (found.low(0.05), found.high(0.05)) == (float("-inf"), float("inf"))


def test_what_befell_none_of_the_requests_may_befall_three_in_as_many() -> None:
    """A share that differs in no request out of few was shown to differ in none at all."""
    pairs = [Pair(*[tuple(block(1.0) for _ in range(10))] * 2)] * 3
    found = sample_of("s", pairs, Chance(1, "runs"), resamples=50).difference(MEASURES["accuracy_loss"])
    assert found.value == 0
    assert found.high(0.05) == -found.low(0.05) == pytest.approx(3.0 / 240, rel=0.01)


def test_few_blocks_are_not_enough() -> None:
    few, many = (a_sample(_independent, Chance(1, "runs"), blocks=blocks) for blocks in (6, 7))
    assert (few.difference(COST).enough, many.difference(COST).enough) == (False, True)


def test_the_average_of_scenarios_counts_a_request_of_each_alike() -> None:
    short = a_sample(constant(-0.8), Chance(1, "a"), blocks=10)
    long = a_sample(constant(0.4), Chance(2, "b"), blocks=40)
    found = average([short, long], COST)
    assert found.value == pytest.approx((-0.1 + 0.05) / 2)
    assert found.requests == short.requests + long.requests


def test_a_single_block_a_seed_has_its_seeds_to_tell_by() -> None:
    found = a_sample(_independent, Chance(1, "runs"), seeds=5, blocks=1).difference(COST)
    assert found.low(0.05) < found.value < found.high(0.05)
    assert not found.enough


def test_an_interval_half_as_wide_takes_four_times_the_requests() -> None:
    found = a_sample(_independent, Chance(1, "runs")).difference(COST)
    width = max(found.high(0.05) - found.value, found.value - found.low(0.05))
    wide, narrow = (found.requests_within(width / part, 0.05) for part in (1, 2))
    assert wide is not None
    assert narrow == pytest.approx(4 * wide, rel=0.01)
    # For four of five to be as narrow.
    assert wide == pytest.approx(found.requests * (1 + 0.8416 / 1.6449) ** 2, rel=0.01)
    assert found.requests_within(1e-9, 0.05) is None


def test_what_has_not_shown_yet_takes_three_requests_for_each_part_of_them_that_it_may_befall() -> None:
    pairs = [Pair(*[tuple(block(1.0) for _ in range(10))] * 2)] * 3
    found = sample_of("s", pairs, Chance(1, "runs"), resamples=50).difference(MEASURES["accuracy_loss"])
    assert found.requests_within(0.005, 0.05) == pytest.approx(3.0 / 0.005, rel=0.01)
