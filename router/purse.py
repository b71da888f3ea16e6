"""What was really spent: charges runs and calls to the budgets of the policy in force, whoever lost or was cancelled.

Holds no clock and no lock: `now` (monotonic) and `utc_s` are arguments, and whoever owns it keeps writers apart. The
agent and the simulator spend from the same purse."""

from __future__ import annotations

import math
from collections.abc import Iterable

from router.budget import BudgetState, BudgetTerms, advance, begin, charge, restored, view
from router.energy import device_j, remote_j
from router.policy import Policy
from router.types import BudgetView, Kind, Resource

__all__ = ["Purse"]

# Budgets age by themselves at least this often, so that a period ends and a charger is counted in good time.
_TICK_S = 1.0


class Purse:
    """See the module. `kept` is how budgets stood when they were last written down."""

    def __init__(self, policy: Policy, *, now: float, utc_s: float, kept: Iterable[BudgetState] = ()) -> None:
        self._policy = policy
        self._now = now
        self._charging = False
        self._states: dict[Resource, BudgetState] = {}
        self._begin({state.resource: state for state in kept}, utc_s)

    def _begin(self, kept: dict[Resource, BudgetState], utc_s: float) -> None:
        self._states = {}
        for terms in self._policy.budgets:
            old = kept.get(terms.resource)
            state = begin(terms, utc_s) if old is None else restored(terms, old, utc_s)
            self._states[terms.resource] = advance(terms, state, utc_s, 0.0)
        self._views: tuple[BudgetView, ...] | None = None

    def adopt(self, policy: Policy, *, now: float, utc_s: float) -> None:
        """Go on under a new policy: what was spent in a period of the same length counts on.

        A budget in hours says nothing of what was spent in a day; the other way round all of it counts."""
        self.views(now=now, utc_s=utc_s)
        old = {terms.resource: terms for terms in self._policy.budgets}
        kept = self._states
        self._policy = policy
        same = {t.resource for t in policy.budgets if t.resource in old and old[t.resource].period_s == t.period_s}
        self._begin({resource: state for resource, state in kept.items() if resource in same}, utc_s)

    @property
    def states(self) -> tuple[BudgetState, ...]:
        """How the budgets stand, to be written down."""
        return tuple(self._states.values())

    def views(self, *, now: float, utc_s: float) -> tuple[BudgetView, ...]:
        """Return how the budgets stand for a decision: the same tuple until something has changed."""
        if self._states and now - self._now >= _TICK_S:
            self._age(now, utc_s)
        seen = self._views
        if seen is None:
            # Put together when somebody looks: more is spent than is decided.
            seen = self._views = tuple(view(terms, self._states[terms.resource]) for terms in self._policy.budgets)
        return seen

    def charging(self, connected: bool, *, now: float, utc_s: float) -> None:
        """Note whether external power is connected from now on; what it put back until now is counted."""
        if connected is not self._charging:
            self._age(now, utc_s)
            self._charging = connected

    def _age(self, now: float, utc_s: float) -> None:
        passed_s = max(0.0, now - self._now)
        self._now = now
        for terms in self._policy.budgets:
            state = self._states[terms.resource]
            if self._charging and terms.charging_w:
                state = charge(state, -terms.charging_w * passed_s)
            self._states[terms.resource] = advance(terms, state, utc_s, passed_s)
        self._views = None

    # -- what was spent ------------------------------------------------------------------------------------------------

    def device_ran(self, seconds: float, device_w: float | None) -> float:
        """Charge a run on the device that lasted so long, whatever came of it. Return its joules."""
        joules = device_j(self._policy.energy, seconds, device_w)
        if self._states:
            self._spend(Resource.ENERGY, joules)
        return joules

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
            self._give_back(Resource.BYTES, -more_bytes / 1e6)
            if not sent:
                self._give_back(Resource.MONEY, self._policy.terms_for(target, kind).usd_per_request)

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
        return all(
            terms.at_zero == "least" or self._states[terms.resource].spent < terms.amount
            for terms in self._policy.budgets
            if self._takes(terms, target, kind, link)
        )

    def _takes(self, terms: BudgetTerms, target: str, kind: Kind, link: str | None) -> bool:
        if terms.resource is Resource.MONEY:
            return self._policy.terms_for(target, kind).usd_per_request > 0
        return terms.resource is Resource.BYTES or remote_j(self._policy.energy.power_of(link), 1.0, 1, 1) > 0

    def _give_back(self, resource: Resource, amount: float) -> None:
        state = self._states.get(resource)
        if state is not None and amount:
            self._states[resource] = charge(state, -amount)
            self._views = None

    def _spend(self, resource: Resource, spent: float) -> None:
        state = self._states.get(resource)
        if state is not None and spent > 0:
            self._states[resource] = charge(state, spent)
            self._views = None
