"""What may be spent in an hour or a day, held to by a price that rises while too much is spent, and by an end. Pure.

    mu <- clip(mu · exp(eta · (spent_rate / target_rate − 1)), mu_min, mu_max),   target_rate = left / time left

Every `step_s` the price moves by how fast was spent since the last step, against how fast what is left may be spent
until the period is over; it enters what a plan costs. At a bound of the price only what would move it further outward
is frozen. When nothing is left, targets that would spend are closed until the next period. Of a day the time that is
left counts by the hours in which such a budget is usually spent: see habit.py.

Periods are hours and days of UTC. A clock that is set back does not give what was spent again: a period that has begun
goes on until a later one begins by the clock, or until as much time as it lasts has truly passed. Amounts are joules,
dollars and megabytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from router.spending.habit import Hours, learnt, noted, share_left
from router.types import BudgetView, Resource
from router.values import value

__all__ = [
    "BudgetState",
    "BudgetTerms",
    "Budgets",
    "advance",
    "begin",
    "charge",
    "renews_in_s",
    "restored",
    "view",
    "view_of",
]


@dataclass(frozen=True, slots=True)
class BudgetTerms:
    """See document.BudgetPart. `price_*` are in the policy's currency per joule, dollar or megabyte."""

    resource: Resource
    amount: float
    period_s: float
    eta: float
    price_min: float
    price_max: float
    step_s: float
    at_zero: Literal["stop", "least"]
    charging_w: float
    """Of the energy budget: what is put back while external power is connected."""
    at_zero_said: bool = True
    """Whether the document says what holds when nothing is left; read by nobody but those who look for slips."""


Budgets = tuple[BudgetTerms, ...]

# Beyond what the bounds of any price are apart, so that a power of e stays a number. Nothing smaller: that the price
# rises as much too high as was spent too much is what makes the spending come out right over many steps.
_MOST: Final = 100.0
_DAY_S: Final = 86_400.0
# A period that lies further ahead than this many was begun by a clock that was wrong.
_AHEAD: Final = 2


@value
class BudgetState:
    """How a budget stands. A value: whoever owns it keeps the newest, and writes it down.

    `period` counts whole periods since 1970 in UTC; `lasted_s` is how much of it was lived through, by a clock that
    nobody sets; `since_step_*` what was spent, and passed, since the price last moved."""

    resource: Resource
    period: int
    spent: float
    price: float
    lasted_s: float = 0.0
    since_step_spent: float = 0.0
    since_step_s: float = 0.0
    usual: Hours = ()
    """Of a budget for a day: which share of it is usually spent in which hour."""
    today: Hours = ()
    """How much was spent in which hour of this one, up to the last step."""


def begin(terms: BudgetTerms, utc_s: float) -> BudgetState:
    """Return a budget that nothing was spent of, at the least price."""
    return BudgetState(terms.resource, _period(terms, utc_s), 0.0, terms.price_min)


def restored(terms: BudgetTerms, kept: BudgetState, utc_s: float) -> BudgetState:
    """Return how a budget stands that was written down at an earlier time, perhaps under other terms.

    A price keeps within the bounds that hold now, and what was spent counts on, whatever the amount was then. A period
    that lies too far ahead was begun by a wrong clock: it becomes the one that it is now, and nothing is given back."""
    period, now = kept.period, _period(terms, utc_s)
    if period > now + _AHEAD:
        period = now
    price = min(terms.price_max, max(terms.price_min, kept.price))
    usual, today = (kept.usual, kept.today) if terms.period_s == _DAY_S else ((), ())
    return BudgetState(
        terms.resource, period, kept.spent, price, kept.lasted_s, kept.since_step_spent, kept.since_step_s, usual, today
    )


def view(terms: BudgetTerms, state: BudgetState) -> BudgetView:
    """Return how a budget stands, as a decision sees it."""
    return BudgetView(terms.resource, terms.amount - state.spent, state.price)


def view_of(terms: BudgetTerms, views: Sequence[BudgetView]) -> BudgetView:
    """Return how a budget stands, given those that were begun: one that was not is whole, and its price the least."""
    for seen in views:
        if seen.resource is terms.resource:
            price = min(terms.price_max, max(terms.price_min, seen.price))
            return seen if price == seen.price else BudgetView(seen.resource, seen.left, price)
    return BudgetView(terms.resource, terms.amount, terms.price_min)


def charge(state: BudgetState, amount: float) -> BudgetState:
    """Return the budget after `amount` was spent. Less than nothing is what came in, which never makes it more than it
    was at the beginning."""
    spent = max(0.0, state.spent + amount)
    step = state.since_step_spent + spent - state.spent
    return BudgetState(
        state.resource,
        state.period,
        spent,
        state.price,
        state.lasted_s,
        step,
        state.since_step_s,
        state.usual,
        state.today,
    )


def advance(terms: BudgetTerms, state: BudgetState, utc_s: float, passed_s: float) -> BudgetState:
    """Return the budget `passed_s` later, by a clock that nobody sets; `utc_s` is what the other one says."""
    period, spent = state.period, state.spent
    lasted_s = state.lasted_s + passed_s
    now = _period(terms, utc_s)
    usual, today, noted_already = state.usual, state.today, 0.0
    if terms.period_s == _DAY_S and (now > period or lasted_s >= terms.period_s):
        noted_already = state.since_step_spent
        usual, today = learnt(usual, noted(today, _DAY_S, noted_already)), ()
    if now > period:
        # Into the day by as much as the clock says: whoever starts at noon has half a day left.
        period, spent, lasted_s = now, 0.0, utc_s - now * terms.period_s
    elif lasted_s >= terms.period_s:
        # The clock was set back, or stands still. The next period by count: when it is put right, it begins no other.
        period, spent, lasted_s = period + 1, 0.0, 0.0
    step_spent, step_s, price = state.since_step_spent, state.since_step_s + passed_s, state.price
    if step_s >= terms.step_s:
        left_s = _time_left_s(terms, period, utc_s, lasted_s)
        if terms.period_s == _DAY_S:
            into_day_s = _DAY_S - left_s
            share, share_per_s = share_left(usual, into_day_s)
            left_s = share / share_per_s
            today = noted(today, into_day_s, step_spent - noted_already)
        price = _moved(terms, price, step_spent, step_s, terms.amount - spent, max(terms.step_s, left_s))
        step_spent = step_s = 0.0
    return BudgetState(state.resource, period, spent, price, lasted_s, step_spent, step_s, usual, today)


def renews_in_s(terms: BudgetTerms, state: BudgetState, utc_s: float) -> float:
    """Return in how many seconds the next period begins, and with it the whole amount is there again."""
    return _time_left_s(terms, state.period, utc_s, state.lasted_s)


def _moved(
    terms: BudgetTerms, price: float, spent: float, passed_s: float, left_now: float, time_left_s: float
) -> float:
    if left_now <= 0:
        return terms.price_max
    excess = spent / passed_s * time_left_s / left_now - 1
    # Nobody looks while nobody asks: a silence of many steps moves the price as often as they would have. Moved once,
    # it would stay too high after each burst, and much of the budget would be left.
    steps = passed_s / terms.step_s
    factor = math.exp(max(-_MOST, min(_MOST, terms.eta * excess * steps)))
    return min(terms.price_max, max(terms.price_min, price * factor))


def _time_left_s(terms: BudgetTerms, period: int, utc_s: float, lasted_s: float) -> float:
    by_clock_s = (period + 1) * terms.period_s - utc_s
    # A clock that was set back says that more than a whole period is left.
    return max(0.0, by_clock_s if by_clock_s <= terms.period_s else terms.period_s - lasted_s)


def _period(terms: BudgetTerms, utc_s: float) -> int:
    return math.floor(utc_s / terms.period_s)
