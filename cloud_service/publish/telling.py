"""What a person is told of a release that was made: the figures for the report and for the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cloud_service.publish.doubt import doubts
from cloud_service.publish.measure import Measured
from cloud_service.publish.report import (
    CandidateRow,
    HindsightBar,
    PromiseRow,
    ReliabilityPoint,
    ReportFacts,
    RiskPoint,
)
from router.cascade.binomial import interval
from router.cascade.learn import Method, smallest_n

if TYPE_CHECKING:
    from cloud_service.publish.prepared import Prepared

__all__ = ["accuracy", "figures", "report_facts"]

_BINS: Final = 10
_POINTS: Final = 200


def report_facts(made: Prepared) -> ReportFacts:
    """Return the report's figures, from the evaluation set."""
    certificate, certified = made.certificate, made.certified
    strictest = certificate.promises[0]
    needed = smallest_n(certified.method, strictest.alpha, strictest.delta)
    return ReportFacts(
        model=certificate.model,
        version=made.manifest.version,
        made_utc=certificate.made_utc,
        labelled=certified.method is Method.LABELS,
        particulars=(
            ("method", f"{certified.method.value}; {strictest.alpha:.3g} needs {needed} examples to calibrate on"),
            ("score", certified.kind),
            (
                "examples",
                f"{certificate.n_fit} fit, {certificate.n_calibrate} calibrate, {certificate.n_evaluate} evaluate",
            ),
            ("split", certificate.split),
            *(("right on the evaluation set", told) for told in accuracy(made)),
            ("device digest", certificate.device_digest),
            ("full model's digest", certificate.remote_digest),
            ("preprocessing digest", certificate.preprocessing_digest),
            *(("note", note) for note in (*made.notes, *certified.refused, *doubts(certificate))),
        ),
        promises=tuple(
            PromiseRow(p.alpha, p.delta, p.threshold, p.kept, p.loss, p.alpha_d) for p in certificate.promises
        ),
        candidates=tuple(_candidate(row, row is made.compression.chosen) for row in made.compression.measured),
        reliability=_reliability(made),
        risk=_risk(made),
        hindsight=(
            HindsightBar("gain table", 1 - strictest.kept),
            HindsightBar("best fixed confidence", certified.best_fixed),
            HindsightBar("hindsight", certified.hindsight),
        ),
        not_covered=tuple(certificate.not_covered),
    )


def figures(made: Prepared) -> dict[str, Any]:  # Any: JSON
    """Return all that was measured as a JSON document: candidates, promises, what they are compared with."""
    facts = report_facts(made)
    return {
        "model": facts.model,
        "version": facts.version,
        "method": made.certified.method.value,
        "score": made.certified.kind,
        "delta": made.certificate.promises[0].delta,
        "split": made.certificate.split,
        "n": {"fit": len(made.split.fit), "calibrate": len(made.split.calibrate), "evaluate": len(made.split.evaluate)},
        "evaluation": None if made.manifest.evaluation is None else made.manifest.evaluation.model_dump(),
        "digests": {
            "device": made.certificate.device_digest,
            "remote": made.certificate.remote_digest,
            "preprocessing": made.certificate.preprocessing_digest,
        },
        "candidates": [asdict(row) for row in facts.candidates],
        "promises": [asdict(row) for row in facts.promises],
        "refused": list(made.certified.refused),
        "escalated": {bar.name: bar.escalated for bar in facts.hindsight},
        "not_covered": list(facts.not_covered),
        "doubts": list(doubts(made.certificate)),
        "notes": list(made.notes),
    }


def _candidate(row: Measured, chosen: bool) -> CandidateRow:
    if row.skipped:
        return CandidateRow(row.name, row.how, skipped=row.skipped)
    return CandidateRow(
        row.name,
        row.how,
        row.latency_ms_p50,
        row.latency_ms_p95,
        row.size_bytes,
        row.memory_bytes,
        row.agreement,
        row.accuracy,
        row.on_front,
        chosen,
    )


def accuracy(made: Prepared) -> tuple[str, ...]:
    """Return in words how often each end by itself was right on the evaluation set; nothing where nobody knows."""
    outcomes, rows = made.outcomes, made.split.evaluate
    told: list[str] = []
    for who, right in (("the device alone", outcomes.device_right), ("the full model", outcomes.remote_right)):
        if right is not None:
            hits = int(right[rows].sum())
            low, high = interval(hits, len(rows))
            told.append(f"{who} {hits / len(rows):.1%} ({low:.1%} to {high:.1%})")
    return tuple(told)


def _reliability(made: Prepared) -> tuple[ReliabilityPoint, ...]:
    rows = made.split.evaluate
    found = made.certified.confidences[rows]
    outcomes = made.outcomes
    right = ~outcomes.disagree[rows] if outcomes.device_right is None else outcomes.device_right[rows]
    if found.size == 0 or not np.isfinite(found).all() or found.min() < 0 or found.max() > 1:
        return ()  # an energy is no share
    points: list[ReliabilityPoint] = []
    for place in range(_BINS):
        inside = (found >= place / _BINS) & ((found < (place + 1) / _BINS) | (place == _BINS - 1))
        count, hits = int(inside.sum()), int(right[inside].sum())
        if count:
            low, high = interval(hits, count)
            points.append(ReliabilityPoint(float(found[inside].mean()), hits / count, low, high, count))
    return tuple(points)


def _risk(made: Prepared) -> tuple[RiskPoint, ...]:
    rows = made.split.evaluate
    scores, gains = made.certified.scores[rows], made.outcomes.gains[rows]
    thresholds = np.unique(scores[np.isfinite(scores)])[::-1]
    thresholds = np.append(thresholds, np.nextafter(thresholds[-1:], -np.inf))
    chosen = thresholds[:: max(1, len(thresholds) // _POINTS)]
    return tuple(
        RiskPoint(float((scores > value).mean()), float(((scores > value) * gains).mean())) for value in chosen
    )
