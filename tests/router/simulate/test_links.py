"""Going over from one network to another, and what a radio and a phone make of time."""

from __future__ import annotations

import math

import pytest

from router.simulate.curve import Curve, Steps
from router.simulate.link import LinkModel
from router.simulate.thermal import Body, ThermalModel
from router.simulate.world import World
from tests.router.simulate.worlds import link, radio, run_all, setting

HOME = link(name="home", radio=radio(kind="wifi", wake_s=Curve([(0.0, 0.0)])))


def _moving(*connections: tuple[float, LinkModel | None]) -> World:
    return World(setting(connections=connections), 1)


def test_a_call_under_way_is_lost_where_the_network_changes() -> None:
    world = _moving((0.0, link()), (100.85, HOME))
    call = world.call("cloud", "m", 100.0)
    assert run_all(call)[call] == 100.85
    assert (call.failure, call.detail) == ("UNAVAILABLE", "the network changed")
    after = world.call("cloud", "m", 101.0)
    run_all(after)
    assert (after.failure, after.wake_s) == ("", 0.0)


def test_a_call_that_waits_at_the_server_is_lost_too_and_frees_its_place() -> None:
    world = _moving((0.0, link()), (100.89, None))
    calls = [world.call("cloud", "m", 100.0, number) for number in range(4)]
    ended = run_all(*calls)
    assert set(ended.values()) == {100.89}
    assert world.servers["cloud"].wait_s() == 0.0


def test_where_there_is_no_network_the_radio_has_no_past() -> None:
    world = _moving((0.0, None), (50.0, link()))
    assert world.idle_s(10.0) is None
    assert world.idle_s(60.0) is None
    run_all(world.call("cloud", "m", 60.0))
    assert world.idle_s(70.0) == pytest.approx(70.0 - 60.931)


def test_a_measured_wake_up_curve_is_followed_between_its_points() -> None:
    """Half an idle period is not asleep, and not awake either: the curve is as it was measured."""
    curve = Curve([(0.0, 0.0), (5.0, 0.1), (15.0, 0.9), (60.0, 1.2)])
    for idle_s, expected in ((2.5, 0.05), (5.0, 0.1), (10.0, 0.5), (60.0, 1.2), (1e6, 1.2)):
        assert curve.at(idle_s) == pytest.approx(expected)
    world = World(setting(connections=((0.0, link(radio=radio(wake_s=curve))),)), 1)
    first = world.call("cloud", "m", 100.0)
    end = run_all(first)[first]
    second = world.call("cloud", "m", end + 10.0)
    assert (first.wake_s, second.wake_s) == (pytest.approx(1.2), pytest.approx(0.5))


def test_two_calls_at_once_wake_the_radio_once_and_pay_for_it_once() -> None:
    world = World(setting(), 1)
    first, second = world.call("cloud", "m", 100.0, 1), world.call("cloud", "m", 100.1, 2)
    ends = run_all(first, second)
    assert second.wake_s == pytest.approx(0.7)
    connected = max(ends.values()) - 100.8
    moved = 2 * (0.4 * 0.08 + 0.05 * 0.008)
    assert first.energy_j + second.energy_j == pytest.approx(0.8 * 1.2 + connected * 1.3 + moved)


def test_the_tail_behind_the_last_call_is_told_at_the_end() -> None:
    world = World(setting(), 1)
    assert world.last_tail_j() == 0.0
    run_all(world.call("cloud", "m", 100.0))
    assert world.last_tail_j() == pytest.approx(10.0)


def test_a_probe_keeps_the_radio_awake_and_needs_no_model() -> None:
    world = World(setting(), 1)
    probe = world.probe("cloud", 100.0)
    run_all(probe)
    assert (probe.failure, probe.run_s) == ("", 0.0)
    assert world.call("cloud", "m", 105.0).wake_s == 0.0


def test_a_body_warms_towards_where_its_power_holds_it_and_cools_again() -> None:
    model = ThermalModel(8.0, 100.0, 2.0, Curve([(40.0, 1.0), (60.0, 3.0)]))
    body, steps = Body(model, 20.0), Body(model, 20.0)
    body.advance(800.0, 2.0, 1.5, 20.0)
    for _ in range(800):
        steps.advance(1.0, 2.0, 1.5, 20.0)
    assert body.skin_c == pytest.approx(20 + 16 * (1 - math.exp(-1)))
    assert steps.skin_c == pytest.approx(body.skin_c)
    assert body.die_c == pytest.approx(body.skin_c + 3.0)
    body.advance(1e6, 0.0, 0.0, 20.0)
    assert body.die_c == pytest.approx(20.0)


def test_what_is_asked_for_heats_the_device_and_empties_its_battery() -> None:
    busy, idle = World(setting(), 1), World(setting(), 1)
    for number in range(3000):
        run_all(busy.run_device("m", number * 0.02, number))
    run_all(*(busy.call("cloud", "m", 60.0 + number, number) for number in range(20)))
    warm, cool = busy.readings(120.0), idle.readings(120.0)
    assert warm["temperature_c"].value > cool["temperature_c"].value  # type: ignore[operator]  # both are numbers
    assert busy.device.charge_j < idle.device.charge_j - 30


def test_steps_come_again_after_their_period() -> None:
    steps = Steps([(0.0, 1.0), (10.0, 2.0)], 15.0)
    assert [steps.at(at) for at in (0.0, 12.0, 15.0, 26.0)] == [1.0, 2.0, 1.0, 2.0]
    assert [steps.holds_until(at) for at in (0.0, 12.0, 15.0, 26.0)] == [10.0, 15.0, 25.0, 30.0]
