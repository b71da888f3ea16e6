"""What a person is told of a release that was made: the figures for the report and for the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

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

__all__ = ["figures", "report_facts"]

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
            ("device digest", certificate.device_digest),
            ("full model's digest", certificate.remote_digest),
            ("preprocessing digest", certificate.preprocessing_digest),
            *(("note", note) for note in (*made.notes, *certified.refused)),
        ),
        promises=tuple(
            PromiseRow(p.alpha, p.delta, p.threshold, p.kept, p.loss, p.alpha_d) for p in certificate.promises
        ),
        candidates=tuple(
            CandidateRow(
                row.name,
                row.how,
                row.latency_ms_p50,
                row.latency_ms_p95,
                row.size_bytes,
                row.memory_bytes,
                row.agreement,
                row.accuracy,
                row.on_front,
                row is made.compression.chosen,
                row.skipped,
            )
            for row in made.compression.measured
        ),
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
        "n": {"fit": len(made.split.fit), "calibrate": len(made.split.calibrate), "evaluate": len(made.split.evaluate)},
        "candidates": [asdict(row) for row in facts.candidates],
        "promises": [asdict(row) for row in facts.promises],
        "refused": list(made.certified.refused),
        "escalated": {bar.name: bar.escalated for bar in facts.hindsight},
        "notes": list(made.notes),
    }


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
