"""The least that a row of choices can cost when all of it is known beforehand: dynamic programming, and prices. Pure.

It knows nothing of devices and clouds: a stage says which moves there are from a state, what each costs, what it spends
of what is budgeted, and where it leads. bound.py says what the stages of a simulated world are.

With budgets the least cost is bounded from below by pricing them: for any prices of 0 or more,

    least cost within the budgets  >=  min over paths of sum(cost + price · spent) - price · budget

and the best such bound is the largest. It is concave in the prices, so a search that stops early is a looser bound and
never a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from router.values import value

__all__ = ["Move", "Path", "Reached", "Stage", "State", "Thin", "least_cost", "least_cost_within"]

State = tuple[float, ...]
Prices = tuple[float, ...]


@value
class Move:
    """One choice at one stage: what it costs, what it spends of each budget, and the state that it leaves."""

    cost: float
    spent: tuple[float, ...]
    state: State


@value
class Path:
    """The cheapest path to a state at some prices: what it costs with them, and what it spends."""

    priced: float
    spent: tuple[float, ...]


Reached = dict[State, Path]
Thin = Callable[[Reached], Reached]
"""Drops states from which nothing is ever cheaper than from another one that costs no more to reach."""


class Stage(Protocol):
    """One of the choices to be made, in their order."""

    def moves(self, state: State) -> Iterable[Move]:
        """Return every move from `state`; at least one."""
        ...


def _as_it_is(reached: Reached) -> Reached:
    return reached


_ROUNDS: Final = 3
_CUTS: Final = 12
_ALL_THAT_COUNTS: Final = 1e3
_LITTLE: Final = 1e-9


def least_cost(stages: Iterable[Stage], start: State, prices: Prices = (), *, thin: Thin = _as_it_is) -> float:
    """Return the least that a path through all stages costs, with what it spends at these prices on top."""
    return _cheapest(stages, start, prices, thin).priced


def least_cost_within(
    stages: Sequence[Stage], start: State, budgets: Sequence[float], *, thin: Thin = _as_it_is
) -> float:
    """Return a bound from below on the cost of every path that spends at most `budgets` in all."""
    if not budgets:
        return least_cost(stages, start, thin=thin)
    # All at once first: where two budgets bind together, raising the price of one alone only moves the spending.
    together = tuple(1 / max(budget, _LITTLE) for budget in budgets)
    prices, found = _along(stages, start, (0.0,) * len(budgets), together, budgets, thin)
    for _ in range(_ROUNDS if len(budgets) > 1 else 0):
        for index in range(len(budgets)):
            without = (*prices[:index], 0.0, *prices[index + 1 :])
            alone = tuple(share if other == index else 0.0 for other, share in enumerate(together))
            there, bound = _along(stages, start, without, alone, budgets, thin)
            if bound > found:
                prices, found = there, bound
    return found


def _along(
    stages: Sequence[Stage], start: State, prices: Prices, towards: Prices, budgets: Sequence[float], thin: Thin
) -> tuple[Prices, float]:
    """Return the prices, from `prices` on in the direction of `towards`, that give the highest bound, and that bound.

    Every path is a line over the way gone, falling or rising by what it overspends; the bound is the lowest of them.
    From a line that rises and one that falls their crossing is looked at next, until no path lies below it."""

    def at(way: float) -> _Line:
        tried = tuple(price + way * share for price, share in zip(prices, towards, strict=True))
        path = _cheapest(stages, start, tried, thin)
        left = [spent - budget for spent, budget in zip(path.spent, budgets, strict=True)]
        free = path.priced - sum(price * budget for price, budget in zip(tried, budgets, strict=True))
        return _Line(way, free, sum(share * over for share, over in zip(towards, left, strict=True)))

    low = best = at(0.0)
    if low.slope <= 0:
        return prices, low.bound
    # Where the price is so high that only spending counts; if that still overspends, no path is within the budgets.
    high = at(_ALL_THAT_COUNTS * max(_dearest(stages, start), _LITTLE))
    best = max(low, high, key=_bound)
    for _ in range(_CUTS):
        if not high.slope < low.slope:
            break
        crossing = (low.at_no_way - high.at_no_way) / (high.slope - low.slope)
        found = at(crossing)
        best = max(best, found, key=_bound)
        if found.bound >= low.at_no_way + low.slope * crossing - 1e-12 * max(1.0, abs(found.bound)):
            break
        if found.slope > 0:
            low = found
        else:
            high = found
    return tuple(price + best.way * share for price, share in zip(prices, towards, strict=True)), best.bound


@value
class _Line:
    """The cheapest path after some way: the bound there, and by how much it rises with the way."""

    way: float
    bound: float
    slope: float

    @property
    def at_no_way(self) -> float:
        return self.bound - self.slope * self.way


def _dearest(stages: Iterable[Stage], start: State) -> float:
    """Return how much the moves of all stages differ in cost, along one path through them."""
    total, state = 0.0, start
    for stage in stages:
        moves = list(stage.moves(state))
        costs = [move.cost for move in moves]
        total += max(costs) - min(costs)
        state = moves[0].state
    return total


def _bound(line: _Line) -> float:
    return line.bound


def _cheapest(stages: Iterable[Stage], start: State, prices: Prices, thin: Thin) -> Path:
    reached: Reached = {start: Path(0.0, (0.0,) * len(prices))}
    for stage in stages:
        following: Reached = {}
        for state, path in reached.items():
            for move in stage.moves(state):
                priced = path.priced + move.cost
                for price, spent in zip(prices, move.spent, strict=False):
                    priced += price * spent
                known = following.get(move.state)
                if known is None or priced < known.priced:
                    spent_so_far = tuple(map(float.__add__, path.spent, move.spent))
                    following[move.state] = Path(priced, spent_so_far)
        reached = thin(following)
    return min(reached.values(), key=lambda path: path.priced)
