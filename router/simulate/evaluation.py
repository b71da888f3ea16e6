"""What a release's evaluation would say of the scenario's models: the share that each target gets wrong, and what
thresholds on the device's score would do. Pure.

Drawn from the same source as the requests, with a stream of its own: an evaluation is a sample too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from router.experience import ModelFacts, TargetFacts
from router.rules.policy import PromiseTerms
from router.rules.thresholds import measured
from router.simulate.answers import Truth
from router.simulate.chance import Chance
from router.simulate.promising import Certified, certified
from router.simulate.workload import ModelFacts as Described
from router.simulate.world import Setting
from router.types import DEVICE, EvaluatedThreshold, Kind

__all__ = ["Evaluation", "evaluate"]

_EXAMPLES: Final = 2000
# The agent's own default for a message.
_UPLOAD_LIMIT_BYTES: Final = 64 << 20


class Evaluation:
    """The models' evaluation, and what an agent knows of them and their targets from the start."""

    def __init__(
        self,
        facts: Mapping[str, ModelFacts],
        reference: Mapping[str, str | None],
        certified: Mapping[str, Certified],
    ) -> None:
        self.certified = certified
        """Each model's certificate, where the policy asks for a promise."""
        self.facts = facts
        self.reference = reference
        """Each model's remote target that is most often right, which accuracy is lost against."""


def evaluate(setting: Setting, seed: int, promise: PromiseTerms | None = None) -> Evaluation:
    """Evaluate every model of the scenario, and certify it where a promise is asked for."""
    certificates: dict[str, Certified] = {}
    facts: dict[str, ModelFacts] = {}
    reference: dict[str, str | None] = {}
    kinds = {server.name: server.kind for server in setting.servers}
    for name, model in setting.models.items():
        truths = _drawn(model, seed)
        wrong = _wrong(truths)
        served = [target for target in kinds if target in model.service_s]
        reference[name] = min(served, key=lambda target: (wrong[target], target), default=None)
        runs = model.device_s is not None
        why_not = "" if runs else "the scenario gives the device no such model"
        targets = [TargetFacts(DEVICE, Kind.DEVICE, runs, why_not, 0, wrong.get(DEVICE))]
        for target, kind in kinds.items():
            serves = target in model.service_s
            why_not = "" if serves else "the scenario gives it no such model"
            targets.append(TargetFacts(target, kind, serves, why_not, _UPLOAD_LIMIT_BYTES, wrong.get(target)))
        facts[name] = ModelFacts(name, tuple(targets), _thresholds(truths, reference[name] if runs else None))
        if promise is not None:
            certificates[name] = certified(model, reference[name], promise, seed)
    return Evaluation(facts, reference, certificates)


def _wrong(truths: Sequence[Truth]) -> dict[str, float]:
    wrong: Counter[str] = Counter()
    for truth in truths:
        wrong.update({target: not right for target, right in truth.right.items()})
    return {target: count / _EXAMPLES for target, count in wrong.items()}


def _thresholds(truths: Sequence[Truth], remote: str | None) -> tuple[EvaluatedThreshold, ...]:
    if remote is None:
        return ()
    return measured((truth.score, truth.right[DEVICE], truth.right[remote]) for truth in truths)


def _drawn(model: Described, seed: int) -> list[Truth]:
    chance = Chance(seed, f"evaluation/{model.name}")
    return [model.answers.draw(chance) for _ in range(_EXAMPLES)]
