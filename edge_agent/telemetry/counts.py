"""What was counted, at one instant, and where whoever shows it looks for what is not counted. Values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.running.attempt import Ending
from router.types import BreakerPhase, BudgetView

__all__ = ["BOUNDS_S", "OUTCOMES", "REFUSED", "Counts", "Gauges", "PairCounts"]

REFUSED: Final = "refused"
"""The outcome of a request that ended before an attempt began."""
OUTCOMES: Final = (*(ending.value for ending in Ending), REFUSED)

BOUNDS_S: Final = (
    *(0.000_05, 0.000_1, 0.000_25, 0.000_5),  # a small model on the device
    *(0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05),  # a large one, or a good network
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),  # a bad one
)
"""Upper bounds of the histogram of times; what is above the last one has a bucket of its own."""


@dataclass(frozen=True, slots=True)
class PairCounts:
    """The requests of one model that ended at one target. `buckets` as BOUNDS_S has them, and one above."""

    outcomes: Mapping[str, int]
    buckets: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything counted, at one instant."""

    requests: int
    pairs: Mapping[tuple[str, str], PairCounts]
    """By model and target; the target of a request that reached none is "none"."""
    escalations: Mapping[str, int]
    deadline_misses: Mapping[str, int]
    sent_bytes: Mapping[str, int]
    failures: Mapping[tuple[str, str], int]
    """By target and code."""
    security_failures: Mapping[str, int]
    policy_reloads: Mapping[str, int]
    certified: Mapping[tuple[str, str], int]
    """By model, and "yes" or "no"; of answers for which a promise was asked."""
    audits: Mapping[tuple[str, str], int]
    """By model, and what came of it."""
    rules: Mapping[str, tuple[int, int]]
    """By the policy's rule: how often it was evaluated, and how often it applied."""
    unknown_signals: Mapping[str, int]
    """Decisions of which a rule spoke of a signal that was unknown, by signal: names that a policy can have."""
    records: Mapping[str, int]
    """Decision records for a file, by what became of them."""
    ep_fallbacks: Mapping[str, int]
    """By model."""
    device_troubles: Mapping[tuple[str, str, str], int]
    """By model, what went wrong on the device, and what was done about it: see runtimes/standing.py."""
    chosen_by: Mapping[tuple[str, str], int]
    """By model, and why a plan was taken where that is not its cost or a mode's order: see weigh.ChosenBy."""
    radio_wakes: Mapping[str, int]
    """By what came of it."""
    extra_runs: Mapping[tuple[str, str], int]
    """By as what a target was asked beside or after another run ("backup", "hedge", "retry"), and the target."""
    withheld: Mapping[tuple[str, str], int]
    """The same, of those that their budget did not cover."""
    throttled: Mapping[str, int]
    """Calls kept back, by target."""
    shadowed: Mapping[tuple[str, str, str, str], int]
    """Requests that a policy which does not act decided too: by model, what was chosen, what it would have chosen, and
    what the two part at ("agrees": at nothing)."""
    shadow_missed: Mapping[str, int]
    """Those that it did not decide, by why."""
    shadow_reloads: Mapping[str, int]
    """Changes of its file that were seen, by what came of them."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """Where a scrape looks for what is not counted."""

    breakers: Callable[[], Mapping[str, BreakerPhase]]
    policy: Callable[[], tuple[str, int, str]]
    """Name, version and digest of the policy in force."""
    signals: Callable[[], Mapping[str, bool]]
    """Whether a decision may use each signal."""
    ages_s: Callable[[], Mapping[str, float]]
    """How old the reading of each signal is that was read."""
    refusals: Callable[[], Mapping[tuple[str, str], int]]
    """By signal and what was wrong: values that were not taken as they were told, see signals/doubt.py."""
    out_of_use: Callable[[], Mapping[str, bool]]
    """Whether each model that the device has is out of use there."""
    promises: Callable[[], Mapping[str, str]]
    """What the policy's promise is worth now, by model."""
    budgets: Callable[[], Sequence[BudgetView]]
    """How the policy's budgets stand."""
    shadow: Callable[[], tuple[str, int, str] | None]
    """The same of the policy that looks on; None where none does."""
