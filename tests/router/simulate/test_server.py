"""A server under load: who waits, who is refused, and what is said of it."""

from __future__ import annotations

import math
import statistics

import pytest

from router.simulate.curve import Steps
from router.simulate.faults import Fault
from router.simulate.world import World, servers_of
from tests.router.simulate.worlds import run_all, server, setting


def test_calls_that_would_wait_for_too_long_are_refused_with_a_time_to_come_again() -> None:
    world = World(setting(server(queue_target_s=0.05)), 1)
    calls = [world.call("cloud", "m", 100.0, number) for number in range(12)]
    run_all(*calls)
    refused = [call for call in calls if call.failure]
    # A run takes 20 ms: the first runs, two may wait behind it before 50 ms are reached.
    assert 0 < len(refused) < len(calls)
    assert {call.failure for call in refused} == {"OVERLOADED"}
    assert all(0.05 <= call.pushback_s <= 10.0 for call in refused)
    assert max(call.queue_s for call in calls if not call.failure) <= 0.05 + 0.02


def test_a_slow_server_lets_fewer_wait() -> None:
    def waiting(slow: float) -> int:
        faults = {"cloud": (Fault(0.0, math.inf, slow=slow),)} if slow > 1 else {}
        world = World(setting(server(queue_target_s=0.2), faults=faults), 1)
        calls = [world.call("cloud", "m", 100.0, number) for number in range(20)]
        run_all(*calls)
        return sum(not call.failure for call in calls)

    assert waiting(10.0) < waiting(1.0)


def test_refusals_that_go_on_ask_callers_to_stay_away_and_a_pause_ends_it() -> None:
    world = World(setting(server(queue_limit=0, queue_target_s=0.0)), 1)
    jobs = [world.call("cloud", "m", 100.0 + number * 0.005, number) for number in range(600)]
    run_all(*jobs)
    asked = [job.told_stay_local_s for job in jobs if job.failure]
    assert asked[0] == 0.0
    assert max(asked) >= 2.0
    later = world.call("cloud", "m", 120.0, 1000)
    run_all(later)
    assert (later.failure, later.told_stay_local_s) == ("", 0.0)


def test_a_server_that_tells_nothing_tells_nothing() -> None:
    world = World(setting(server(tells_load=False, pushes_back=False, queue_limit=0)), 1)
    first, second = world.call("cloud", "m", 100.0, 1), world.call("cloud", "m", 100.0, 2)
    run_all(first, second)
    assert (first.told_queue_s, second.failure, second.pushback_s) == (None, "OVERLOADED", 0.0)


def test_a_call_that_cannot_be_done_by_its_deadline_is_dropped_and_frees_its_place() -> None:
    world = World(setting(), 1)
    calls = [world.call("cloud", "m", 100.0, number, until=100.91) for number in range(4)]
    ended = run_all(*calls)
    assert [call in ended for call in calls] == [True, True, False, False]
    assert world.servers["cloud"].served == 2
    assert world.servers["cloud"].wait_s() == 0.0


def test_a_call_that_was_dropped_has_left_the_queue_once() -> None:
    """It was counted out when it was dropped, and again when its caller gave up: queues of less than nothing were told,
    and callers expected answers before they asked."""
    world = World(setting(), 1)
    calls = [world.call("cloud", "m", 100.0, number, until=100.91) for number in range(4)]
    ended = run_all(*calls)
    for call in calls:
        if call not in ended:
            call.cancel(101.0)
    later = [world.call("cloud", "m", 102.0, 10 + number) for number in range(3)]
    run_all(*later)
    assert [call.failure for call in later] == ["", "", ""]
    assert min(call.told_queue_s for call in later if call.told_queue_s is not None) >= 0.0


def test_worlds_that_share_a_server_wait_for_each_other() -> None:
    of = setting()
    shared = servers_of(of, 1)
    one, other = World(of, 1, shared), World(of, 2, shared)
    jobs = [one.call("cloud", "m", 100.0), other.call("cloud", "m", 100.0)]
    run_all(*jobs)
    assert sorted(call.queue_s for call in jobs) == [0.0, pytest.approx(0.02)]


def test_others_keep_calls_waiting_as_erlang_says() -> None:
    world = World(setting(server(workers=2, busy=Steps([(0.0, 0.8)]))), 1)
    waits = []
    for number in range(4000):
        call = world.call("cloud", "m", 100.0 * (number + 1), number)
        run_all(call)
        waits.append(call.queue_s)
    # M/M/2 at 0.8: 71 % wait, for 1 / (2 · 0.2) runs on average.
    assert sum(wait > 0 for wait in waits) / len(waits) == pytest.approx(0.711, abs=0.03)
    assert statistics.fmean(waits) == pytest.approx(0.711 * 0.02 / 0.4, rel=0.1)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_faults_fail_their_share_of_calls_with_their_code(share: float) -> None:
    fault = Fault(0.0, math.inf, error_share=share, code="INTERNAL", pushback_s=2.0)
    world = World(setting(faults={"cloud": (fault,)}), 1)
    calls = [world.call("cloud", "m", 10.0 * number, number) for number in range(1, 1001)]
    run_all(*calls)
    failed = [call for call in calls if call.failure]
    assert len(failed) / len(calls) == pytest.approx(share, abs=0.05)
    assert {(call.failure, call.pushback_s) for call in failed} == {("INTERNAL", 2.0)}


def test_the_same_request_meets_the_same_fate_whatever_else_is_done() -> None:
    of = setting(server(spread=0.3), faults={"cloud": (Fault(0.0, math.inf, error_share=0.5),)})
    alone, among = World(of, 1), World(of, 1)
    run_all(*(among.call("cloud", "m", 10.0 * number, number) for number in range(50, 90)))
    one, same = alone.call("cloud", "m", 5000.0, 7), among.call("cloud", "m", 5000.0, 7)
    run_all(one)
    run_all(same)
    assert (one.failure, one.run_s) == (same.failure, same.run_s)
