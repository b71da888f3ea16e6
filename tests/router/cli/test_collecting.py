"""How often rings of objects are looked for while a command runs."""

from __future__ import annotations

import gc
from functools import partial

import pytest

from router.cli.collecting import RARELY, collected_rarely
from router.cli.workers import Workers


def test_within_it_is_rare_and_afterwards_as_it_was() -> None:
    before = gc.get_threshold()
    with collected_rarely():
        assert gc.get_threshold() == RARELY != before
    assert gc.get_threshold() == before


def _thresholds(_: int) -> tuple[int, int, int]:
    return gc.get_threshold()


@pytest.mark.wide
def test_workers_collect_rarely_as_well() -> None:
    first, *others = Workers(2, worth_s=0.0)([partial(_thresholds, number) for number in range(3)])
    assert first == gc.get_threshold()
    assert set(others) == {RARELY}
