"""What the upper bound has to know of: ways to spend less that are no call's own gain."""

from __future__ import annotations

import pytest

from router.rules.compile import compile_policy
from router.simulate.arriving import Recorded
from router.simulate.bound import least_possible
from router.simulate.driver import simulate
from router.simulate.faults import Fault
from router.simulate.workload import Stream
from tests.router.simulate.worlds import model, server, setting

POLICY = compile_policy(b'schema = 1\nname = "p"\nversion = 1\nmode = "prefer_in_cloud"\n[worth]\nsecond = 0.001\n')


@pytest.mark.parametrize(
    "fault", [{"error_share": 1.0}, {"error_share": 1.0, "code": "INTERNAL"}, {"black_hole": True}]
)
def test_a_call_to_a_server_that_answers_nobody_wakes_the_radio_for_the_next_one(fault: dict[str, object]) -> None:
    """Whoever knew everything could not have it woken so, and did worse than a simple rule: a score above 1."""
    of = model()
    during = Stream("during", of, 0.35, ((1.0, "public"),), Recorded([99.6]))
    after = Stream("after", of, 0.6, ((1.0, "public"),), Recorded([100.5]))
    outage = {"cloud": (Fault(90.0, 100.0, **fault),)}  # type: ignore[arg-type]  # parametrized
    world = setting(server(), streams=(during, after), models={"m": of}, faults=outage, duration_s=200.0)
    found = simulate(world, POLICY, 1)
    assert found.shares["cloud"].value == 0.5
    assert least_possible(world, POLICY, 1) <= found.cost.value * found.requests
