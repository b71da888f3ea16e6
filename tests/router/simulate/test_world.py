"""What can be done in a simulated world, and what comes of it."""

from __future__ import annotations

import math

import pytest

from router.signals import signal
from router.simulate.curve import Curve, Steps
from router.simulate.device import Outside
from router.simulate.faults import Fault
from router.simulate.world import World
from tests.router.simulate.worlds import device, link, radio, run_all, server, setting

NO_SCREEN = Steps([(0.0, 0.0)])


def test_a_call_takes_its_wake_up_its_upload_its_round_trip_its_run_and_its_download() -> None:
    call = World(setting(), 1).call("cloud", "m", 100.0)
    ended = run_all(call)
    # 0.8 s asleep; 10 kB and 1 kB at 1 MB/s; 60 ms to the edge and 40 ms beyond; 20 ms of run.
    assert ended[call] - 100.0 == pytest.approx(0.8 + 0.010 + 0.1 + 0.02 + 0.001)
    assert call.failure == ""


def test_a_call_right_after_another_finds_the_radio_awake_and_pays_its_tail() -> None:
    world = World(setting(), 1)
    run_all(world.call("cloud", "m", 100.0))
    second = world.call("cloud", "m", 103.0)
    run_all(second)
    idle_s = 103.0 - 100.931
    assert second.wake_s == 0.0
    assert second.idle_s == pytest.approx(idle_s)
    assert second.energy_j == pytest.approx(idle_s * 1.0 + 0.131 * 1.3 + 0.4 * 0.08 + 0.05 * 0.008)


def test_the_first_call_sets_up_its_connection_and_those_that_come_meanwhile_wait_for_it_as_well() -> None:
    """Every simulated call found a connection that nobody had made: live, the first took some round trips longer."""
    world = World(setting(server(connect_round_trips=3.0, rtt_s=0.04, workers=8)), 1)
    first, second = world.call("cloud", "m", 100.0), world.call("cloud", "m", 100.9)
    run_all(first, second)
    assert (first.connect_s, second.connect_s) == (pytest.approx(0.3), pytest.approx(0.2))
    later = world.call("cloud", "m", 102.0)
    assert later.connect_s == 0.0
    assert run_all(later)[later] - 102.0 == pytest.approx(0.010 + 0.1 + 0.02 + 0.001)


def test_a_connection_is_set_up_again_when_it_is_old_and_on_another_link() -> None:
    two = ((0.0, link()), (400.0, link(name="other")))
    world = World(setting(server(connect_round_trips=2.0, connection_s=100.0), connections=two), 1)
    calls = []
    for at in (100.0, 150.0, 250.0, 399.0, 401.0):
        calls.append(world.call("cloud", "m", at))
        run_all(calls[-1])
    assert [call.connect_s > 0 for call in calls] == [True, False, True, True, True]


def test_what_was_sent_of_a_call_that_was_cancelled_while_it_connected_is_nothing() -> None:
    world = World(setting(server(connect_round_trips=2.0)), 1)
    call = world.call("cloud", "m", 100.0)
    call.cancel(100.9)
    assert (call.failure, call.sent_bytes) == ("CANCELLED", 0)


def test_no_connection_comes_of_a_black_hole() -> None:
    hole = {"cloud": (Fault(50.0, 200.0, black_hole=True),)}
    world = World(setting(server(connect_round_trips=2.0), faults=hole), 1)
    assert world.call("cloud", "m", 100.0).next_at == math.inf
    assert world.call("cloud", "m", 300.0).connect_s == pytest.approx(0.2)


def test_calls_wait_for_a_worker_in_the_order_in_which_they_reach_the_server() -> None:
    world = World(setting(), 1)
    first, second = world.call("cloud", "m", 100.0), world.call("cloud", "m", 100.0)
    run_all(first, second)
    assert (first.queue_s, second.queue_s) == (0.0, pytest.approx(0.02 - 0.010))


def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    world = World(setting(server(queue_limit=0)), 1)
    first, second = world.call("cloud", "m", 100.0), world.call("cloud", "m", 100.0)
    run_all(first, second)
    assert first.failure == ""
    assert (second.failure, second.pushback_s) == ("OVERLOADED", 0.05)


def test_a_cancelled_call_gives_its_worker_to_the_next() -> None:
    world = World(setting(), 1)
    first, second = world.call("cloud", "m", 100.0), world.call("cloud", "m", 100.0)
    first.proceed(first.next_at)
    second.proceed(second.next_at)
    assert second.next_at == math.inf
    assert first.cancel(100.9) is second
    assert second.next_at == pytest.approx(100.92)


def test_what_was_handed_to_a_connection_is_sent_though_its_call_was_cancelled() -> None:
    """A call that was given up in an outage was told to have sent nothing; live, all of it was in the socket, and
    counted against the budget."""
    world = World(setting(), 1)
    for at, cancelled_at in ((100.0, 100.805), (200.0, 200.1)):
        call = world.call("cloud", "m", at)
        call.cancel(cancelled_at)
        assert call.sent_bytes == call.upload_bytes == 10_000


def test_nothing_ever_comes_out_of_a_black_hole() -> None:
    world = World(setting(faults={"cloud": (Fault(50.0, 200.0, black_hole=True),)}), 1)
    assert world.call("cloud", "m", 100.0).next_at == math.inf
    later = world.call("cloud", "m", 300.0)
    assert later in run_all(later)


def test_without_a_network_a_call_fails_at_once_and_costs_nothing() -> None:
    call = World(setting(connections=((0.0, None),)), 1).call("cloud", "m", 100.0)
    ended = run_all(call)
    assert ended[call] == pytest.approx(100.001)
    assert (call.failure, call.energy_j, call.sent_bytes) == ("UNAVAILABLE", 0.0, 0)


def test_runs_on_the_device_come_one_after_the_other_and_cost_their_time() -> None:
    world = World(setting(), 1)
    first, second = world.run_device("m", 10.0), world.run_device("m", 10.0)
    ended = run_all(first, second)
    assert (ended[first], ended[second]) == (pytest.approx(10.01), pytest.approx(10.02))
    assert (first.energy_j, second.energy_j) == (pytest.approx(0.02), pytest.approx(0.02))


def test_others_load_and_heat_slow_a_run_down() -> None:
    hot = Outside(Steps([(0.0, 0.5)]), NO_SCREEN, Steps([(0.0, 0.0)]), Steps([(0.0, 60.0)]))
    world = World(setting(outside=hot), 1)
    run = world.run_device("m", 1000.0)
    assert run_all(run)[run] - 1000.0 == pytest.approx(0.01 * 3.0 / 0.75)


def test_a_battery_empties_and_charges_and_an_empty_device_runs_nothing() -> None:
    outside = Outside(Steps([(0.0, 0.0)]), NO_SCREEN, Steps([(0.0, 0.0), (100_000.0, 10.0)]), Steps([(0.0, 22.0)]))
    world = World(setting(outside=outside), 1)
    # 15 Wh at 1 W: half a day is half of it and a bit.
    assert world.readings(27_000.0)["battery_pct"].value == 50.0
    assert not world.readings(27_000.0)["charging"].value
    run = world.run_device("m", 60_000.0)
    run_all(run)
    assert run.failure == "UNAVAILABLE"
    assert world.readings(102_000.0)["charging"].value
    again = world.run_device("m", 102_000.0)
    run_all(again)
    assert again.failure == ""


def test_readings_are_the_same_object_until_the_sensors_are_read_again() -> None:
    world = World(setting(), 1)
    readings = world.readings(10.0)
    assert world.readings(11.9) is readings
    assert world.readings(12.0) is not readings


def test_what_is_asked_for_is_the_same_whatever_was_done() -> None:
    of = setting(times=[1.0, 2.0, 3.0])
    idle, busy = World(of, 7), World(of, 7)
    run_all(busy.call("cloud", "m", 0.0), busy.run_device("m", 0.5))
    assert list(idle.arrivals()) == list(busy.arrivals())
    assert [arrival.truth for arrival in World(of, 8).arrivals()] != [arrival.truth for arrival in idle.arrivals()]


def test_a_device_without_a_battery_has_no_charge_to_read() -> None:
    world = World(setting(device=device(battery_wh=None)), 1)
    assert world.readings(10.0)["battery_pct"].value is None


def test_sensors_say_what_signals_may_say() -> None:
    outside = Outside(Steps([(0.0, 0.4)]), NO_SCREEN, Steps([(0.0, 5.0), (50.0, 0.0)]), Steps([(0.0, 60.0)]))
    world = World(setting(outside=outside), 1)
    for now in (10.0, 100.0):
        for name, reading in world.readings(now).items():
            told = signal(name)
            assert told is not None
            if isinstance(reading.value, float) and not isinstance(reading.value, bool):
                assert told.low <= reading.value <= told.high
            if told.holds == "text":
                assert reading.value in told.one_of
    said = {name: reading.value for name, reading in world.readings(100.0).items()}
    assert (said["cpu_load"], said["throttled"], said["charging"]) == (0.4, True, False)
    assert (said["link"], said["metered"], said["discharge_w"]) == ("cellular", True, pytest.approx(1.8))


HOME = link(name="home", radio=radio(kind="wifi", metered=False, wake_s=Curve([(0.0, 0.0)])))


def test_the_round_trip_is_measured_soon_after_a_request_and_only_where_bytes_cost_nothing() -> None:
    """A simulated agent knew every round trip of the last two seconds, a real one only what a request had asked for."""
    home, street = World(setting(connections=((0.0, HOME),)), 1), World(setting(), 1)
    for world in (home, street):
        assert "rtt_ms" not in world.readings(10.0), "nobody had asked yet"
        assert "rtt_ms" not in world.readings(11.0), "and so soon it is not there"
    reading = home.readings(100.0)["rtt_ms"]
    assert (reading.value, reading.at) == (pytest.approx(100.0), 12.0)
    assert home.readings(101.0)["rtt_ms"] == reading
    assert home.readings(102.0)["rtt_ms"].at == 102.0
    assert "rtt_ms" not in street.readings(100.0)


def test_what_does_not_answer_has_no_round_trip() -> None:
    faults = {"cloud": (Fault(50.0, 60.0, black_hole=True), Fault(70.0, 80.0, delay_s=0.5))}
    world = World(setting(connections=((0.0, HOME),), faults=faults), 1)
    for asked, measured, rtt_ms in ((50.0, 52.0, None), (73.0, 76.0, pytest.approx(600.0))):
        world.readings(asked)
        assert world.readings(measured)["rtt_ms.cloud"].value == rtt_ms


def test_a_probe_sets_up_the_connection() -> None:
    world = World(setting(server(connect_round_trips=2.0), connections=((0.0, HOME),)), 1)
    world.readings(10.0)
    world.readings(13.0)
    assert world.call("cloud", "m", 14.0).connect_s == 0.0


def test_without_a_network_the_sensors_say_so() -> None:
    readings = World(setting(connections=((0.0, None),)), 1).readings(10.0)
    assert (readings["link"].value, readings["metered"].value) == ("none", None)
    assert "rtt_ms" not in readings
