"""What one device spent in each hour of a run, by what it truly cost: to hold its budgets to. Pure.

An agent keeps its budgets by its own books, with the energy that its policy believes in. This is what somebody would
find who read its meter, and whatever the policy has a budget for."""

from __future__ import annotations

from typing import Final

from router.types import Resource

__all__ = ["HOUR_S", "Meter"]

HOUR_S: Final = 3600


class Meter:
    """See the module. Holds as many entries as there are hours in which something was spent."""

    __slots__ = ("_spent",)

    def __init__(self) -> None:
        self._spent: dict[int, list[float]] = {}

    def add(self, now: float, joules: float, usd: float, size_bytes: float) -> None:
        """Count what was spent by now."""
        spent = self._spent.get(int(now // HOUR_S))
        if spent is None:
            spent = self._spent[int(now // HOUR_S)] = [0.0, 0.0, 0.0]
        spent[0] += joules
        spent[1] += usd
        spent[2] += size_bytes

    def most(self, resource: Resource, period_s: float) -> float:
        """Return the most that was spent in any hour, or in any day: joules, dollars, or megabytes."""
        place, scale = _PLACES[resource]
        periods: dict[int, float] = {}
        for hour, spent in self._spent.items():
            period = hour * HOUR_S // int(period_s)
            periods[period] = periods.get(period, 0.0) + spent[place] * scale
        return max(periods.values(), default=0.0)


_PLACES: Final = {Resource.ENERGY: (0, 1.0), Resource.MONEY: (1, 1.0), Resource.BYTES: (2, 1e-6)}
