"""On which terms an answer of the device may be kept: the policy's threshold, a rule's, or a certificate's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from router.choosing.closed import Closed, Constraint
from router.choosing.ruling import Ruling
from router.rules.policy import EscalationTerms, Policy
from router.types import Kind, Situation
from router.values import value

__all__ = ["Keeping", "terms_of_keeping"]

# Above every gain, and a number that a record can hold.
_NEVER = 1e6
# What a certified threshold is believed to catch, where the policy has no belief: document.EscalationPart's default.
_RECOVERS = 0.9


@value
class Keeping:
    """On which terms an answer of the device may be kept; `keeps_all` where one may without being looked at."""

    escalation: EscalationTerms | None
    by: Literal["confidence", "gain"]
    keeps_all: bool
    why_not: str
    alarm: bool = False


def terms_of_keeping(policy: Policy, situation: Situation, ruling: Ruling, closed: Sequence[Closed]) -> Keeping:
    """Return the terms for a request, given what closed which target."""
    promise, wanted = situation.promise, _wanted(situation, ruling)
    if promise is None:
        return Keeping(wanted, "confidence", True, "")
    if ruling.overrides_promise:
        return Keeping(wanted, "confidence", True, f'rule "{ruling.overrides_promise}" decides otherwise')
    if _kept_by_label(situation, closed):
        why = "its label keeps it on the device, and the certificate is about requests that could be audited"
        return Keeping(None, "gain", True, why)
    if promise.state == "alarm":
        both = EscalationTerms(_NEVER, _RECOVERS, 1.0) if situation.request.audit else None
        return Keeping(both, "gain", False, promise.why, True)
    if promise.state == "uncovered":
        # What the policy would do without a promise; and where it says nothing, nothing is kept that could be asked.
        return Keeping(wanted, "confidence", wanted is not None and situation.request.can_score, promise.why)
    recovers = _RECOVERS if policy.escalation is None else policy.escalation.recovers
    certified = EscalationTerms(promise.threshold, recovers, 1.0 - promise.kept)
    return Keeping(certified, "gain", False, "" if promise.covers else promise.why)


def _wanted(situation: Situation, ruling: Ruling) -> EscalationTerms | None:
    """Return on which terms an answer is doubted where no certificate says it. What nobody asked for is done only where
    an evaluation tells what it gains, and stands in for no promise."""
    terms = ruling.escalation
    if terms is None or terms.said or (situation.thresholds and situation.promise is None):
        return terms
    return None


def _kept_by_label(situation: Situation, closed: Sequence[Closed]) -> bool:
    """Tell whether every remote target there is is closed by the request's label."""
    remotes = {view.name for view in situation.targets if view.kind is not Kind.DEVICE}
    return bool(remotes) and remotes <= {part.target for part in closed if part.constraint is Constraint.LABEL}
