"""How much more than one call a request may cost: the budgets for retries and hedges, and the throttle, of each target.

Owns their states; what they are is in router/running (retry, hedge and throttle). Every call that `began` has to have
`ended`, or be `abandoned`."""

from __future__ import annotations

from itertools import count

from router.rules.policy import Policy
from router.running import hedge, retry, throttle
from router.running.hedge import NO_TOKENS, HedgeState
from router.running.retry import IDLE, RetryState
from router.running.throttle import UNTRIED, ThrottleState

__all__ = ["Extras"]


class Extras:
    """See the module. One agent's."""

    __slots__ = ("_hedgeable", "_hedges", "_policy", "_retries", "_settled", "_throttles", "could_hedge")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._retries: dict[str, RetryState] = {}
        self._throttles: dict[str, ThrottleState] = {}
        self._hedges: HedgeState = NO_TOKENS
        self._hedgeable = count()
        self._settled = 0
        self.could_hedge = self._hedgeable.__next__
        """A request began that may be hedged: it is counted, and earns once somebody would hedge. By any thread."""

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        self._earn()
        if policy.throttle != self._policy.throttle:
            self._throttles.clear()  # counts of one window are not those of another
        self._policy = policy

    def p_reject(self, target: str, now: float) -> float:
        """Return the probability with which a call is to be kept back from a target that fails many."""
        return throttle.p_reject(self._throttles.get(target, UNTRIED), self._policy.throttle, now)

    def kept_back(self, target: str, now: float) -> None:
        """A call was kept back."""
        state = self._throttles.get(target, UNTRIED)
        self._throttles[target] = throttle.counted(state, self._policy.throttle, now, accepted=False)

    def may_retry(self, target: str) -> bool:
        """Tell whether one more retry of a target is covered."""
        return retry.may_retry(self._retries.get(target, IDLE), self._policy.retry)

    def _earn(self) -> None:
        """Have those earn that could be hedged since the last time."""
        counted = next(self._hedgeable)
        began, self._settled = counted - self._settled, counted + 1
        if self._policy.hedge is not None:
            self._hedges = hedge.earn(self._hedges, self._policy.hedge, began)

    def hedges(self) -> bool:
        """Tell whether a hedge is covered, and take its token."""
        self._earn()
        spent = hedge.spend(self._hedges)
        if spent is None:
            return False
        self._hedges = spent
        return True

    def began(self, target: str, *, retried: bool) -> None:
        """A call began; as a retry, if it was `retried`."""
        self._retries[target] = retry.begun(self._retries.get(target, IDLE), retry=retried)

    def ended(self, target: str, now: float, *, answered: bool, blamed: bool, retried: bool) -> None:
        """A call that `began` ended: with an answer, by the target's fault, or by nobody's."""
        state = self._retries.get(target, IDLE)
        settings = self._policy.retry
        self._retries[target] = retry.ended(state, settings, blamed=blamed, answered=answered, retry=retried)
        if answered or blamed:
            counts = self._throttles.get(target, UNTRIED)
            self._throttles[target] = throttle.counted(counts, self._policy.throttle, now, accepted=answered)

    def abandoned(self, target: str, *, retried: bool) -> None:
        """A call that `began` ended without telling anything."""
        state = self._retries.get(target, IDLE)
        self._retries[target] = retry.ended(state, self._policy.retry, retry=retried)
