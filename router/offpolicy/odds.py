"""With which probability the logged policy took a plan, and with which another one would take it. Pure.

A plan goes by its name among the candidates, such as "device, then cloud if uncertain". All that is drawn is whether a
request explores, and what it then takes: beside that both policies take what they take anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from router.choosing.engine import Decision, decide
from router.choosing.explore import propensity
from router.choosing.hysteresis import WAKES
from router.rules.policy import Policy
from router.values import value

__all__ = ["LEAST", "Odds", "Wanted", "drawn_plan", "logged", "wanted"]

Odds = Mapping[str, float]

LEAST: Final = 1e-9
"""What is less probable than that nobody has ever explored: a damaged record, and not a plan that counts a milliard
times."""
_ROUNDED: Final = 1e-6


@value
class Wanted:
    """What a policy would do in a recorded situation: what it takes where nothing is drawn, and the odds of each of its
    plans."""

    greedy: Decision
    odds: Odds


def logged(decision: Decision) -> Odds | None:
    """Return the plans that could be taken and their probabilities, as the record has them; None where it says nothing
    that can be, such as 0 for what was done."""
    names = [candidate.name for candidate in decision.candidates]
    taken = decision.propensity
    if not LEAST <= taken <= 1 + _ROUNDED or (names and names[0] != decision.choice) or len(set(names)) != len(names):
        return None
    told = decision.probabilities
    if told:
        sums = abs(sum(told) - 1) <= _ROUNDED and abs(told[0] - taken) <= _ROUNDED
        if len(told) != len(names) or min(told) < 0 or not sums:
            return None
        return {name: odds for name, odds in zip(names, told, strict=True) if odds >= LEAST}
    if taken >= 1:
        # Whoever drew among several plans took none of them for certain.
        return None if decision.chosen_by == "draw" and len(names) > 1 else {decision.choice: 1.0}
    return _worked_out(names, taken)


def _worked_out(names: list[str], taken: float) -> Odds | None:
    """Return the odds where only that of the taken plan was written down, as in records of version 2: the share that
    explored follows from it, and what was taken else is the cheapest of the others."""
    arms = [name for name in names if not name.endswith(WAKES)]
    if not arms:
        return None
    if names[0] not in arms:
        share, greedy = 1 - taken, names[0]
    elif taken > 1 / len(arms):
        share, greedy = (1 - taken) / (1 - 1 / len(arms)), names[0]
    else:
        share = min(1.0, taken * len(arms))
        greedy = names[1] if len(names) > 1 else names[0]
    return _spread(share, arms, greedy)


def wanted(policy: Policy, decision: Decision) -> Wanted:
    """Return what `policy` would do in the situation of a recorded `decision`."""
    situation = decision.situation
    if not policy.explores or situation.draw is None:
        greedy = decide(policy, situation)
    else:
        greedy = decide(policy, replace(situation, draw=None))
    if not policy.explores:
        return Wanted(greedy, {greedy.choice: 1.0})
    arms = [candidate.name for candidate in greedy.candidates if not candidate.name.endswith(WAKES)]
    if not arms or greedy.chosen_by == "audit":
        return Wanted(greedy, {greedy.choice: 1.0})
    return Wanted(greedy, _spread(policy.explores, arms, greedy.choice))


def drawn_plan(policy: Policy, wants: Wanted, name: str) -> Decision | None:
    """Return what `policy` decides where the plan `name` is drawn; None where it cannot be."""
    arms = [candidate.name for candidate in wants.greedy.candidates if not candidate.name.endswith(WAKES)]
    if not policy.explores or name not in arms:
        return None
    # Mostly the draw goes by their order here; a plan that was stayed with stands elsewhere in it.
    first = arms.index(name)
    for index in (first, *(other for other in range(len(arms)) if other != first)):
        draw = policy.explores * (index + 0.5) / len(arms)
        drawn = decide(policy, replace(wants.greedy.situation, draw=draw))
        if drawn.choice == name:
            return drawn
    return None


def _spread(share: float, arms: list[str], greedy: str) -> Odds:
    plans = dict.fromkeys((*arms, greedy))
    found = {name: propensity(share, len(arms), greedy=name == greedy, among=name in arms) for name in plans}
    return {name: odds for name, odds in found.items() if odds >= LEAST}
