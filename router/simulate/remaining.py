"""What a policy leaves to be gained, from what it costs down to the bound, and what that would take. Pure.

    cost ── could be learnt ──► law ── the request's luck and input ──► draws ── what is to come ──► bound

Law and draws are the same policy, knowing: see informed.py. A step that knowing more would not lead down is none, so
that the three parts are never negative, and together are the whole."""

from __future__ import annotations

from functools import partial

from router.rules.policy import Policy, Worth
from router.simulate.driver import run
from router.simulate.informed import Knows
from router.simulate.spread import Spread, in_turn
from router.simulate.world import Setting
from router.values import value

__all__ = ["Remaining", "remaining", "split"]


@value
class Remaining:
    """Costs for one request."""

    learnable: float
    """With better estimates of what holds now: at most so much could be learnt."""
    luck: float
    """By the draws of the request itself, and by who is right on its input, known before anything has run."""
    to_come: float
    """By the requests and networks to come; what the bound leaves aside is in it as well."""

    @property
    def whole(self) -> float:
        return self.learnable + self.luck + self.to_come


def remaining(
    setting: Setting,
    policy: Policy,
    seed: int,
    *,
    cost: float,
    least: float,
    worth: Worth,
    spread: Spread = in_turn,
) -> Remaining:
    """Split what a policy that costs `cost` for a request leaves above the bound `least`; all told by `worth`."""
    knowing: list[Knows] = ["law", "draws"]
    law, draws = spread([partial(_cost, setting, policy, seed, worth, knows) for knows in knowing])
    return split(cost, law, draws, least)


def split(cost: float, law: float, draws: float, least: float) -> Remaining:
    """Return the three parts between four costs, of which each may be above the one before it."""
    law = max(least, min(cost, law))
    draws = max(least, min(law, draws))
    return Remaining(max(least, cost) - law, law - draws, draws - least)


def _cost(setting: Setting, policy: Policy, seed: int, worth: Worth, knows: Knows) -> float:
    block = run(setting, policy, seed, worth=worth, knowing=knows).total()
    return block.cost / max(1, block.requests)
