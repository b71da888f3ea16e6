"""From outcomes to a certificate: which confidence to read, the gain table, a threshold for every alpha asked for.

Each set has one use. What is chosen (the score, the table, the grid of thresholds) is chosen on the fit set; thresholds
pass or fail on the calibration set; what the report and the watch are told comes from the evaluation set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError
from cloud_service.publish.outcomes import Outcomes
from cloud_service.publish.splits import Split
from router.cascade import binomial
from router.cascade.certificate import Promise, Reference
from router.cascade.gain import BINS, GainTable, fit_gain
from router.cascade.learn import Method, Threshold, certify, grid_of
from router.errors import CertifyError

__all__ = ["Certified", "Kind", "binned", "certify_outcomes", "promise_of", "reference_of"]

Kind = Literal["margin", "max_probability", "energy", "value"]

_ALPHA_D_LEVEL: Final = 0.05
_REFERENCE_BINS: Final = 20
_CHANCE: Final = 2.0
"""Standard errors by which another kind of confidence has to be better than the first."""


@dataclass(frozen=True, slots=True)
class Certified:
    """What calibration gave. `best_fixed` and `hindsight` are escalated shares of the evaluation set, to compare with;
    `refused` says which alpha could not be promised, and why."""

    kind: Kind
    table: GainTable
    grid: tuple[float, ...]
    method: Method
    promises: tuple[Promise, ...]
    refused: tuple[str, ...]
    reference: Reference
    scores: Array
    """s(x) of every example, in the examples' order."""
    confidences: Array
    best_fixed: float
    hindsight: float


def certify_outcomes(
    outcomes: Outcomes,
    confidences: Mapping[Kind, Array],
    split: Split,
    alphas: Sequence[float],
    delta: float,
) -> Certified:
    """Certify; `confidences` are the device's by kind of score, those to choose among.

    Raises PublishError: where no alpha can be promised, with the number of examples that it takes, or where no score
    can be read."""
    method = Method.AGREEMENT if outcomes.device_right is None else Method.LABELS
    readable = {kind: values for kind, values in confidences.items() if np.isfinite(values[split.fit]).all()}
    if not readable:
        raise PublishError(
            "the device's confidence cannot be read on some examples of the fit set",
            "look for NaN in the model's output, or name another score",
        )
    answers, gains = outcomes.answers, outcomes.gains
    kind = _kind(answers, readable, gains, split.fit)
    chosen = readable[kind]
    table = _fit(answers, chosen, gains, split.fit)
    scores = np.array([table.score(int(a), float(c)) for a, c in zip(answers, chosen, strict=True)])
    grid = grid_of(scores[split.fit].tolist())
    promises: list[Promise] = []
    refused: list[str] = []
    for alpha in sorted(set(alphas)):
        try:
            threshold = _certify(scores, gains, split.calibrate, grid, alpha, delta, method)
        except CertifyError as error:
            refused.append(str(error))
            continue
        rows = split.evaluate
        promises.append(promise_of(threshold, alpha, delta, scores[rows], gains[rows], outcomes.disagree[rows]))
    if not promises:
        raise PublishError("no promise can be made: " + refused[-1], "give more examples, or a larger --alpha")
    strictest = promises[0].alpha
    return Certified(
        kind,
        table,
        grid,
        method,
        tuple(promises),
        tuple(refused),
        reference_of(chosen, split),
        scores,
        chosen,
        _best_fixed(chosen, gains, split, strictest, delta, method),
        _hindsight(gains[split.evaluate], strictest),
    )


def reference_of(confidences: Array, split: Split) -> Reference:
    """Return how confidences are spread on what was calibrated and evaluated on, in bins that the fit set chose.

    An edge lies halfway between two confidences that were seen: where many inputs have the same one, as with an 8-bit
    model, the last bits of another machine must not put all of them into another bin."""
    values = np.unique(confidences[split.fit].astype(np.float32))
    ranks = np.arange(1, _REFERENCE_BINS) / _REFERENCE_BINS
    below = np.quantile(confidences[split.fit].astype(np.float32), ranks, method="lower")
    places = np.unique(np.searchsorted(values, below))
    places = places[places < len(values) - 1]
    edges = np.unique((values[places].astype(np.float64) + values[places + 1].astype(np.float64)) / 2)
    if not len(edges):
        edges = values[:1].astype(np.float64)
    return Reference(edges=edges.tolist(), counts=binned(edges, confidences[np.r_[split.calibrate, split.evaluate]]))


def binned(edges: Array, confidences: Array) -> list[int]:
    """Count confidences by bin as the drift test does: an edge in the bin below, what is no number in the lowest."""
    places = np.where(np.isnan(confidences), 0, np.searchsorted(edges, confidences, side="left"))
    return [int(count) for count in np.bincount(places, minlength=len(edges) + 1)]


def _fit(answers: Array, confidences: Array, gains: Array, rows: Array) -> GainTable:
    # In the type of use: an edge that is no 32-bit float would tie with nothing.
    single = confidences[rows].astype(np.float32).tolist()
    try:
        return fit_gain(answers[rows].tolist(), single, gains[rows].tolist())
    except CertifyError as error:
        raise PublishError(str(error), "give more examples") from error


def _kind(answers: Array, readable: Mapping[Kind, Array], gains: Array, rows: Array) -> Kind:
    """Return the first kind, unless another orders `rows` better, by more than chance would let it.

    Few examples decide at a loss of some percent, and picked by what is kept there, a worse kind was chosen often
    enough to cost more than the better one gains (docs/adr/0027-class-offsets.md)."""
    best, worth = None, np.zeros(0)
    for kind, values in readable.items():
        found = _worth(answers, values, gains, rows)
        ahead = found - worth if best is not None else found
        if best is None or ahead.sum() > _CHANCE * math.sqrt(float((ahead**2).sum())):
            best, worth = kind, found
    assert best is not None
    return best


def _worth(answers: Array, confidences: Array, gains: Array, rows: Array) -> Array:
    """Return how little each of `rows` loses over all thresholds, under a table fitted on the other half."""
    worth = np.zeros(len(rows))
    halves = (np.arange(0, len(rows), 2), np.arange(1, len(rows), 2))
    for fitted, tried in (halves, halves[::-1]):
        if len(fitted) < BINS or not len(tried):
            return worth
        table = _fit(answers, confidences, gains, rows[fitted])
        scores = np.array([table.score(int(answers[i]), float(confidences[i])) for i in rows[tried]])
        kept_at = np.searchsorted(np.sort(scores), scores, side="right") / len(scores)
        worth[tried] = -gains[rows[tried]] * kept_at
    return worth


def _certify(
    scores: Array,
    gains: Array,
    rows: Array,
    grid: Sequence[float],
    alpha: float,
    delta: float,
    method: Method,
) -> Threshold:
    return certify(scores[rows].tolist(), gains[rows].tolist(), grid, alpha, delta, method)


def promise_of(
    threshold: Threshold, alpha: float, delta: float, scores: Array, gains: Array, disagree: Array
) -> Promise:
    """Return what `threshold` promises, with what an evaluation set says of it: s(x), S and whether both ends disagree,
    one each an example."""
    kept = scores > threshold.value
    return Promise(
        alpha=alpha,
        delta=delta,
        threshold=None if math.isinf(threshold.value) else threshold.value,
        kept=float(kept.mean()),
        loss=float((kept * gains).mean()),
        alpha_d=binomial.upper_bound(int((kept & disagree).sum()), len(scores), _ALPHA_D_LEVEL),
        passed=list(threshold.passed),
    )


def _best_fixed(confidences: Array, gains: Array, split: Split, alpha: float, delta: float, method: Method) -> float:
    """Return what the best threshold on confidence alone escalates that holds the same promise by the same test."""
    single = confidences.astype(np.float32)
    grid = grid_of(single[split.fit].tolist())
    threshold = _certify(single, gains, split.calibrate, grid, alpha, delta, method)
    return float(1 - (single[split.evaluate] > threshold.value).mean())


def _hindsight(gains: Array, alpha: float) -> float:
    """Return the least that could be escalated at a loss of alpha by somebody who knew every answer."""
    lost = int(gains.sum())
    return max(0.0, lost - alpha * len(gains)) / len(gains)
