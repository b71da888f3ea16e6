"""A policy in force: the values that a decision reads. compile.py makes them from a document.

A Policy never changes; a new document is a new Policy, and one request sees one of them from beginning to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from router.choosing.hysteresis import HysteresisTerms
from router.estimates import EstimateSettings
from router.rules.predicates import Predicate
from router.rules.probation import RevertTerms
from router.running.breaker import BreakerSettings
from router.running.hedge import HedgeSettings
from router.running.retry import RetrySettings
from router.running.throttle import ThrottleSettings
from router.spending.budget import BudgetTerms
from router.spending.energy import EnergyTerms
from router.types import Kind, Mode, signal

__all__ = [
    "BackupTerms",
    "EscalationTerms",
    "Policy",
    "PromiseTerms",
    "RadioTerms",
    "Rule",
    "TargetTerms",
    "Worth",
]


@dataclass(frozen=True, slots=True)
class EscalationTerms:
    """See document.EscalationPart."""

    below: float
    recovers: float
    share: float
    best: bool = False
    """Whether a threshold that was evaluated is preferred, the one that costs least."""
    gain: float | None = None
    """By how much of all requests more is right; None where that is believed from `recovers`."""
    said: bool = True
    """Whether the document asks for it: see choosing.keeping."""


@dataclass(frozen=True, slots=True)
class PromiseTerms:
    """See document.PromisePart."""

    max_loss: float
    confidence: float
    audit: float


@dataclass(frozen=True, slots=True)
class BackupTerms:
    """See document.BackupPart; `z` is the standard normal's quantile at 1 - eps."""

    z: float
    holds: bool | None
    """None: where that is expected to cost less."""


@dataclass(frozen=True, slots=True)
class Rule:
    """See document.RulePart."""

    name: str
    when: Predicate
    apply_when_unknown: bool
    mode: Mode | None
    forbid: frozenset[str]
    escalation: EscalationTerms | Literal["never"] | None
    """What it wants of escalation; None where it says nothing."""
    reads_request: bool
    """Whether its condition speaks of the request itself, and not of readings alone."""


@dataclass(frozen=True, slots=True)
class TargetTerms:
    """See document.TargetPart; times in seconds at types.QUANTILES."""

    p_wrong: float
    prior_s: tuple[float, float, float, float, float]
    usd_per_request: float


@dataclass(frozen=True, slots=True)
class Worth:
    """See document.WorthPart."""

    wrong_answer: float
    missed_deadline: float
    failed_request: float
    second: float
    dollar: float
    megabyte: float
    joule: float


@dataclass(frozen=True, slots=True)
class RadioTerms:
    """See document.RadioPart."""

    wake: bool
    silent_wakes: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What a decision reads. `digest` is over the document's bytes."""

    name: str
    version: int
    digest: str
    mode: Mode
    labels: Mapping[str, frozenset[str]]
    kinds: Mapping[str, Kind]
    terms: Mapping[str, TargetTerms]
    rules: tuple[Rule, ...]
    worth: Worth
    energy: EnergyTerms
    budgets: tuple[BudgetTerms, ...]
    radio: RadioTerms
    explores: float
    """The share of requests that take a plan at random."""
    hysteresis: HysteresisTerms | None
    escalation: EscalationTerms | None
    promise: PromiseTerms | None
    breaker: BreakerSettings
    throttle: ThrottleSettings
    retry: RetrySettings
    backup: BackupTerms
    hedge: HedgeSettings | None
    estimates: EstimateSettings
    revert: RevertTerms | None
    stale_after_s: Mapping[str, float]
    strictest: frozenset[str]
    """Places that every label permits: what a request without a known label may reach."""
    named_signals: tuple[str, ...]
    """The signals that some rule speaks of, in the order they first appear."""
    rule_names: tuple[str, ...]
    reads_time_left: bool
    """Whether some rule speaks of the time left."""
    _by_kind: Mapping[Kind, TargetTerms] = field(repr=False)

    def terms_for(self, name: str, kind: Kind) -> TargetTerms:
        """Return what is believed of a target; of one that the document does not name, what its kind suggests."""
        terms = self.terms.get(name)
        return self._by_kind[kind] if terms is None else terms

    def believes_the_same_of_targets(self, other: Policy) -> bool:
        """Tell whether what was measured against this policy's beliefs means the same under `other`: both expect the
        same times of targets of which nothing was measured."""
        named = {**self.kinds, **other.kinds}
        return all(self._by_kind[kind].prior_s == other._by_kind[kind].prior_s for kind in Kind) and all(
            self.terms_for(name, kind).prior_s == other.terms_for(name, kind).prior_s for name, kind in named.items()
        )

    def escalates_alike(self, other: Policy) -> bool:
        """Tell whether the same answers count as uncertain under `other`."""
        mine, theirs = ([rule.escalation for rule in policy.rules] for policy in (self, other))
        return self.escalation == other.escalation and self.promise == other.promise and mine == theirs

    def permits(self, label: str | None, name: str, kind: Kind) -> bool:
        """Tell whether `label` lets a target see the request. No label, or an unknown one, is the strictest."""
        places = self.strictest if label is None else self.labels.get(label, self.strictest)
        return name in places or kind.value in places

    def stale_after(self, name: str) -> float:
        """Return the age in seconds beyond which a reading of the signal `name` is unknown."""
        given = self.stale_after_s.get(name)
        if given is None and "." in name:
            given = self.stale_after_s.get(name.partition(".")[0])
        if given is not None:
            return given
        described = signal(name)
        return described.stale_after_s if described is not None else 0.0
