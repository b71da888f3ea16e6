"""Dynamic programming against trying every path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.simulate.horizon import Move, least_cost, least_cost_within
from tests.properties.effort import effort

START = (0.0,)
costs = st.integers(-5, 20).map(float)
states = st.integers(0, 2).map(lambda state: (float(state),))
spendings = st.integers(0, 4).map(float)


class Table:
    """A stage whose moves are listed for each state."""

    def __init__(self, by_state: dict[tuple[float, ...], list[Move]]) -> None:
        self._by_state = by_state

    def moves(self, state: tuple[float, ...]) -> list[Move]:
        return self._by_state[state]


@st.composite
def tables(draw: st.DrawFn) -> list[Table]:
    moves = st.lists(st.builds(Move, costs, st.tuples(spendings), states), min_size=1, max_size=3)
    return [Table({(float(state),): draw(moves) for state in range(3)}) for _ in range(draw(st.integers(1, 5)))]


def _paths(stages: Sequence[Table], state: tuple[float, ...]) -> Iterator[tuple[float, float]]:
    if not stages:
        yield 0.0, 0.0
        return
    for move in stages[0].moves(state):
        for cost, spent in _paths(stages[1:], move.state):
            yield move.cost + cost, move.spent[0] + spent


@effort
@given(tables(), st.floats(0, 10))
def test_the_least_cost_is_that_of_the_best_of_all_paths(stages: list[Table], price: float) -> None:
    tried = min(cost + price * spent for cost, spent in _paths(stages, START))
    assert least_cost(stages, START, (price,)) == pytest.approx(tried)


@effort
@given(tables(), st.integers(0, 12).map(float))
def test_no_path_within_a_budget_costs_less_than_the_bound(stages: list[Table], budget: float) -> None:
    within = [cost for cost, spent in _paths(stages, START) if spent <= budget]
    bound = least_cost_within(stages, START, (budget,))
    assert bound >= least_cost(stages, START) - 1e-9
    if within:
        assert bound <= min(within) + 1e-6


def test_a_budget_that_forbids_the_cheap_moves_raises_the_bound() -> None:
    stages = [Table({START: [Move(0.0, (1.0,), START), Move(1.0, (0.0,), START)]}) for _ in range(10)]
    assert least_cost_within(stages, START, ()) == 0.0
    assert least_cost_within(stages, START, (4.0,)) == pytest.approx(6.0, rel=0.01)


def test_two_budgets_bind_together() -> None:
    moves = [Move(0.0, (1.0, 0.0), START), Move(0.2, (0.0, 1.0), START), Move(1.0, (0.0, 0.0), START)]
    stages = [Table({START: moves}) for _ in range(10)]
    assert least_cost_within(stages, START, (3.0, 3.0)) == pytest.approx(4 + 0.6, rel=0.05)
