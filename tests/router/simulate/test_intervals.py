from __future__ import annotations

import pytest

from router.simulate.chance import Chance
from router.simulate.intervals import drawn_again, figure, quantile_s
from router.simulate.tally import Block, bucket_of


def _block(requests: int, lost: float, *times_s: float) -> Block:
    block = Block()
    block.requests, block.lost = requests, lost
    block.times.update(map(bucket_of, times_s))
    return block


def test_a_figure_is_a_mean_over_requests_and_not_over_blocks() -> None:
    blocks = [_block(30, 3.0), _block(10, 0.0)]
    assert figure(blocks, [], lambda block: block.lost).value == pytest.approx(3 / 40)


@pytest.mark.wide
def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Blocks whose requests share a fate: an interval that took requests for independent would hold it far less."""
    chance = Chance(5, "t")
    held = 0
    for _ in range(150):
        shares = [chance.uniform() for _ in range(40)]
        blocks = [_block(20, sum(chance.uniform() < share for _ in range(20))) for share in shares]
        found = figure(blocks, drawn_again(40, chance), lambda block: block.lost)
        assert found.low <= found.value <= found.high
        held += found.low <= 0.5 <= found.high
    assert 0.88 <= held / 150 <= 0.99


def test_one_block_has_no_interval_to_tell() -> None:
    found = figure([_block(5, 1.0)], drawn_again(1, Chance(1, "t")), lambda block: block.lost)
    assert (found.low, found.value, found.high) == (0.2, 0.2, 0.2)


def test_quantiles_are_over_all_requests() -> None:
    times_s = [0.01] * 90 + [0.5] * 8 + [2.0] * 2
    blocks = [_block(50, 0.0, *times_s[:50]), _block(50, 0.0, *times_s[50:])]
    draws = drawn_again(2, Chance(1, "t"))
    assert quantile_s(blocks, draws, 0.5).value == pytest.approx(0.01, rel=0.011)
    assert quantile_s(blocks, draws, 0.95).value == pytest.approx(0.5, rel=0.011)
    assert quantile_s(blocks, draws, 0.99).value == pytest.approx(2.0, rel=0.011)
    assert quantile_s(blocks, draws, 0.95).low == pytest.approx(0.01, rel=0.011)


def test_nothing_ended_is_no_error() -> None:
    assert figure([Block()], [], lambda block: block.lost).value == 0.0
    assert quantile_s([Block()], [], 0.95).value == 0.0
