"""Fleets in virtual time against one cloud that becomes slow, or goes away and comes back: no stampede, no flapping."""

from __future__ import annotations

import pytest

from router.rules.compile import compile_policy
from router.simulate.arriving import AtRandom
from router.simulate.curve import Curve, Steps
from router.simulate.faults import Fault
from router.simulate.fleet import FleetOutcomes, simulate_fleet
from router.simulate.workload import Stream
from tests.router.simulate import worlds
from tests.router.simulate.runs import KINDS

POLICY = 'schema = 1\nname = "fleet"\nversion = 1\ntargets = { cloud = {} }\nworth = { second = 0.3 }\n'
NEVER = 'escalation = { below = "never" }\n'


def _fleet(
    devices: int, fault: Fault | None, *, duration_s: float, every_s: float = 2.0, more: str = ""
) -> FleetOutcomes:
    """Phones on Wi-Fi that ask about once in `every_s`; the cloud has a quarter more workers than they need, ten times
    slower it has far too few."""
    workers = max(1, round(devices / every_s * 0.02 * 1.25) + 1)
    cloud = worlds.server("cloud", spread=0.2, workers=workers, queue_limit=devices, queue_target_s=0.1)
    model = worlds.model(["cloud"], device_s=0.05)
    stream = Stream("app", model, 1.0, ((1.0, "public"),), AtRandom(Steps([(0.0, 1 / every_s)])))
    wifi = worlds.link(
        name="wifi", radio=worlds.radio(kind="wifi", metered=False, wake_s=Curve([(0.0, 0.0)]), tail_s=0.0)
    )
    setting = worlds.setting(
        cloud,
        duration_s=duration_s,
        faults={} if fault is None else {"cloud": (fault,)},
        models={"m": model},
        streams=(stream,),
        connections=((0.0, wifi),),
    )
    return simulate_fleet(setting, compile_policy((POLICY + more).encode(), targets=KINDS), 1, devices)


def _a_second(found: FleetOutcomes, start_s: float, end_s: float) -> list[int]:
    """Return how many calls began in each second."""
    each, calls = round(1 / found.slice_s), found.calls["cloud"]
    return [sum(calls[at : at + each]) for at in range(round(start_s) * each, round(end_s) * each, each)]


def _all_answered(found: FleetOutcomes) -> None:
    answered = sum(share.value for share in found.outcomes.shares.values())
    assert answered == pytest.approx(1.0, abs=0.001)


@pytest.mark.wide
def test_a_fleet_on_a_sound_cloud_asks_it_steadily() -> None:
    found = _fleet(40, None, duration_s=30.0, more=NEVER)
    _all_answered(found)
    assert found.outcomes.shares["cloud"].value > 0.9
    assert found.switches < 1.0


@pytest.mark.wide
@pytest.mark.parametrize("more", ["", NEVER], ids=["escalating", "asked at once"])
def test_A3_B4_a_cloud_that_becomes_ten_times_slower_under_200_devices_meets_no_stampede_and_no_flapping(
    more: str,
) -> None:
    found = _fleet(200, Fault(20.0, 40.0, slow=10.0), duration_s=60.0, more=more)
    _all_answered(found)
    steady = sum(_a_second(found, 5.0, 20.0)) / 15
    during, after = _a_second(found, 22.0, 40.0), _a_second(found, 40.0, 60.0)
    assert sum(during) / len(during) < 0.8 * steady, "it is spared"
    assert max([*during, *after]) < 2 * steady, "nobody rushes at it, then or when it is well again"
    assert sum(after[10:]) / 10 > 0.8 * steady, "it is asked again"
    # Some thirty requests each, and two changes: away from it and back; what cannot be served has to go one way.
    assert found.switches < 6.0


@pytest.mark.wide
@pytest.mark.slow
def test_B5_1000_devices_come_back_to_a_cloud_one_by_one() -> None:
    found = _fleet(1000, Fault(15.0, 35.0, error_share=1.0), duration_s=100.0, every_s=4.0)
    _all_answered(found)
    steady = sum(_a_second(found, 5.0, 15.0)) / 10
    back = _a_second(found, 35.0, 100.0)
    assert max(back) < 2 * steady
    assert sum(back[:5]) < sum(back[30:35]), "the load ramps"
    assert sum(back[-10:]) / 10 > 0.8 * steady, "and all of them are back"
