"""Shares of a full service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.admission.partitions import Occupancy, Partition, partition_of


@pytest.mark.parametrize(
    ("priority", "partition"),
    [(0, Partition.LIVE), (1, Partition.LIVE), (2, Partition.BATCH), (1 << 40, Partition.BATCH)],
)
def test_the_highest_priority_and_none_are_live(priority: int, partition: Partition) -> None:
    assert partition_of(priority) is partition


@pytest.mark.parametrize(
    ("live", "batch", "partition", "enters"),
    [
        pytest.param(0, 9, Partition.BATCH, True, id="batch uses what is idle"),
        pytest.param(0, 10, Partition.BATCH, False, id="batch ends where the limit does"),
        pytest.param(0, 10, Partition.LIVE, True, id="live gets in although batch fills it"),
        pytest.param(8, 10, Partition.LIVE, True, id="up to its share"),
        pytest.param(9, 10, Partition.LIVE, False, id="and no further"),
        pytest.param(9, 0, Partition.LIVE, True, id="live uses what is idle"),
        pytest.param(10, 0, Partition.BATCH, True, id="batch gets in although live fills it"),
        pytest.param(10, 1, Partition.BATCH, False, id="with a tenth"),
    ],
)
def test_a_limit_of_ten_is_shared(live: int, batch: int, partition: Partition, enters: bool) -> None:
    assert Occupancy(live, batch).admits(10, partition) is enters


@given(st.integers(1, 200), st.lists(st.sampled_from(Partition), max_size=500))
def test_no_order_of_arrivals_brings_more_in_than_the_limit_and_the_larger_share(
    limit: int, arrivals: list[Partition]
) -> None:
    in_flight = Occupancy()
    for partition in arrivals:
        if in_flight.admits(limit, partition):
            in_flight.add(partition, 1)
    assert in_flight.total < 1.9 * limit + 1
