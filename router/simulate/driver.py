"""`simulate`: one policy, or a baseline in its place, through one world. Pure, and equal for equal arguments.

The agent decides, asks and learns with the router's own code (agent.py); the world answers (world.py); the agenda says
what comes first. Nothing is kept of a request that ended but its place in the sums."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from router.choosing.engine import Decision
from router.choosing.memo import Memo
from router.rules.policy import Policy, Worth
from router.running.breaker import BreakerSettings
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent, Chooser
from router.simulate.baselines import Baseline, decide_by
from router.simulate.chance import Chance
from router.simulate.evaluation import evaluate
from router.simulate.informed import Knowing, Knows
from router.simulate.outcomes import Outcomes, outcomes_of
from router.simulate.recording import Recorder
from router.simulate.tally import Tally
from router.simulate.world import Setting, World
from router.types import DEVICE, Situation

__all__ = ["run", "simulate"]

_NEVER_OPENS: Final = BreakerSettings(consecutive=1 << 62, min_calls=1 << 62)


def simulate(
    setting: Setting, policy: Policy, seed: int, *, baseline: Baseline | None = None, worth: Worth | None = None
) -> Outcomes:
    """Run the whole scenario under `policy`; with a `baseline` that one chooses, and the policy says what things are
    worth and where requests may go. Costs are told by `worth`, the policy's own where it is left out."""
    tally = run(setting, policy, seed, baseline=baseline, worth=worth)
    name = policy.name if baseline is None else baseline.name
    targets = (DEVICE, *(server.name for server in setting.servers))
    promise = policy.promise if baseline is None else None
    return outcomes_of(
        name,
        tally,
        targets,
        Chance(seed, "intervals"),
        max_loss=None if promise is None else promise.max_loss,
        rules=policy.rule_names if baseline is None else (),
    )


def run(
    setting: Setting,
    policy: Policy,
    seed: int,
    *,
    baseline: Baseline | None = None,
    worth: Worth | None = None,
    recorder: Recorder | None = None,
    knowing: Knows | None = None,
) -> Tally:
    """Run as `simulate` does, and return the sums by blocks. Runs of one setting and seed have the same blocks of the
    same requests, but for those that end in another order, so that two policies can be compared block by block.

    A `recorder` watches what happens when, and changes nothing of it. `knowing` has the policy decide by what is true
    instead of what it learns: see informed.py."""
    # A baseline keeps what its rule keeps, and promises nothing.
    evaluation = evaluate(setting, seed, policy.promise if baseline is None else None)
    agenda, counted = Agenda(), policy.worth if worth is None else worth
    tally = Tally(counted) if recorder is None else recorder.tally(counted, agenda)
    world = World(setting, seed) if recorder is None else recorder.world(setting, seed)
    chooser: Chooser = Memo() if baseline is None else _ByBaseline(baseline, Chance(seed, "baseline"))
    if knowing is not None:
        chooser = Knowing(setting, world, seed, knowing)
    if baseline is not None and baseline.stubborn:
        policy = replace(policy, breaker=_NEVER_OPENS)
    agent = Agent(
        world,
        policy,
        chooser if recorder is None else recorder.chooser(chooser),
        evaluation=evaluation,
        seed=seed,
        agenda=agenda,
        tally=tally,
    )
    agent.start()
    agenda.run()
    tally.spend(world.last_tail_j())
    return tally


class _ByBaseline:
    """A baseline in the engine's place."""

    def __init__(self, baseline: Baseline, chance: Chance) -> None:
        self._baseline = baseline
        self._chance = chance

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        return decide_by(self._baseline, policy, situation, self._chance.uniform())
