"""What it costs to look up, at run time, whether an answer may stay: the table alone, and all of `Quality.score`."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.timing import compare, spread
from edge_agent.quality import Quality
from nearfar_wire.confidence import of_row
from nearfar_wire.manifest import DeviceSide, InputSpec, Manifest, OutputSpec, RemoteSide, Score
from router.cascade.certificate import Certificate, Gains, Promise, Reference
from router.cascade.gain import GainTable, fit_gain
from router.cascade.learn import Method

__all__ = ["main"]

_CLASSES = 10
_DIGEST = "sha256:" + "0" * 64


def main() -> None:
    chance = random.Random(0)
    table = _table(chance)
    logits = np.array([[chance.gauss(0, 3) for _ in range(_CLASSES)]], dtype=np.float32)
    row = logits[0].tolist()
    print(f"whether an answer of {_CLASSES} classes may stay: microseconds")
    for kind, values in (("margin", "probabilities"), ("margin", "logits"), ("energy", "logits")):
        given = logits if values == "logits" else np.exp(logits) / np.exp(logits).sum()
        score = Score.model_validate({"output": "scores", "kind": kind, "values": values})
        quality = Quality(_manifest(score), _certificate(table, score), "", chance=chance)
        plain = given[0].tolist()
        sure = of_row(plain, score)
        answer = row.index(max(row))
        contenders: dict[str, Callable[[], object]] = {
            "GainTable.score, the lookup": partial(table.score, answer, sure),
            "of_row, the confidence": partial(of_row, plain, score),
            "tolist and the class": partial(_classified, given),
            "Quality.score, all of it": partial(quality.score, {"scores": given}),
        }
        print(f"    {kind} of {values}")
        for name, times in compare(contenders, count=20_000, rounds=9).items():
            print(f"        {name:30} {spread(times):.2f}")


def _classified(values: np.ndarray) -> int:
    row = values.reshape(-1, values.shape[-1]).tolist()[0]
    return int(row.index(max(row)))


def _table(chance: random.Random) -> GainTable:
    answers = [chance.randrange(_CLASSES) for _ in range(2000)]
    confidences = [chance.random() for _ in answers]
    gains = [
        int(chance.random() < (1 - sure) * (0.6 if answer < 3 else 0.2))
        for answer, sure in zip(answers, confidences, strict=True)
    ]
    return fit_gain(answers, confidences, gains)


def _manifest(score: Score) -> Manifest:
    return Manifest(
        schema=1,  # type: ignore[call-arg]  # mypy knows no alias within Annotated
        name="judged",
        version=1,
        inputs=[InputSpec(name="x", datatype="FP32", shape=[-1, 4])],
        outputs=[OutputSpec(name="scores", datatype="FP32", shape=[-1, _CLASSES])],
        device=DeviceSide(file="model.onnx", digest=_DIGEST),
        remote=RemoteSide(model="judged"),
        score=score,
    )


def _certificate(table: GainTable, score: Score) -> Certificate:
    return Certificate(
        model="judged",
        method=Method.LABELS,
        task="classification",
        score=score.kind,
        device_digest=_DIGEST,
        remote_digest=_DIGEST,
        preprocessing_digest=_DIGEST,
        gains=Gains.of(table, [0.0]),
        promises=[Promise(alpha=0.01, delta=0.1, threshold=0.0, kept=0.5, loss=0.0, alpha_d=0.1, passed=[0.0])],
        reference=Reference(edges=[0.5], counts=[1, 1]),
        n_fit=2000,
        n_calibrate=2000,
        n_evaluate=1000,
        split="made up",
        seed=0,
        made_utc="never",
        not_covered=[],
    )
