from __future__ import annotations

import pytest

from cloud_service.batching.timing import Timing


@pytest.mark.parametrize(
    ("rows", "expected_s"), [(1, 0.01), (2, 0.015), (3, 0.02), (4, 0.025), (8, 0.05)], ids=lambda value: str(value)
)
def test_what_was_not_measured_lies_between_or_beyond_what_was(rows: int, expected_s: float) -> None:
    assert Timing({1: 0.01, 2: 0.015, 4: 0.025}).run_s(rows) == pytest.approx(expected_s)


def test_nothing_is_expected_before_anything_is_known_and_then_what_was_seen() -> None:
    timing = Timing({})
    assert timing.run_s(8) == 0
    timing.observe(2, 0.02)
    assert timing.run_s(1) == pytest.approx(0.01)


def test_a_machine_that_became_slower_is_learnt_within_some_runs_for_every_size() -> None:
    timing = Timing({1: 0.01, 8: 0.04})
    for _ in range(30):
        timing.observe(8, 0.4)
    assert timing.run_s(1) == pytest.approx(0.1, rel=0.1)


def test_one_run_that_stood_still_is_not_believed() -> None:
    timing = Timing({1: 0.01})
    timing.observe(1, 60)
    assert timing.run_s(1) < 0.02


def test_who_refuses_by_it_alone_believes_it_less_each_time() -> None:
    """A model that once was slow was never run again for short deadlines, and so never seen to be quick."""
    timing = Timing({1: 0.01})
    for _ in range(30):
        timing.observe(1, 1)
    refusals = 0
    while timing.run_s(1) > 0.05:
        timing.doubt()
        refusals += 1
    assert refusals < 40
