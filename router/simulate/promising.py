"""The certificate that a release of a simulated model would carry: made as cloud_service makes one, of drawn examples.

A gain table is fitted on one set and a threshold certified on another, with the router's own code; so a promise can be
simulated, kept and broken as in production, by a model of which only its numbers are known. Pure."""

from __future__ import annotations

import math
from typing import Final

from router.cascade.gain import GainTable, fit_gain
from router.cascade.learn import Method, certify, grid_of, smallest_n
from router.errors import CertifyError
from router.rules.policy import PromiseTerms
from router.simulate.chance import Chance
from router.simulate.workload import ModelFacts
from router.types import DEVICE, Promise
from router.values import value

__all__ = ["Certified", "certified"]

# What prepare asks for at the least; what a strict promise needs beyond it is drawn as well, up to the most.
_EXAMPLES: Final = 2000
_MOST_EXAMPLES: Final = 20_000
# The device's answers have no classes here: confidence alone tells them apart.
_CLASS: Final = 0


@value
class Certified:
    """What a certificate says of a model's requests. `table` is None where there is no certificate."""

    promise: Promise
    table: GainTable | None

    def score(self, confidence: float) -> float:
        """Return s(x) of an answer with this confidence: the higher, the better kept."""
        return -math.inf if self.table is None else self.table.score(_CLASS, confidence)


def certified(model: ModelFacts, reference: str | None, terms: PromiseTerms, seed: int) -> Certified:
    """Certify `model` against the target `reference`, whose answers its accuracy is lost against."""
    if reference is None or model.device_s is None:
        return Certified(Promise("uncovered", "there are no two models to compare"), None)
    delta = 1 - terms.confidence
    try:
        examples = max(_EXAMPLES, 4 * smallest_n(Method.LABELS, terms.max_loss, delta))
    except CertifyError as error:
        return Certified(Promise("uncovered", str(error)), None)
    if examples > _MOST_EXAMPLES:
        why = f"a promise as strict as this takes {examples:,} examples, and {_MOST_EXAMPLES:,} are drawn at most"
        return Certified(Promise("uncovered", why), None)
    confidences, gains = _drawn(model, reference, examples, Chance(seed, f"fit/{model.name}"))
    table = fit_gain([_CLASS] * examples, confidences, gains)
    grid = grid_of([table.score(_CLASS, confidence) for confidence in confidences])
    confidences, gains = _drawn(model, reference, examples, Chance(seed, f"calibrate/{model.name}"))
    scores = [table.score(_CLASS, confidence) for confidence in confidences]
    threshold = certify(scores, gains, grid, terms.max_loss, delta, Method.LABELS)
    if math.isinf(threshold.value):
        return Certified(Promise("uncovered", "under this promise the certificate keeps nothing on the device"), table)
    return Certified(Promise("in_force", "", threshold.value, threshold.kept), table)


def _drawn(model: ModelFacts, reference: str, count: int, chance: Chance) -> tuple[list[float], list[int]]:
    truths = [model.answers.draw(chance) for _ in range(count)]
    gains = [int(truth.right[reference]) - int(truth.right[DEVICE]) for truth in truths]
    return [truth.score for truth in truths], gains
