"""What must never be true, held after every step of simulations of small worlds in which much goes wrong."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from router.choosing.memo import Memo
from router.rules.compile import compile_policy
from router.running import breaker
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.call import Call
from router.simulate.device import Run
from router.simulate.evaluation import evaluate
from router.simulate.tally import Tally
from router.simulate.world import Setting, World
from tests.properties.effort import tries
from tests.properties.simulated import BODIES, HEAD, KINDS, settings

SETTLED_S = 1e-9


class WatchedWorld(World):
    """Sees every request that reaches a target, as it does."""

    agent: Agent
    asked: set[tuple[int, str, int]]

    def run_device(self, model: str, now: float, number: int = 0) -> Run:
        self._see("device", number, 0, now)
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
        self._see(target, number, again, now)
        return super().call(target, model, now, number, again, upload_bytes=upload_bytes, until=until)

    def _see(self, target: str, number: int, again: int, now: float) -> None:
        pending = self.agent.open[number]
        policy, label = self.agent.policy, pending.arrival.label
        assert policy.permits(label, target, KINDS[target]), "a request reached a target that its label forbids"
        assert again < self.agent.policy.retry.attempts, "a target was asked too often"
        assert (number, target, again) not in self.asked, "a target was asked twice"
        self.asked.add((number, target, again))
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
        seed=1,
        agenda=agenda,
        tally=tally,
    )
    world.agent, world.asked = agent, set()
    agent.start()
    return agenda, agent, tally


@tries(40)
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
            waits = pending.flights or pending.decision.plan is None or pending.state.again is not None
            assert waits, "nobody will ever end it"
        for target in ("fog", "cloud"):
            before, after = phases.get(target), agent.experience.phase(target, agenda.now)
            # An open breaker may half-open and open again between two steps.
            assert before is not breaker.BreakerPhase.OPEN or after is not breaker.BreakerPhase.CLOSED
            phases[target] = after
    total = tally.total()
    assert not agent.open
    assert total.requests == sum(total.by_target.values()) + total.failed + total.missed
