"""What the radio's rest is to a decision: which idlenesses, and which gaps to the next request, weigh alike. Pure.

How long it was silent makes a target slower in steps (estimates.silence), and its energy dearer until its tail is over.
What differs by neither differs in nothing that is weighed or told: a choice that was made for one holds for the other.
"""

from __future__ import annotations

import math

from router.estimates import silences_of
from router.rules.policy import Policy
from router.spending.radio import IDLE_STEPS_S, idle_step, next_step_at
from router.types import Radio, Resource

__all__ = ["Rest", "Rests", "rests_until"]

Rest = tuple[str | None, float, tuple[float, ...], tuple[int, ...]]
"""The kind of link; how long it has been idle, of its tail; the gaps, where energy makes them count as they are; and
the steps of silence that are reached now, after each gap, and after each gap from the last use."""


class Rests:
    """Tells rests apart, and looks at each step of idleness once. Several threads may ask."""

    __slots__ = ("_known", "_last")

    def __init__(self) -> None:
        self._known: tuple[Policy, str | None, tuple[float, ...], dict[int, Rest]] | None = None
        self._last: tuple[Policy, Radio, float, float, Rest] | None = None
        """The last one, of which radio, and from when until when it is the same."""

    def of(self, policy: Policy, radio: Radio | None, now: float) -> Rest | None:
        """Return the rest of a radio: two that are equal weigh alike under `policy`."""
        if radio is None:
            return None
        last = self._last
        if last is not None and last[1] is radio and last[0] is policy and last[2] <= now < last[3]:
            return last[4]
        known, kind, gaps_s = self._known, radio.kind, radio.gaps_s
        if known is None or known[0] is not policy or known[1] != kind or known[2] is not gaps_s:
            known = self._known = policy, kind, gaps_s, {}
        step, by_step = idle_step(radio, now), known[3]
        rest = by_step.get(step)
        if rest is None:
            rest = by_step[step] = _rest(policy, radio, math.inf if step < 0 else IDLE_STEPS_S[step])
        self._last = policy, radio, now, next_step_at(radio, step), rest
        return rest


def rests_until(radio: Radio | None, now: float) -> float:
    """Return an instant before which the rest of a radio is what it is at `now`."""
    return math.inf if radio is None else next_step_at(radio, idle_step(radio, now))


def _rest(policy: Policy, radio: Radio, idle_s: float) -> Rest:
    gaps_s = radio.gaps_s
    after_each = [*gaps_s, *[idle_s + gap_s for gap_s in gaps_s]]
    silences = tuple(silences_of(radio.kind, [idle_s, *after_each]))
    # Beyond its tail a radio sleeps, and owes the same however long it does.
    owes_s = min(idle_s, policy.energy.power_of(radio.kind).tail_s)
    return radio.kind, owes_s, gaps_s if _weighs_energy(policy) else (), silences


def _weighs_energy(policy: Policy) -> bool:
    budgets = any(terms.resource is Resource.ENERGY for terms in policy.budgets)
    return budgets or policy.worth.joule > 0 or policy.radio.wake
