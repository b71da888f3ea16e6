"""A scenario cut in two: the rest is what happens after the first stretch, seen from there."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.simulate.arriving import AtRandom, Bursts, ByTimer, Recorded
from router.simulate.capacity import Capacity, Packets, Rates
from router.simulate.chance import Chance
from router.simulate.curve import Steps
from router.simulate.device import Outside
from router.simulate.driver import run
from router.simulate.faults import Fault
from router.simulate.split import apart, first, repeats, rest
from router.simulate.workload import Arriving, Stream
from router.simulate.world import World
from tests.properties.effort import effort
from tests.router.simulate import worlds
from tests.router.simulate.runs import a_policy, a_setting

instants = st.floats(0, 40).map(lambda at: round(at, 2))
points = st.lists(instants, min_size=1, max_size=5, unique=True).map(
    lambda ats: [(at, float(number)) for number, at in enumerate(sorted(ats))]
)
periods = st.sampled_from([math.inf, 41.0, 60.0])


@effort
@given(points, periods, st.floats(0, 200).map(lambda by: round(by, 2)), st.floats(0, 200))
def test_a_quantity_seen_later_is_what_it_is_then(
    given: list[tuple[float, float]], period_s: float, by_s: float, now: float
) -> None:
    steps = Steps(given, period_s)
    moved = steps.later(by_s)
    at = now + by_s
    near = [edge + turn * period_s if period_s < math.inf else edge for edge, _ in given for turn in range(12)]
    if all(abs(at - edge) > 1e-6 and abs(at - turn * period_s) > 1e-6 for turn in range(12) for edge in near):
        assert moved.at(now) == steps.at(at)


@pytest.mark.parametrize(
    "capacity",
    [
        Rates([(0.0, 8.0), (3.0, 0.0), (5.0, 2.0)], 9.0),
        Rates([(0.0, 8.0), (7.0, 1.0)]),
        Packets([1, 2, 2, 40, 90, 1000]),
        Packets([5, 100], 130),
    ],
)
@pytest.mark.parametrize("by_s", [0.0, 0.05, 1.5, 4.0, 31.25])
def test_a_transfer_seen_later_takes_what_it_takes_then(capacity: Capacity, by_s: float) -> None:
    moved = capacity.later(by_s)
    for start in (0.003, 0.507, 2.013, 7.751):
        ended, _ = capacity.carry(start + by_s, 20_000, 0.0)
        assert moved.carry(start, 20_000, 0.0)[0] + by_s == pytest.approx(ended, abs=1e-6)
        if isinstance(capacity, Rates):
            assert moved.mbps(start) == pytest.approx(capacity.mbps(start + by_s))


@pytest.mark.parametrize(
    "fault", [Fault(5, 9), Fault(5, math.inf), Fault(5, 9, every_s=20), Fault(45, 50), Fault(0, 8, every_s=11)]
)
def test_a_fault_seen_later_is_in_force_when_it_is_then(fault: Fault) -> None:
    for by_s in (0.0, 3.0, 7.0, 30.0):
        later = fault.later(by_s)
        for now in (0.5, 2.0, 11.0, 19.5, 60.0):
            assert (later is not None and later.active(now)) == fault.active(now + by_s)
            if later is not None and now >= later.start:
                assert later.changes_after(now) + by_s == pytest.approx(fault.changes_after(now + by_s))


@pytest.mark.parametrize("arriving", [ByTimer(2.0, 0.1), Bursts(4, 1.0, 20.0), AtRandom(Steps([(0.0, 0.5)]))])
def test_arrivals_without_memory_go_on_as_they_were(arriving: Arriving) -> None:
    count, later = (
        sum(1 for at in islice(way.times(Chance(1, "x")), 3000) if at < 1000) for way in (arriving, arriving.later(77))
    )
    assert later == count


def test_recorded_arrivals_go_on_where_the_first_stretch_ends() -> None:
    assert list(Recorded([1.0, 5.0, 9.0]).later(5.0).times(Chance(1, "x"))) == [0.0, 4.0]
    rising = AtRandom(Steps([(0.0, 0.0), (100.0, 1.0)]))
    assert next(rising.later(90.0).times(Chance(1, "x"))) >= 10.0


def test_both_parts_together_have_every_recorded_request() -> None:
    whole = replace(a_setting(), duration_s=60.0)
    parts = first(whole, 36.0), rest(whole, 36.0)
    counts = [sum(1 for _ in World(setting, 1).arrivals()) for setting in (whole, *parts)]
    assert counts[0] == counts[1] + counts[2]
    assert counts[1] > 100


def test_the_rest_has_the_link_the_faults_and_the_charge_of_its_time() -> None:
    fast, slow = worlds.link(name="fast"), worlds.link(name="slow", rtt_s=Steps([(0.0, 0.1), (50.0, 0.4)]))
    setting = a_setting(
        connections=((0.0, fast), (30.0, None), (80.0, slow)),
        faults={"cloud": (Fault(10, 20, black_hole=True), Fault(90, 95, black_hole=True))},
        device=worlds.device(battery_wh=0.1),
        outside=Outside(worlds.LEVEL, worlds.LEVEL, worlds.LEVEL, Steps([(0.0, 22.0)])),
    )
    left = rest(replace(setting, duration_s=200.0), 60.0)
    assert left.duration_s == 140.0
    assert [(at, link and link.name) for at, link in left.connections] == [(0.0, None), (20.0, "slow")]
    link = left.connections[1][1]
    assert link is not None
    assert link.rtt_s.at(0.0) == 0.4
    assert left.faults["cloud"] == (Fault(30, 35, black_hole=True),)
    assert left.battery_share == pytest.approx(1 - 60 * 1.0 / 360, abs=0.01)


def test_a_policy_runs_in_the_rest_as_anywhere() -> None:
    setting = replace(a_setting(), duration_s=60.0)
    assert sum(block.requests for block in run(rest(setting, 30.0), a_policy(), 1).blocks) > 100


def test_a_seed_set_apart_is_another_one_and_the_same_again() -> None:
    assert len({1, apart(1, "held out"), apart(2, "held out"), apart(1, "other")}) == 4
    assert apart(1, "held out") == apart(1, "held out")


def test_what_comes_again_is_told_from_what_is_new() -> None:
    level = replace(a_setting(), duration_s=100.0, streams=(_stream(Bursts(3, 1.0, 9.0)),))
    assert repeats(level, 60.0)
    assert not repeats(replace(level, streams=(_stream(Recorded([1.0, 70.0])),)), 60.0)
    assert repeats(replace(level, streams=(_stream(Recorded([1.0, 50.0])),)), 60.0)
    assert not repeats(replace(level, streams=(_stream(AtRandom(Steps([(0.0, 1.0), (80.0, 2.0)]))),)), 60.0)
    assert not repeats(replace(level, faults={"cloud": (Fault(70, 80),)}), 60.0)
    assert repeats(replace(level, faults={"cloud": (Fault(7, 8, every_s=10),)}), 60.0)
    assert not repeats(replace(level, connections=((0.0, worlds.link()), (90.0, None))), 60.0)
    new = worlds.link(up=Rates([(0.0, 8.0), (4.0, 2.0)], 300.0))
    assert not repeats(replace(level, connections=((0.0, new),)), 60.0)
    again = worlds.link(up=Rates([(0.0, 8.0), (4.0, 2.0)], 30.0), down=Packets([1, 20_000]))
    assert repeats(replace(level, connections=((0.0, again),)), 60.0)
    longer = worlds.link(down=Packets([1, 61_000]))
    assert not repeats(replace(level, connections=((0.0, longer),)), 60.0)


def _stream(arriving: Arriving) -> Stream:
    return replace(a_setting().streams[0], arriving=arriving)
