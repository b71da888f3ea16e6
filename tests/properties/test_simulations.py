"""What must never be true, held after every step of simulations of small worlds in which much goes wrong."""

from __future__ import annotations

import math
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from router import breaker
from router.compile import compile_policy
from router.memo import Memo
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.arriving import Recorded
from router.simulate.call import Call
from router.simulate.chance import Chance
from router.simulate.device import Run
from router.simulate.evaluation import evaluate
from router.simulate.faults import Fault
from router.simulate.tally import Tally
from router.simulate.workload import Stream
from router.simulate.world import Setting, World
from router.types import Kind
from tests.properties.effort import tries
from tests.router.simulate import worlds

KINDS = {"device": Kind.DEVICE, "fog": Kind.FOG, "cloud": Kind.CLOUD}
HEAD = """
schema = 1
name = "drawn"
version = 1
targets = { fog = {}, cloud = {} }
breaker = { consecutive = 3, min_calls = 6, open_s = 5, max_open_s = 20 }
labels.public = ["device", "fog", "cloud"]
labels.near = ["device", "fog"]
labels.secret = ["device"]
"""
BODIES = [
    "",
    "[escalation]\nbelow = 0.7\n",
    'mode = "prefer_in_cloud"\n',
    'mode = "only_in_cloud"\n',
    "[worth]\nsecond = 5.0\nwrong_answer = 3.0\n",
]
SETTLED_S = 1e-9

instants = st.floats(0, 30)
faults = st.lists(
    st.builds(
        lambda start, length, kind: Fault(start, start + length, **kind),
        instants,
        st.floats(0.1, 20),
        st.sampled_from(
            [
                {"black_hole": True},
                {"error_share": 0.7},
                {"error_share": 1.0, "code": "OVERLOADED", "pushback_s": 2.0},
                {"error_share": 1.0, "code": "SECURITY_ERROR"},
                {"slow": 20.0},
                {"delay_s": 0.5},
            ]
        ),
    ),
    max_size=3,
).map(tuple)


@st.composite
def settings(draw: st.DrawFn) -> Setting:
    servers = (
        worlds.server("fog", kind=Kind.FOG, rtt_s=0.005, spread=0.3, queue_limit=draw(st.integers(0, 3))),
        worlds.server("cloud", rtt_s=0.03, spread=0.3, workers=draw(st.integers(1, 2))),
    )
    model = worlds.model(["fog", "cloud"], device_s=draw(st.sampled_from([0.002, 0.02, 0.2, None])))
    gaps = draw(st.lists(st.sampled_from([0.0, 0.001, 0.03, 0.5, 6.0, 15.0]), min_size=1, max_size=40))
    labels = ((0.5, "public"), (0.7, "near"), (0.9, "secret"), (1.0, None))
    stream = Stream(
        "app", model, draw(st.sampled_from([0.005, 0.05, 0.3, 2.0])), labels, Recorded(list(accumulate(gaps)))
    )
    out = draw(st.sampled_from([(), ((5.0, None),), ((5.0, None), (15.0, worlds.link()))]))
    return worlds.setting(
        *servers,
        duration_s=1e9,
        device=worlds.device(spread=0.3, runs_at_once=draw(st.integers(1, 2))),
        connections=((0.0, worlds.link(jitter=0.2, radio=worlds.radio(wake_spread=0.3))), *out),
        models={"m": model},
        streams=(stream,),
        faults={"fog": draw(faults), "cloud": draw(faults)},
    )


class WatchedWorld(World):
    """Sees every request that reaches a target, as it does."""

    agent: Agent
    asked: set[tuple[int, str]]

    def run_device(self, model: str, now: float, number: int = 0) -> Run:
        self._see("device", number, now)
        return super().run_device(model, now, number)

    def call(
        self,
        target: str,
        model: str,
        now: float,
        number: int = 0,
        again: int = 0,
        *,
        upload_bytes: int | None = None,
        until: float = math.inf,
    ) -> Call:
        self._see(target, number, now)
        return super().call(target, model, now, number, again, upload_bytes=upload_bytes, until=until)

    def _see(self, target: str, number: int, now: float) -> None:
        pending = self.agent.open[number]
        policy, label = self.agent.policy, pending.arrival.label
        assert policy.permits(label, target, KINDS[target]), "a request reached a target that its label forbids"
        assert (number, target) not in self.asked, "a target was asked twice"
        self.asked.add((number, target))
        assert now < pending.decision.situation.request.deadline, "something was started after the deadline"


def _watched(setting: Setting, body: str) -> tuple[Agenda, Agent, Tally]:
    policy = compile_policy((HEAD + body).encode(), targets=KINDS)
    agenda, tally = Agenda(), Tally(policy.worth)
    world = WatchedWorld(setting, 1)
    agent = Agent(
        world,
        policy,
        Memo(),
        evaluation=evaluate(setting, 1),
        chance=Chance(1, "agent"),
        agenda=agenda,
        tally=tally,
    )
    world.agent, world.asked = agent, set()
    agent.start()
    return agenda, agent, tally


@tries(60)
@given(settings(), st.sampled_from(BODIES))
def test_what_must_never_be_true_is_not_after_any_step(setting: Setting, body: str) -> None:
    agenda, agent, tally = _watched(setting, body)
    phases: dict[str, breaker.BreakerPhase] = {}
    while agenda.step():
        total = tally.total()
        assert total.requests + len(agent.open) == agent.requests, "requests differ from the sum of their outcomes"
        for pending in agent.open.values():
            assert pending.decision.situation.request.deadline >= agenda.now - SETTLED_S, (
                "it goes on after its deadline"
            )
            assert pending.flights or pending.decision.plan is None, "nobody will ever end it"
        for target in ("fog", "cloud"):
            before, after = phases.get(target), agent.experience.phase(target, agenda.now)
            # An open breaker may half-open and open again between two steps.
            assert before is not breaker.BreakerPhase.OPEN or after is not breaker.BreakerPhase.CLOSED
            phases[target] = after
    total = tally.total()
    assert not agent.open
    assert total.requests == sum(total.by_target.values()) + total.failed + total.missed
