"""A p-value for a mean loss by betting against it (Waudby-Smith and Ramdas, 2024, in Learn-then-Test's use).

The hypothesis is that the mean of losses in [-1, 1] exceeds alpha. Whoever bets against it with a capital of one, and
never more than there is, multiplies it by 1/delta with probability at most delta while the hypothesis holds. The bets
look only at what came before, so the losses come in an order that was fixed before they were seen."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["p_value"]

_CAUTION = 0.95
"""Share of the largest bet that could not ruin."""


def p_value(losses: Iterable[int], n: int, alpha: float, delta: float) -> float:
    """Return the p-value of "the mean loss exceeds alpha" for `n` losses in {-1, 0, 1}, in their recorded order.

    Valid for every test level; the bets are sized for `delta`. Betting ends with the win, when the capital reaches
    1/delta: the value returned is then some value up to delta, and no smaller one is looked for."""
    a = (alpha + 1.0) / 2.0
    largest = _CAUTION / (1.0 - a)
    scale = 2.0 * math.log(1.0 / delta) / n
    goal = -math.log(delta)
    capital = best = 0.0
    total, spread = 0.5, 0.25
    variance = 0.25
    for count, loss in enumerate(losses, start=1):
        seen = (loss + 1) / 2.0
        bet = min(largest, math.sqrt(scale / variance))
        capital += math.log1p(-bet * (seen - a))
        if capital > best:
            best = capital
            if best >= goal:
                break
        total += seen
        mean = total / (count + 1)
        spread += (seen - mean) ** 2
        variance = spread / (count + 1)
    return math.exp(-best)
