from __future__ import annotations

import pytest

from router.simulate.tally import Block
from router.tune.heldout import verdict
from tests.router.tune.imagined import a_judge, blocks

JUDGE = a_judge("misses<=0.1")
START = [blocks(1.0, 0.05, luck=0.5)]


def _word(cost: float, late: float = 0.05, start: list[list[Block]] = START, own: str = "") -> str:
    return verdict(JUDGE, start, [blocks(cost, late, luck=0.5, own=own)], {}).word


def test_what_is_a_little_better_in_every_block_is_better_however_blocks_differ() -> None:
    found = verdict(JUDGE, START, [blocks(0.99, 0.05, luck=0.5)], {})
    assert found.word == "better"
    assert found.gained.low == pytest.approx(0.01)
    assert found.start.high - found.start.low > 0.1, "though either of them alone is not known so well"


def test_what_chance_could_explain_is_no_better() -> None:
    assert _word(0.99, own="another day") == "no better"
    assert _word(1.0) == "no better"
    assert _word(1.1) == "no better"


def test_what_breaks_a_constraint_is_not_taken_whatever_it_gains() -> None:
    found = verdict(JUDGE, START, [blocks(0.1, 0.11)], {})
    assert found.word == "broken"
    assert [str(limit) for limit, _, _ in found.broken] == ["misses<=0.1"]


def test_against_a_start_that_breaks_one_holding_all_is_enough() -> None:
    late = [blocks(0.5, 0.2)]
    found = verdict(JUDGE, late, [blocks(0.8, 0.05)], {})
    assert found.word == "better"
    assert found.start_broken
    assert found.gained.value < 0


def test_each_change_is_told_with_what_would_be_lost_without_it() -> None:
    tuned = [blocks(0.8, 0.05, luck=0.5)]
    found = verdict(JUDGE, START, tuned, {"a": [blocks(0.9, 0.05, luck=0.5)], "b": tuned})
    assert found.gains["a"].value == pytest.approx(0.1)
    assert found.gains["a"].low > 0
    assert found.gains["b"].value == found.gains["b"].high == 0.0


def test_a_constraint_has_to_hold_in_each_part() -> None:
    judge = a_judge("misses<=0.1", parts=("good", "bad"))
    start = [blocks(1.0), blocks(1.0)]
    found = verdict(judge, start, [blocks(0.5, 0.0), blocks(0.5, 0.15)], {})
    assert found.word == "broken"
    assert [part for _, part, _ in found.broken] == ["bad"]


def test_a_part_of_one_block_has_its_say_beside_longer_ones() -> None:
    judge = a_judge(parts=("long", "short"))
    short = blocks(1.0)[:1]
    assert judge.difference([blocks(1.0, luck=0.1), short], [blocks(0.9, luck=0.1), short]).value == pytest.approx(0.05)
