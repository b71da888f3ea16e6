"""Look at an agent's parts and gather what `doctor` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_agent.cli.findings import (
    CertifiedLoss,
    Findings,
    ModelFinding,
    PolicyFinding,
    PromiseFinding,
    ShadowFinding,
    WhatIf,
)
from edge_agent.cli.injection import scenarios, with_twin
from edge_agent.cli.reach import Reached, reach
from edge_agent.core import Core
from edge_agent.releases import Release
from edge_agent.signals.status import SignalStatus, untold
from router.choosing.engine import Decision, decide
from router.lint import lint
from router.telling.counterfactual import changes
from router.telling.shadow import beside, blind_spots
from router.types import DEVICE, Value

__all__ = ["examine"]


def examine(core: Core, *, model: str | None, label: str | None, values: Mapping[str, Value | None]) -> Findings:
    """Read every signal, ask every target, and decide as for one request: `model` None is the first, `label` None the
    one that the policy allows most, no `values` some that make a difference.

    Takes as long as the endpoints' probes. Raises UnknownModel, UnknownLabel."""
    core.refresh()
    what_if = _what_if(core, model or next(iter(core.releases)), label or _freest_label(core), values)
    reached = reach(core)
    return Findings(
        policy=_policy(core),
        signals=_signals(core),
        targets=tuple(target.finding for target in reached),
        models=tuple(_model(core, release, reached, label) for release in core.releases.values()),
        what_if=what_if,
        nearest=tuple(changes(core.policies.current, what_if.now)),
        shadow=_shadow(core, what_if.now),
    )


def _shadow(core: Core, now: Decision) -> ShadowFinding | None:
    if core.shadow is None:
        return None
    file = core.shadow.file
    policy = file.current
    if policy is None:
        return ShadowFinding(None, None, None, file.problem, (), (), None)
    return ShadowFinding(
        policy.name,
        policy.version,
        policy.digest,
        file.problem,
        lint(policy),
        blind_spots(policy, core.policies.current),
        beside(policy, decide(policy, now.situation), now, None),
    )


def _signals(core: Core) -> tuple[SignalStatus, ...]:
    told = core.signal_statuses()
    return (*told, *untold(row.name for row in told))


def _policy(core: Core) -> PolicyFinding:
    status = core.policy_status()
    return PolicyFinding(
        status.name,
        status.version,
        status.digest,
        status.problem,
        lint(core.policies.current),
        core.budgets_problem,
        status.warning,
    )


def _model(core: Core, release: Release, reached: Sequence[Reached], label: str | None) -> ModelFinding:
    served = tuple(target.served[release.name] for target in reached if release.name in target.served)
    working = {finding.target for finding in served if finding.problem is None}
    if release.runtime is not None:
        working.add(DEVICE)
    evaluation = release.manifest.evaluation
    out_s, why_out = core.out_of_use(release.name) or (0.0, "")
    return ModelFinding(
        name=release.name,
        release=release.manifest.name,
        version=release.manifest.version,
        evaluated_on=None if evaluation is None else evaluation.n,
        device_digest=release.device_digest,
        provider=None if release.runtime is None else release.runtime.provider,
        why_provider=release.why_provider,
        why_not=release.why_no_runtime,
        promise=_promise(core, release),
        out_s=out_s,
        why_out=why_out,
        served=served,
        answerable=_answerable(core, release.name, working, label),
    )


def _promise(core: Core, release: Release) -> PromiseFinding:
    certificate, promise = release.certificate, core.promise(release.name)
    certified = [] if certificate is None else certificate.promises
    return PromiseFinding(
        state=None if promise is None else promise.state,
        why=release.why_uncovered if promise is None else promise.why,
        certified=tuple(CertifiedLoss(part.alpha, 1.0 - part.delta, part.kept) for part in certified),
    )


def _answerable(core: Core, model: str, working: set[str], label: str | None) -> bool:
    """Tell whether a request with `label` (None: with any that the policy has) would ask a target that works."""
    labels = [label] if label is not None else [None, *core.policies.current.labels]
    plans = (core.look(model, one, {}).plan for one in labels)
    return any(plan is not None and not plan.targets.isdisjoint(working) for plan in plans)


def _freest_label(core: Core) -> str:
    policy, kinds = core.policies.current, core.config.kinds
    return max(policy.labels, key=lambda label: sum(policy.permits(label, name, kind) for name, kind in kinds.items()))


def _what_if(core: Core, model: str, label: str, values: Mapping[str, Value | None]) -> WhatIf:
    now = core.look(model, label, {})
    first = next(iter(core.config.targets), None)
    tried = [with_twin(one, first) for one in ([values] if values else scenarios(core.policies.current))]
    what_ifs = [WhatIf(one, bool(values), now, core.look(model, label, one)) for one in tried]
    return next((what_if for what_if in what_ifs if what_if.changes), what_ifs[-1])
