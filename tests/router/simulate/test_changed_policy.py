"""A simulated agent whose policy is replaced while it runs."""

from __future__ import annotations

from router.choosing.memo import Memo
from router.rules.policy import Policy
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.evaluation import evaluate
from router.simulate.tally import Ended, Tally
from router.simulate.world import World
from tests.router.simulate.runs import a_policy, a_setting


def test_what_comes_after_another_policy_is_decided_by_it_with_what_was_learnt_before() -> None:
    ended: list[Ended] = []

    class Diary(Tally):
        def add(self, one: Ended) -> float:
            ended.append(one)
            return super().add(one)

    class Change:
        def __init__(self, agent: Agent, policy: Policy) -> None:
            self.agent, self.policy = agent, policy
            self.knew = 0

        def due(self, now: float) -> None:
            self.agent.adopt(self.policy, now)
            self.knew = self.agent.experience.known.book("device", "m").runs.samples

    setting, agenda = a_setting(200, gap_s=1.0), Agenda()
    before, after = a_policy('mode = "only_on_device"\n'), a_policy('mode = "only_in_cloud"\n')
    world, tally = World(setting, 1), Diary(before.worth)
    agent = Agent(world, before, Memo(), evaluation=evaluate(setting, 1), seed=1, agenda=agenda, tally=tally)
    change = Change(agent, after)
    agenda.put(100.0, change)
    agent.start()
    agenda.run()
    came = [arrival.at for arrival in world.arrivals()]
    by_number = {one.number: one.target for one in ended}
    assert sorted(by_number) == list(range(1, 201))
    assert {by_number[number] for number, at in enumerate(came, start=1) if at < 100} == {"device"}
    assert {by_number[number] for number, at in enumerate(came, start=1) if at > 100} <= {"fog", "cloud"}
    assert change.knew > 20
