"""When a transfer is through: over paces that change, and packet by packet."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.simulate.capacity import Packets, Rates

MBIT = 125_000.0


@pytest.mark.parametrize(
    ("start", "size", "end"),
    [
        pytest.param(0.0, MBIT, 1.0, id="within one pace"),
        pytest.param(0.5, 1.5 * MBIT, 1.5, id="over a change"),
        pytest.param(1.5, 1.5 * MBIT, 3.5, id="waiting where nothing passes"),
        pytest.param(2.2, 1.0, 3.0 + 1.0 / MBIT, id="begun where nothing passes"),
        pytest.param(3.5, 1.0 * MBIT, 4.5, id="over the end of the round"),
        pytest.param(0.0, 4.0 * MBIT, 4.0, id="one whole round, and not the wait behind it"),
        pytest.param(0.0, 40.0 * MBIT, 40.0, id="ten rounds"),
        pytest.param(41.0, 2.0 * MBIT, 42.0, id="in a later round"),
        pytest.param(1.0, 0.0, 1.0, id="nothing to carry"),
    ],
)
def test_a_transfer_over_paces_that_change_ends_when_its_bytes_have_passed(
    start: float, size: float, end: float
) -> None:
    paces = Rates([(0.0, 1.0), (1.0, 2.0), (2.0, 0.0), (3.0, 1.0)], 4.0)
    assert paces.carry(start, size, 0.0)[0] == pytest.approx(end)


def test_a_transfer_waits_for_the_one_before_it() -> None:
    paces = Rates([(0.0, 1.0)])
    first, behind = paces.carry(0.0, MBIT, 0.0)
    assert (first, paces.carry(0.2, MBIT, behind)[0]) == (1.0, 2.0)


@pytest.mark.parametrize(
    "paces", [Rates([(0.0, 0.0)]), Rates([(0.0, 0.0), (1.0, 0.0)], 2.0), Rates([(0.0, 1.0), (1.0, 0.0)])]
)
def test_over_a_link_that_carries_nothing_more_a_transfer_never_ends(paces: Rates) -> None:
    end, behind = paces.carry(0.5, MBIT, 0.0)
    assert end == math.inf
    assert paces.carry(3.0, 1.0, behind)[0] == math.inf


PACES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0]), min_size=1, max_size=6).filter(any)


@given(paces=PACES, start=st.floats(0, 50), sizes=st.lists(st.floats(0, 5e6), min_size=1, max_size=5))
def test_parts_take_as_long_as_the_whole(paces: list[float], start: float, sizes: list[float]) -> None:
    link = Rates([(float(at), pace) for at, pace in enumerate(paces)], float(len(paces)))
    whole, _ = link.carry(start, sum(sizes), 0.0)
    end, behind = start, 0.0
    for size in sizes:
        end, behind = link.carry(start, size, behind)
    if sizes[-1] > 1.0:  # an empty last part ends where the one before it did
        assert end == pytest.approx(whole, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("start", "size", "end"),
    [
        pytest.param(0.0, 1, 0.0, id="a packet takes a whole moment"),
        pytest.param(0.0, 1500, 0.0, id="a full packet"),
        pytest.param(0.0, 1501, 0.004, id="two packets"),
        pytest.param(0.001, 1500, 0.004, id="a moment that has passed is lost"),
        pytest.param(0.004, 3000, 0.004, id="two in one millisecond"),
        pytest.param(0.005, 3000, 0.010, id="over the end of the trace"),
        pytest.param(0.013, 1500, 0.014, id="in the second round"),
    ],
)
def test_a_transfer_takes_the_moments_of_a_packet_trace(start: float, size: int, end: float) -> None:
    # mahimahi's: 4 ms twice, and 10 ms is both the last moment and the length, after which 0 is at once again.
    trace = Packets([0, 4, 4, 10])
    assert trace.carry(start, size, 0.0)[0] == pytest.approx(end)


def test_two_transfers_at_once_take_moments_one_after_the_other() -> None:
    trace = Packets([1, 2, 3, 4])
    first, behind = trace.carry(0.0, 3000, 0.0)
    second, behind = trace.carry(0.0, 3000, behind)
    assert (first, second) == (0.002, 0.004)
    assert trace.carry(0.0031, 1500, behind)[0] == pytest.approx(0.005)


def test_the_pace_of_a_packet_trace_is_that_of_the_second_around() -> None:
    trace = Packets([*range(1, 1001)] + [at for at in range(1001, 2001) for _ in range(2)])
    assert trace.mbps(0.5) == pytest.approx(12.0, rel=0.01)
    assert trace.mbps(1.5) == pytest.approx(24.0, rel=0.01)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=12).map(sorted),
    st.integers(1, 60_000),
    st.integers(0, 100),
)
def test_no_transfer_of_packets_takes_less_than_is_said(moments: list[int], size: int, start_ms: int) -> None:
    link = Packets([*moments, 31])
    ended, _ = link.carry(start_ms / 1000, size, 0.0)
    assert ended - start_ms / 1000 >= link.least_s(size, 0.0, math.inf) - 1e-9


@given(
    st.lists(st.sampled_from([0.0, 1.0, 8.0]), min_size=1, max_size=6),
    st.sampled_from([math.inf, 7.0]),
    st.integers(0, 30),
    st.integers(1, 2_000_000),
)
def test_no_transfer_takes_less_than_is_said_of_the_time_in_which_it_was(
    paces: list[float], period_s: float, start: int, size: int
) -> None:
    link = Rates([(float(at), pace) for at, pace in enumerate(paces)], period_s)
    ended, _ = link.carry(float(start), size, 0.0)
    if ended < math.inf:
        assert ended - start >= link.least_s(size, start, ended) - 1e-9
