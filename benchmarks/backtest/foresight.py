"""The same scene in virtual time: what the simulator makes of each request, with other chance each time. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.backtest.requests import Asked, Seen, seen_of, time_of
from router.choosing.engine import Decision
from router.choosing.memo import Memo
from router.rules.policy import Policy, Worth
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.baselines import Baseline, decide_by
from router.simulate.evaluation import evaluate
from router.simulate.tally import Ended, Tally
from router.simulate.world import Setting, World
from router.types import Situation

__all__ = ["ByRule", "foresee"]


class ByRule(Memo):
    """A simple rule in the place of what decides."""

    def __init__(self, rule: Baseline) -> None:
        super().__init__()
        self._rule = rule

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        """Return what the rule decides. None of those that are tried here draws."""
        return decide_by(self._rule, policy, situation, 0.0)


def foresee(
    setting: Setting,
    policies: Sequence[tuple[float, Policy]],
    asked: Sequence[Asked],
    seed: int,
    rule: Baseline | None = None,
) -> list[Seen]:
    """Return what comes of the requests, in their order. `policies` are those in force, each from its instant on; costs
    are by the first one's worth. A `rule` decides in their place."""
    world, agenda, diary = World(setting, seed), Agenda(), _Diary(policies[0][1].worth)
    watched = _Watched(Memo() if rule is None else ByRule(rule))
    agent = Agent(
        world,
        policies[0][1],
        watched,
        evaluation=evaluate(setting, seed, policies[0][1].promise),
        seed=seed,
        agenda=agenda,
        tally=diary,
    )
    for at, policy in policies[1:]:
        agenda.put(at, _Swap(agent, policy))
    agent.start()
    agenda.run()
    return [_seen(one, diary, decision) for one, decision in zip(asked, watched.decisions, strict=True)]


def _seen(asked: Asked, diary: _Diary, decision: Decision) -> Seen:
    ended, plan = diary.ended[asked.number], decision.plan
    alone = plan is not None and plan.legs[0].target == ended.target and not (ended.escalated or ended.besides)
    predicted = time_of(decision, ended.target) if alone and ended.target is not None else None
    return seen_of(asked, ended, diary.worth, predicted)


class _Swap:
    """Another policy comes into force. See agenda.Due."""

    def __init__(self, agent: Agent, policy: Policy) -> None:
        self._agent = agent
        self._policy = policy

    def due(self, now: float) -> None:
        self._agent.adopt(self._policy, now)


class _Diary(Tally):
    """A tally that keeps each request."""

    def __init__(self, worth: Worth) -> None:
        super().__init__(worth)
        self.worth = worth
        self.ended: dict[int, Ended] = {}

    def add(self, ended: Ended) -> float:
        self.ended[ended.number] = ended
        return super().add(ended)


class _Watched(Memo):
    """Whoever decides, and what was decided, in the order of the requests."""

    def __init__(self, memo: Memo) -> None:
        super().__init__()
        self._memo = memo
        self.decisions: list[Decision] = []

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        decision = self._memo.decide(policy, situation)
        self.decisions.append(decision)
        return decision
