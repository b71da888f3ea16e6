"""Chance by seed, stream and number: the same everywhere, and evenly spread."""

from __future__ import annotations

import statistics

import pytest

from router.simulate.chance import Chance, Keyed

MANY = 20_000


def test_numbers_are_the_same_on_every_machine() -> None:
    """A report made today must be made again tomorrow, by another version of Python too."""
    assert [Chance(7, "a").uniform(), Keyed(7, "a").uniform(3)] == [0.36566414864623714, 0.7100057500959682]


def test_streams_and_seeds_differ() -> None:
    firsts = {Chance(seed, stream).uniform() for seed in range(10) for stream in "abc"}
    assert len(firsts) == 30


def test_uniform_numbers_are_strictly_between_0_and_1_and_even() -> None:
    stream, keyed = Chance(1, "u"), Keyed(1, "u")
    for numbers in ([stream.uniform() for _ in range(MANY)], [keyed.uniform(key) for key in range(MANY)]):
        assert min(numbers) > 0 and max(numbers) < 1
        assert statistics.fmean(numbers) == pytest.approx(0.5, abs=0.01)
        tenths = [sum(int(number * 10) == tenth for number in numbers) for tenth in range(10)]
        assert min(tenths) > 0.9 * MANY / 10


def test_normal_and_exponential_numbers_have_their_moments() -> None:
    stream, keyed = Chance(1, "n"), Keyed(1, "n")
    for normal in ([stream.normal() for _ in range(MANY)], [keyed.normal(key) for key in range(MANY)]):
        assert statistics.fmean(normal) == pytest.approx(0, abs=0.03)
        assert statistics.stdev(normal) == pytest.approx(1, abs=0.03)
    for exponential in ([stream.exponential() for _ in range(MANY)], [keyed.exponential(key) for key in range(MANY)]):
        assert statistics.fmean(exponential) == pytest.approx(1, abs=0.03)


def test_what_is_drawn_by_key_does_not_depend_on_the_order() -> None:
    keyed = Keyed(3, "k")
    assert [keyed.uniform(key) for key in (5, 1, 5)] == [Keyed(3, "k").uniform(key) for key in (5, 1, 5)]
