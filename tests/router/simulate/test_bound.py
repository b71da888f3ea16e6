"""What the upper bound has to know of: ways to spend less that are no call's own gain."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from router.choosing.plan import Escalation
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.arriving import Recorded
from router.simulate.baselines import Baseline, Offer, always
from router.simulate.bound import least_possible
from router.simulate.capacity import Rates
from router.simulate.curve import Curve
from router.simulate.driver import simulate
from router.simulate.faults import Fault
from router.simulate.outcomes import Outcomes
from router.simulate.workload import ModelFacts, Stream
from router.simulate.world import Setting
from router.types import TargetView
from tests.router.simulate.worlds import link, model, radio, server, setting

POLICY = compile_policy(b'schema = 1\nname = "p"\nversion = 1\nmode = "prefer_in_cloud"\n[worth]\nsecond = 0.001\n')

# No answer is so bad that nobody is spared one for the time that it would take.
DEAR_SECONDS = "[worth]\nsecond = 1.0\nfailed_request = 1e6\nmissed_deadline = 1e6\n"
DEAR_JOULES = DEAR_SECONDS.replace("second =", "joule =")


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


def _stream(name: str, of: ModelFacts, deadline_s: float, *times: float, label: str = "public") -> Stream:
    return Stream(name, of, deadline_s, ((1.0, label),), Recorded(times))


def _never_above(world: Setting, policy: Policy, *beside: Policy, baseline: Baseline | None = None) -> Outcomes:
    """Hold the bound against all of the policies, and against a baseline; return what the last one came to."""
    bound = least_possible(world, policy, 1, beside=beside)
    for one in (policy, *beside):
        found = simulate(world, one, 1, worth=policy.worth, baseline=baseline)
        assert bound <= found.cost.value * found.requests
    return found


def _policy(body: str) -> Policy:
    return compile_policy(f'schema = 1\nname = "p"\nversion = 1\n{body}'.encode())


def test_the_bound_lets_requests_be_seen_by_whom_any_of_the_policies_permits() -> None:
    """It knew the first policy's labels alone: one that permits more got below it."""
    labels = '[labels]\npublic = ["device", "cloud"]\nsecret = ["device"'
    strict, lenient = _policy(labels + "]\n"), _policy('mode = "prefer_in_cloud"\n' + labels + ', "cloud"]\n')
    world = setting(streams=(_stream("app", model(), 1.0, *range(100, 150), label="secret"),), duration_s=200.0)
    assert _never_above(world, strict, lenient).shares["cloud"].value > 0.9


def test_a_radio_that_is_woken_after_the_deadline_of_a_request_is_awake_for_the_next() -> None:
    """Of a call that began just before its deadline, the waking was taken to be over by then or soon after."""
    slow = radio(wake_s=Curve([(2.0, 0.0), (2.1, 4.0)]), tail_s=0.0)
    of, lasting = model(device_s=4.9), model(name="n", device_s=None)
    first, second = _stream("first", of, 5.0, 100.0), _stream("second", lasting, 9.0, 109.5)
    world = setting(
        streams=(first, second), models={"m": of, "n": lasting}, connections=((0.0, None), (104.5, link(radio=slow)))
    )
    escalating = Baseline("first here, then there", _device_then_cloud)
    _never_above(world, _policy(DEAR_SECONDS), baseline=escalating)


def _device_then_cloud(offer: Offer) -> tuple[Sequence[TargetView], Escalation | None]:
    return offer.all, Escalation("cloud", 1.0) if offer.device else None


def test_a_request_with_a_later_deadline_keeps_the_radio_in_use_beyond_the_next_ones_end() -> None:
    """The state told when the last request had used the radio, and not when any had."""
    # The first call never comes back; it is waited for until its deadline, while a second one is answered.
    hole = {"fog": (Fault(0.0, 200.0, black_hole=True),)}
    lost, quick = model(["fog"], device_s=None), model(["cloud"], name="n", device_s=None)
    streams = (_stream("lost", lost, 9.0, 100.0), _stream("quick", quick, 0.5, 102.0, 112.0))
    slow = radio(wake_s=Curve([(5.0, 0.0), (5.1, 0.4)]))
    world = setting(
        server("fog"),
        server(),
        streams=streams,
        models={"m": lost, "n": quick},
        faults=hole,
        connections=((0.0, link(radio=slow)),),
    )
    _never_above(world, _policy(DEAR_SECONDS), baseline=always("cloud"))
    _never_above(world, _policy('mode = "prefer_in_cloud"\n' + DEAR_SECONDS))


def test_a_call_to_another_server_may_wake_the_radio_before_the_first_one_is_there() -> None:
    """The wake began only once the server could answer: by then somebody else's call had woken the radio."""
    of = model(["cloud", "fog"], device_s=None)
    outage = {
        "fog": (Fault(0.0, 1000.0, error_share=1.0, code="INTERNAL"),),
        "cloud": (Fault(0.0, 100.8, black_hole=True),),
    }
    world = setting(server(), server("fog"), streams=(_stream("app", of, 3.0, 100.0),), models={"m": of}, faults=outage)
    both = Baseline("fog, then cloud", _fog_then_cloud)
    assert _never_above(world, _policy(DEAR_SECONDS), baseline=both).shares["cloud"].value == 1.0


def _fog_then_cloud(offer: Offer) -> tuple[Sequence[TargetView], Escalation | None]:
    return sorted(offer.remotes, key=lambda view: view.name, reverse=True), None


def test_a_radio_that_draws_less_in_use_than_in_its_tail_may_be_used_for_that() -> None:
    """Calls that come to nothing were only looked at where they wake a radio."""
    hungry = radio(wake_s=Curve([(0.0, 0.0)]), tail_s=10.0, tail_w=5.0, connected_w=0.0)
    of, lost = model(device_s=None), model(["fog"], name="n")
    streams = (_stream("app", of, 1.0, 100.0, 109.0), _stream("lost", lost, 8.0, 100.5))
    world = setting(
        server(),
        server("fog"),
        streams=streams,
        models={"m": of, "n": lost},
        faults={"fog": (Fault(0.0, 1000.0, black_hole=True),)},
        connections=((0.0, link(radio=hungry)),),
    )
    _never_above(world, _policy('mode = "prefer_in_cloud"\n' + DEAR_JOULES))


def test_whoever_waits_for_a_link_to_carry_again_before_calling_pays_for_less_of_the_wait() -> None:
    """The radio was taken to be in use from the first moment on until the answer."""
    of = model(device_s=2.0)
    gap = Rates([(0.0, 8.0), (99.0, 0.0), (103.0, 8.0)])
    world = setting(
        streams=(_stream("app", of, 5.0, 100.0),),
        models={"m": of},
        connections=((0.0, link(up=gap, radio=radio(connected_w=10.0))),),
    )
    escalating = Baseline("first here, then there", _device_then_cloud)
    found = _never_above(world, _policy(DEAR_JOULES + "wrong_answer = 1e3\n"), baseline=escalating)
    assert found.shares["cloud"].value == 1.0


def test_an_audit_that_takes_long_keeps_the_radio_awake_for_the_requests_after_it() -> None:
    """Whatever is used for a request was taken to be over by its deadline, and audits have none."""
    of, after = model(upload_bytes=20_000), model(name="n", device_s=None)
    streams = (_stream("audited", of, 0.5, 100.0, 100.1, 100.2, 100.3), _stream("after", after, 9.0, 114.0))
    asleep = radio(wake_s=Curve([(7.0, 0.0), (7.1, 4.0)]))
    world = setting(
        streams=streams,
        models={"m": of, "n": after},
        connections=((0.0, link(up=Rates([(0.0, 0.02), (112.0, 80.0)]), radio=asleep)),),
    )
    _never_above(world, _policy(DEAR_SECONDS + "[promise]\nmax_loss = 0.5\naudit = 0.5\n"))


def test_a_radio_that_somebody_else_is_waking_is_awake_sooner_than_it_could_be_woken() -> None:
    """One that takes its time whenever it is used was woken anew for each of two requests at a time."""
    slow = radio(wake_s=Curve([(0.0, 0.8), (10.0, 0.8)]))
    world = setting(
        streams=(_stream("app", model(device_s=None), 3.0, 100.0, 100.7),),
        models={"m": model(device_s=None)},
        connections=((0.0, link(radio=slow)),),
    )
    _never_above(world, _policy(DEAR_SECONDS), baseline=always("cloud"))


def test_where_nobody_else_can_be_asked_no_run_lets_another_one_pass() -> None:
    """Each request could wait for the next one without taking its place on the device: overload cost nothing."""
    of = model([], device_s=0.15)
    stream = _stream("app", of, 2.0, *(place / 10 for place in range(30)))
    world, policy = setting(streams=(stream,), models={"m": of}), _policy(DEAR_SECONDS)
    found = _never_above(world, policy)
    assert least_possible(world, policy, 1) > 0.75 * found.cost.value * found.requests
