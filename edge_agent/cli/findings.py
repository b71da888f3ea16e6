"""What `doctor` found: values, for people and for JSON alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.signals import SignalStatus
from router.choosing.engine import Decision
from router.lint import LintWarning
from router.telling.counterfactual import Change, same_choice
from router.telling.shadow import ShadowChoice
from router.types import Value

__all__ = [
    "CertifiedLoss",
    "Findings",
    "ModelFinding",
    "PolicyFinding",
    "PromiseFinding",
    "ServedFinding",
    "ShadowFinding",
    "TargetFinding",
    "WhatIf",
]


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """The policy in force. `problem`: why its file is not, `warning`: what is odd about how it came into force,
    `warnings`: what in it changes no decision, `budgets_problem`: why what was spent of its budgets before was not
    remembered."""

    name: str
    version: int
    digest: str
    problem: str | None
    warnings: tuple[LintWarning, ...]
    budgets_problem: str
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class ShadowFinding:
    """The policy that only looks on. Its name, version and digest are None where its file was never a good one.

    `warnings` are as in PolicyFinding, `blind_spots` parts that count for less than if it acted, and `choice` is what
    it would do now."""

    name: str | None
    version: int | None
    digest: str | None
    problem: str | None
    warnings: tuple[LintWarning, ...]
    blind_spots: tuple[str, ...]
    choice: ShadowChoice | None


@dataclass(frozen=True, slots=True)
class TargetFinding:
    """A remote target. `problem` is a word of the error table, None where it answered in `rtt_ms`."""

    name: str
    kind: str
    endpoint: str
    transport: str
    breaker: str
    rtt_ms: float | None
    problem: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class ServedFinding:
    """A model on a remote target. `problem` None: it is ready, and the one that the release was made with, as far as
    the server tells."""

    target: str
    model: str
    version: str
    digest: str | None
    """As the server tells it; None where it does not, or was not asked."""
    wanted_digest: str | None
    """As the release wants it; None where any model will do."""
    problem: str | None


@dataclass(frozen=True, slots=True)
class CertifiedLoss:
    """One promise of a certificate: shares from 0 to 1."""

    max_loss: float
    confidence: float
    kept: float


@dataclass(frozen=True, slots=True)
class PromiseFinding:
    """What a release promises, and what that is worth now.

    `state` is what the policy's promise is worth for this model, None where the policy asks for none; `why` says more
    of it, or why the certificate covers nothing. `certified` is empty without a certificate."""

    state: str | None
    why: str
    certified: tuple[CertifiedLoss, ...]


@dataclass(frozen=True, slots=True)
class ModelFinding:
    """A model of the configuration. `why_not` is empty where the device can run it.

    `out_s` is for how long it is out of use there, because of what `why_out` says; 0 where it is not. `evaluated_on` is
    how many inputs its release was measured on, None where it was not."""

    name: str
    release: str
    version: int
    evaluated_on: int | None
    device_digest: str | None
    provider: str | None
    why_provider: str
    """How it was chosen; empty where there was nothing to choose."""
    why_not: str
    promise: PromiseFinding
    out_s: float
    why_out: str
    served: tuple[ServedFinding, ...]
    answerable: bool
    """Whether some request for it would be answered now."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A decision as it is and as it would be with `values`, which the caller has given or doctor has chosen."""

    values: Mapping[str, Value | None]
    given: bool
    now: Decision
    then: Decision

    @property
    def changes(self) -> bool:
        """Whether other targets would be asked, or in another order."""
        return not same_choice(self.now, self.then)


@dataclass(frozen=True, slots=True)
class Findings:
    """All of it."""

    policy: PolicyFinding
    signals: tuple[SignalStatus, ...]
    targets: tuple[TargetFinding, ...]
    models: tuple[ModelFinding, ...]
    what_if: WhatIf
    nearest: tuple[Change, ...]
    """What would change the decision as it is, each thing alone."""
    shadow: ShadowFinding | None = None
    """None where no policy is configured to look on."""

    @property
    def healthy(self) -> bool:
        """Whether each model can be answered for."""
        return all(model.answerable for model in self.models)
