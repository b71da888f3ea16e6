"""What a simulated agent knows before its first request, as a real one that has just started does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.choosing.engine import Decision
from router.choosing.memo import Memo
from router.rules.policy import Policy
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.evaluation import evaluate
from router.simulate.tally import Tally
from router.simulate.world import World
from router.types import Situation
from tests.router.simulate.runs import a_policy, a_setting


def test_an_agent_has_run_its_models_before_the_first_request_comes() -> None:
    """A simulated agent began with the policy's belief of the device, and a real one with what it had just seen."""
    setting = a_setting(1)
    agents = []
    for model in ("m", "unknown to the device"):
        facts = replace(setting.models["m"], name=model, device_s=0.01 if model == "m" else None)
        world = World(replace(setting, models={model: facts}), 1)
        agents.append(world.warm_up(model))
    assert agents[0] == pytest.approx([0.01] * 5), "six runs, of which the first was cold, are more than 50 ms"
    assert agents[1] == []


def test_what_the_warm_runs_took_is_what_the_first_decision_knows_of_the_device() -> None:
    decided: list[Situation] = []

    class Watched(Memo):
        def decide(self, policy: Policy, situation: Situation) -> Decision:
            decided.append(situation)
            return super().decide(policy, situation)

    setting, policy, agenda = a_setting(1), a_policy(), Agenda()
    agent = Agent(
        World(setting, 1),
        policy,
        Watched(),
        evaluation=evaluate(setting, 1),
        seed=1,
        agenda=agenda,
        tally=Tally(policy.worth),
    )
    agent.start()
    agenda.run()
    assert decided[0].targets[0].time.median_s == pytest.approx(0.01, rel=0.03)
    assert decided[0].targets[0].time.samples == 5
