"""What was really spent: charges runs and calls to the budgets of the policy in force, whoever lost or was cancelled.

Holds no clock and no lock: `now` (monotonic) and `utc_s` are arguments, and whoever owns it keeps writers apart. The
agent and the simulator spend from the same purse.

Runs on the device are many and take little. Their joules are added up, and taken off the budget once they are a
thousandth of what is left of it, or somebody wants to know exactly; so a decision may see that much more than there is,
and never something where there is nothing, or another price."""

from __future__ import annotations

import math
from collections.abc import Iterable

from router.rules.policy import Policy
from router.spending.budget import BudgetState, BudgetTerms, advance, begin, charge, renews_in_s, restored, view
from router.spending.energy import device_j, remote_j
from router.types import BudgetView, Kind, Resource

__all__ = ["Purse"]

# Budgets age by themselves at least this often, so that a period ends and a charger is counted in good time.
_TICK_S = 1.0
_LITTLE = 1 / 1024
"""Of what is left of a budget: a power of two, so that halves and quarters of it are exact."""


class Purse:
    """See the module. `kept` is how budgets stood when they were last written down."""

    def __init__(self, policy: Policy, *, now: float, utc_s: float, kept: Iterable[BudgetState] = ()) -> None:
        self._policy = policy
        self._now = now
        self._charging = False
        self._drawn_j = 0.0
        """What runs on the device took, and is yet to be taken off."""
        self._states: dict[Resource, BudgetState] = {}
        self._begin({state.resource: state for state in kept}, utc_s)

    def _begin(self, kept: dict[Resource, BudgetState], utc_s: float) -> None:
        self._states = {}
        self._little_j = math.inf
        for terms in self._policy.budgets:
            old = kept.get(terms.resource)
            state = begin(terms, utc_s) if old is None else restored(terms, old, utc_s)
            self._put(terms, advance(terms, state, utc_s, 0.0))
        self.stands: tuple[BudgetView, ...] | None = None if self._states else ()
        """What `views` returned last; None once something has changed, until somebody looks."""

    def _put(self, terms: BudgetTerms, state: BudgetState) -> None:
        self._states[terms.resource] = state
        self.stands = None
        if terms.resource is Resource.ENERGY:
            self._little_j = _LITTLE * (terms.amount - state.spent)

    def adopt(self, policy: Policy, *, now: float, utc_s: float) -> None:
        """Go on under a new policy: what was spent in a period of the same length counts on.

        A budget in hours says nothing of what was spent in a day; the other way round all of it counts."""
        self.settle()
        self.views(now=now, utc_s=utc_s)
        old = {terms.resource: terms for terms in self._policy.budgets}
        kept = self._states
        self._policy = policy
        same = {t.resource for t in policy.budgets if t.resource in old and old[t.resource].period_s == t.period_s}
        self._begin({resource: state for resource, state in kept.items() if resource in same}, utc_s)

    @property
    def states(self) -> tuple[BudgetState, ...]:
        """How the budgets stand, to be written down."""
        self.settle()
        return tuple(self._states.values())

    @property
    def stands_until(self) -> float:
        """An instant before which time alone changes nothing."""
        return self._now + _TICK_S if self._states else math.inf

    def seen(self, now: float) -> tuple[BudgetView, ...] | None:
        """Return what `views` returned last, where that still holds. May be asked at any moment, by any thread."""
        return self.stands if now - self._now < _TICK_S else None

    def views(self, *, now: float, utc_s: float) -> tuple[BudgetView, ...]:
        """Return how the budgets stand for a decision: the same tuple until something has changed."""
        if self._states and now - self._now >= _TICK_S:
            self._age(now, utc_s)
        seen = self.stands
        if seen is None:
            # Put together when somebody looks: more is spent than is decided.
            seen = self.stands = tuple(view(terms, self._states[terms.resource]) for terms in self._policy.budgets)
        return seen

    def charging(self, connected: bool, *, now: float, utc_s: float) -> None:
        """Note whether external power is connected from now on; what it put back until now is counted."""
        if connected is not self._charging:
            self._age(now, utc_s)
            self._charging = connected

    def _age(self, now: float, utc_s: float) -> None:
        self.settle()
        passed_s = max(0.0, now - self._now)
        self._now = now
        for terms in self._policy.budgets:
            state = self._states[terms.resource]
            if self._charging and terms.charging_w:
                state = charge(state, -terms.charging_w * passed_s)
            self._put(terms, advance(terms, state, utc_s, passed_s))

    def renews_in_s(self, resource: Resource, utc_s: float) -> float:
        """Return in how many seconds the whole of a budget is there again; 0 where there is no such budget."""
        for terms in self._policy.budgets:
            if terms.resource is resource:
                return renews_in_s(terms, self._states[resource], utc_s)
        return 0.0

    # -- what was spent ------------------------------------------------------------------------------------------------

    def device_ran(self, seconds: float, device_w: float | None) -> float:
        """Charge a run on the device that lasted so long, whatever came of it. Return its joules."""
        joules = device_j(self._policy.energy, seconds, device_w)
        if self._states:
            self._drawn_j += joules
            if self._drawn_j > self._little_j:
                self.settle()
        return joules

    def settle(self) -> None:
        """Take off what runs on the device took, down to the last joule."""
        drawn_j, self._drawn_j = self._drawn_j, 0.0
        self._spend(Resource.ENERGY, drawn_j)

    def call_began(self, target: str, kind: Kind, sent_bytes: int) -> float:
        """Charge what a call costs once it is on its way. Return its dollars."""
        usd = self._policy.terms_for(target, kind).usd_per_request
        if self._states:
            self._spend(Resource.MONEY, usd)
            self._spend(Resource.BYTES, sent_bytes / 1e6)
        return usd

    def call_corrected(self, target: str, kind: Kind, more_bytes: int, *, sent: bool = True) -> None:
        """Put right what a call that began was charged: it sent so many bytes more (or less) than was thought, or it
        was not `sent` at all."""
        if self._states:
            self._spend(Resource.BYTES, more_bytes / 1e6)
            if not sent:
                self._spend(Resource.MONEY, -self._policy.terms_for(target, kind).usd_per_request)

    def call_ended(
        self, link: str | None, seconds: float, sent_bytes: int, received_bytes: int, idle_s: float = math.inf
    ) -> float:
        """Charge the radio's energy for a call, which had been idle for `idle_s` before. Return its joules."""
        joules = remote_j(self._policy.energy.power_of(link), seconds, sent_bytes, received_bytes, idle_s)
        if self._states:
            self._spend(Resource.ENERGY, joules)
        return joules

    def admits(self, target: str, kind: Kind, link: str | None) -> bool:
        """Tell whether a call may begin now: another one may have used up a budget since it was decided."""
        self.settle()
        return all(
            terms.at_zero == "least" or self._states[terms.resource].spent < terms.amount
            for terms in self._policy.budgets
            if self._takes(terms, target, kind, link)
        )

    def _takes(self, terms: BudgetTerms, target: str, kind: Kind, link: str | None) -> bool:
        if terms.resource is Resource.MONEY:
            return self._policy.terms_for(target, kind).usd_per_request > 0
        return terms.resource is Resource.BYTES or remote_j(self._policy.energy.power_of(link), 1.0, 1, 1) > 0

    def _spend(self, resource: Resource, amount: float) -> None:
        """Take `amount` off a budget, if there is one; less than nothing is given back."""
        if not amount:
            return
        for terms in self._policy.budgets:
            if terms.resource is resource:
                self._put(terms, charge(self._states[resource], amount))
