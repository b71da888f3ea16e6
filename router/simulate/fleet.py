"""Many devices and their common servers: whether they rush at one together, and whether they can make up their minds.

Each device has a world, a link and an agent of its own, with its own chance; the servers are the same for all. Nothing
tells one agent of the others but what they do to the servers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from router.choosing.engine import Decision
from router.choosing.memo import Memo
from router.rules.policy import Policy, Worth
from router.simulate.agenda import Agenda
from router.simulate.agent import Agent
from router.simulate.call import Call
from router.simulate.chance import Chance
from router.simulate.evaluation import evaluate
from router.simulate.outcomes import Outcomes, outcomes_of
from router.simulate.server import Server
from router.simulate.tally import Tally
from router.simulate.world import Setting, World, servers_of
from router.types import DEVICE, Situation
from router.values import value

__all__ = ["FleetOutcomes", "run_fleet", "simulate_fleet"]

_SLICES: Final = 600
_CHOICES: Final = 24
"""That each device keeps: of more than these, in a fleet of thousands, most would never be looked at again."""


@value
class FleetOutcomes:
    """`outcomes` are of all requests of all devices. `calls`: how many calls began in each slice of `slice_s`, by
    target. `switches` and `most_switches`: how often a device's first choice changed from one request to the next, on
    average, and of the device that did it most."""

    outcomes: Outcomes
    devices: int
    slice_s: float
    calls: Mapping[str, tuple[int, ...]]
    switches: float
    most_switches: int


def simulate_fleet(setting: Setting, policy: Policy, seed: int, devices: int) -> FleetOutcomes:
    """Run the scenario on so many devices at once, each under `policy`, against one set of servers."""
    slice_s = setting.duration_s / _SLICES
    calls: Counter[tuple[str, int]] = Counter()
    choosers = [_Watched() for _ in range(devices)]
    tally = _run(setting, policy, seed, partial(_CountingWorld, slice_s=slice_s, calls=calls), choosers, policy.worth)
    servers = [server.name for server in setting.servers]
    targets = (DEVICE, *servers)
    switches = [chooser.switches for chooser in choosers]
    return FleetOutcomes(
        outcomes_of(
            policy.name,
            tally,
            targets,
            Chance(seed, "intervals"),
            max_loss=None if policy.promise is None else policy.promise.max_loss,
            rules=policy.rule_names,
        ),
        devices,
        slice_s,
        {name: tuple(calls[name, slice_] for slice_ in range(_SLICES)) for name in servers},
        sum(switches) / max(1, devices),
        max(switches, default=0),
    )


def run_fleet(setting: Setting, policy: Policy, seed: int, devices: int, *, worth: Worth | None = None) -> Tally:
    """Run as `simulate_fleet` does, and return the sums by blocks, as driver.run does of one device. Devices have the
    chance of seeds that follow one another: two fleets are independent where theirs are `devices` apart."""
    choosers = [Memo(_CHOICES) for _ in range(devices)]
    return _run(setting, policy, seed, World, choosers, policy.worth if worth is None else worth)


def _run(
    setting: Setting,
    policy: Policy,
    seed: int,
    world_of: Callable[[Setting, int, Mapping[str, Server]], World],
    choosers: Sequence[Memo],
    worth: Worth,
) -> Tally:
    evaluation, servers = evaluate(setting, seed, policy.promise), servers_of(setting, seed)
    agenda, tally = Agenda(), Tally(worth)
    worlds = [world_of(setting, seed + number, servers) for number in range(len(choosers))]
    for number, (world, chooser) in enumerate(zip(worlds, choosers, strict=True)):
        agent = Agent(world, policy, chooser, evaluation=evaluation, seed=seed + number, agenda=agenda, tally=tally)
        agent.start()
    agenda.run()
    tally.spend(math.fsum(world.last_tail_j() for world in worlds))
    return tally


class _CountingWorld(World):
    """Counts the calls that begin in it."""

    def __init__(
        self,
        setting: Setting,
        seed: int,
        servers: Mapping[str, Server],
        *,
        slice_s: float,
        calls: Counter[tuple[str, int]],
    ) -> None:
        super().__init__(setting, seed, servers)
        self._slice_s = slice_s
        self._calls = calls

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
        """See World."""
        self._calls[target, int(now / self._slice_s)] += 1
        return super().call(target, model, now, number, again, upload_bytes=upload_bytes, until=until)


class _Watched(Memo):
    """Counts how often the first choice is another than before."""

    def __init__(self) -> None:
        super().__init__(_CHOICES)
        self.switches = 0
        self._first: str | None = None

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        """See Memo."""
        decision = super().decide(policy, situation)
        first = None if decision.plan is None else decision.plan.legs[0].target
        if self._first is not None and first != self._first:
            self.switches += 1
        self._first = first
        return decision
