"""What is worth trying on which graph, in the order of its promise. Made lazily: each costs time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cloud_service.publish.candidates.candidate import Candidate
from cloud_service.publish.inspect import Inspection
from cloud_service.publish.sandbox import Failed

__all__ = ["Make", "propose"]

Make = Callable[[bytes, str, Mapping[str, Any]], bytes]  # Any: each way of candidates/ways.py has its own arguments
"""Makes a model smaller by a way with arguments. Raises Failed."""

_Way = tuple[str, str, str, Mapping[str, Any]]  # Any: as above


def propose(
    content: bytes, inspection: Inspection, make: Make, *, drop_layers: int = 0, own: bytes | None = None
) -> Iterator[Candidate]:
    """Yield candidates for the model `content`, itself first.

    Never raises: what cannot be made is a candidate that says why."""
    yield Candidate("as given", "the model as it was given", content)
    if own is not None:
        yield Candidate("own", "the small model that was given", own, is_own=True)
    for way in _ways(inspection):
        yield _made(way, make, content)
    if drop_layers:
        name = f"{drop_layers} layers fewer"
        shorter = _made((name, "blocks left out, evenly", "drop_layers", {"count": drop_layers}), make, content)
        yield shorter
        if shorter.content is not None:
            how = "blocks left out, matrices in 8 bits"
            yield _made((f"{name}, int8 dynamic", how, "dynamic", {"per_channel": True}), make, shorter.content)


def _ways(inspection: Inspection) -> Iterator[_Way]:
    yield "simplified", "constants folded, idle nodes left out", "simplified", {}
    if inspection.quantized:
        return  # its numbers are in 8 bits already
    if inspection.kind in ("transformer", "matrix", "mixed"):
        yield "int8 dynamic, per channel", "matrices in 8 bits, a scale a column", "dynamic", {"per_channel": True}
        yield "int8 dynamic, per tensor", "matrices in 8 bits, a scale a matrix", "dynamic", {"per_channel": False}
        for bits in (8, 4):
            yield f"int{bits} weights", f"matrices in {bits} bits, a scale a block", "weight_only", {"bits": bits}
    if inspection.kind in ("convolution", "mixed"):
        for calibrator in ("MinMax", "Entropy", "Percentile"):
            how = "convolutions and matrices in 8 bits, scales calibrated"
            yield f"int8 static, {calibrator}", how, "static", {"calibrator": calibrator}
    yield "fp16", "16-bit floats", "half", {}


def _made(way: _Way, make: Make, content: bytes) -> Candidate:
    name, how, method, arguments = way
    try:
        return Candidate(name, how, make(content, method, arguments))
    except Failed as error:
        return Candidate(name, how, None, error.why)
