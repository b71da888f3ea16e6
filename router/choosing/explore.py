"""Forced choices: a small share of requests takes a plan at random. Pure.

Only the plan that is carried out teaches anything: what is never chosen would never be known better. The draw is one
among what is feasible, never what a constraint closed. Its probability stands in the decision, which is what makes
estimates of other policies from the log honest. Chance comes in as a number drawn evenly from [0, 1) before anything is
known of the request."""

from __future__ import annotations

__all__ = ["drawn", "propensity"]


def drawn(share: float, draw: float | None, plans: int) -> int | None:
    """Return which of so many plans a request is made to take; None where it takes what costs least."""
    if draw is None or plans < 1 or not draw < share:
        return None
    return min(plans - 1, int(draw / share * plans))


def propensity(share: float, plans: int, *, greedy: bool, among: bool) -> float:
    """Return the probability with which a plan is taken where it is drawn for `share` of the requests: one that is
    chosen anyway (`greedy`), and one that may be drawn (`among` the plans)."""
    return (1.0 - share if greedy else 0.0) + (share / plans if among else 0.0)
