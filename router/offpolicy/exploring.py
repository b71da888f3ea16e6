"""How much exploration it would take to estimate a policy from the log of another. Pure.

Where b explores a share ε among K plans, and takes its own else, the weights of a policy π have a mean square of
Σ π(plan)² / b(plan), so that n records are worth n over that. Where π explores nothing: 1/(1 − ε + ε/K) where the two
agree, K/ε where they differ."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from router.values import value

__all__ = ["Advice", "Needs"]

_SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""What people explore; beyond a half a policy is no policy any more."""
_TYPICAL: Final = 0.05
_HALVINGS: Final = 40


@value
class Advice:
    """What would be enough: so many `requests` for each share that explores; and of as many as there were the `share`,
    None where not even 1 would do."""

    records: int
    share: float | None
    requests: tuple[tuple[float, int], ...]

    def __str__(self) -> str:
        typical = next(count for share, count in self.requests if share == _TYPICAL)
        explores = f"[exploration] share = {_TYPICAL:g} in the policy that is in force"
        told = f"with {explores}, {typical:,} requests like these would do"
        if self.share is not None:
            told += f"; of {self.records:,}, as there are here, it would take {_percent(self.share)}"
        return told


class Needs:
    """Counts what a policy does beside the logged one. `share` is what that policy explores itself."""

    def __init__(self, share: float = 0.0) -> None:
        self._share = share
        self._counts: Counter[tuple[int, bool]] = Counter()
        self.out_of_reach = 0
        """Records whose situation has no plan of that name: exploring would never find it."""

    def add(self, plans: int, *, differs: bool, reachable: bool = True) -> None:
        """Count a record with so many plans to draw from, one at least."""
        if not reachable:
            self.out_of_reach += 1
        else:
            self._counts[plans, differs] += 1

    def advice(self, enough: float) -> Advice | None:
        """Return what would give `enough` effective samples, over all and where the policies differ; None where
        exploring cannot help."""
        records = self._counts.total() + self.out_of_reach
        if not self._counts.total() or self.out_of_reach > 0.01 * records:
            return None
        return Advice(
            records,
            self._least_share(records, enough),
            tuple((share, self._requests(share, enough)) for share in _SHARES),
        )

    def _requests(self, share: float, enough: float) -> int:
        """Return how many requests like these it takes with a log that explores `share`."""
        total = sum(self._counts.values())
        squares = sum(count * self._mean_square(*of, share) for of, count in self._counts.items())
        needed = enough * squares / total
        differing = {of: count for of, count in self._counts.items() if of[1]}
        if differing:
            squares = sum(count * self._mean_square(*of, share) for of, count in differing.items())
            there = sum(differing.values())
            # So many of those on which they differ, of which there are `there` among `total`.
            needed = max(needed, enough * squares / there * total / there)
        return math.ceil(needed)

    def _least_share(self, records: int, enough: float) -> float | None:
        if self._requests(1.0, enough) > records and self._requests(0.5, enough) > records:
            return None
        low, high = 0.0, 1.0 if self._requests(0.5, enough) > records else 0.5
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if middle > 0 and self._requests(middle, enough) <= records else (middle, high)
        return high

    def _mean_square(self, plans: int, differs: bool, share: float) -> float:
        mine, rest = self._share, self._share / plans
        greedy, other = 1 - share + share / plans, share / plans
        if not differs:
            return (1 - mine + rest) ** 2 / greedy + ((plans - 1) * rest**2 / other if rest else 0.0)
        if plans < 2:
            return 1.0
        return (1 - mine + rest) ** 2 / other + rest**2 / greedy + ((plans - 2) * rest**2 / other if rest else 0.0)


def _percent(share: float) -> str:
    # Up, so that it is enough.
    digits = max(0, -math.floor(math.log10(share * 100))) + 1 if share < 0.1 else 0
    step = 10.0**-digits
    return f"{math.ceil(share * 100 / step - 1e-9) * step:.{digits}f} %"
