"""Synthetic logs with a known truth: requests whose outcome under each plan is drawn before anybody decides.

What is right and how long a target takes does not depend on what was done to earlier requests, so the truth of a policy
is the mean of what its own choices would have come to, over the very same requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from router.choosing.engine import Decision, decide
from router.rules.policy import Policy
from router.running.attempt import Ending, Outcome
from router.simulate.chance import Chance
from router.spending.expense import Expense
from router.telling.record import Record
from router.types import DEVICE, Kind, Request, Situation
from tests.router.situations import policy_of, situation, target

__all__ = ["EXPLORING", "World", "log_of", "record_of", "truth_of"]

EXPLORING = policy_of("[exploration]\nshare = 0.3\n")


@dataclass(frozen=True, slots=True)
class World:
    """One request as it would go at each target: seconds and joules, as they turn out."""

    situation: Situation
    seconds: dict[str, float]
    joules: dict[str, float]


def worlds(count: int, seed: int) -> Iterator[World]:
    """Yield requests: some where the cloud is far, some where the device is slow."""
    chance = Chance(seed, "worlds")
    for number in range(count):
        device_ms, cloud_ms = 5 + 60 * chance.uniform(), 20 + 120 * chance.uniform()
        draw = chance.uniform()
        base = situation(
            target("device", median_ms=device_ms), target("cloud", median_ms=cloud_ms, p_wrong=0.02), left_ms=400
        )
        request = Request(f"r-{seed}-{number}", "m", "public", base.request.deadline + number, True)
        # What turns out is not what is expected: the model of DR is wrong by a factor, and there is noise.
        seconds = {
            "device": device_ms / 1000 * (0.7 + chance.uniform()),
            "cloud": cloud_ms / 1000 * (0.9 + 0.6 * chance.uniform()),
        }
        joules = {"device": 0.02 + 0.05 * chance.uniform(), "cloud": 0.1 + 0.1 * chance.uniform()}
        now = replace(base, request=request, now=base.now + number, draw=draw)
        yield World(now, seconds, joules)


def record_of(world: World, decision: Decision) -> Record:
    """Return the record of a request that was decided so."""
    assert decision.plan is not None
    first = decision.plan.legs[0].target
    cloud = first != DEVICE
    return Record(
        decision=decision,
        outcome=Outcome(Ending.ANSWERED, first, ()),
        began_utc=1_700_000_000.0 + world.situation.now,
        taken_s=world.seconds[first],
        expense=Expense(world.joules[first], 0.0002 if cloud else 0.0, 1000 if cloud else 0, 80 if cloud else 0),
    )


def log_of(policy: Policy, count: int, seed: int) -> Iterator[Record]:
    """Yield what an agent under `policy` writes down."""
    for world in worlds(count, seed):
        yield record_of(world, decide(policy, world.situation))


def truth_of(policy: Policy, count: int, seed: int) -> dict[str, float]:
    """Return what `policy` comes to over the same requests, without exploring."""
    seconds = joules = device = 0.0
    for world in worlds(count, seed):
        plan = decide(policy, replace(world.situation, draw=None)).plan
        assert plan is not None
        first = plan.legs[0].target
        seconds += world.seconds[first]
        joules += world.joules[first]
        device += first == DEVICE
    return {"latency": seconds / count, "energy": joules / count, "on_device": device / count}


def kinds() -> dict[str, Kind]:
    """Return the targets of these requests."""
    return {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
