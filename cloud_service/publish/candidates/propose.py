"""What is worth trying on which graph, in the order of its promise. Made lazily: each costs time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from numpy.typing import NDArray

from cloud_service.publish.candidates import layers, lighter, quantized
from cloud_service.publish.candidates.candidate import Candidate, Unsuited
from cloud_service.publish.inspect import Inspection

__all__ = ["propose"]

Make = Callable[[bytes], bytes]


def propose(
    content: bytes,
    inspection: Inspection,
    calibration: Mapping[str, NDArray[Any]],  # Any: each input has its own datatype
    *,
    drop_layers: int = 0,
    own: bytes | None = None,
) -> Iterator[Candidate]:
    """Yield candidates for the model `content`, itself first; `calibration` are its inputs, one row an example.

    Never raises: what cannot be made is a candidate that says why."""
    yield Candidate("as given", "the model as it was given", content)
    if own is not None:
        yield Candidate("own", "the small model that was given", own, is_own=True)
    for name, how, make in _ways(inspection, calibration):
        yield _made(name, how, make, content)
    if drop_layers:
        name = f"{drop_layers} layers fewer"
        shorter = _made(name, "blocks left out, evenly", partial(layers.drop_layers, count=drop_layers), content)
        yield shorter
        if shorter.content is not None:
            make = partial(quantized.dynamic, per_channel=True)
            yield _made(f"{name}, int8 dynamic", "blocks left out, matrices in 8 bits", make, shorter.content)


def _ways(
    inspection: Inspection,
    calibration: Mapping[str, NDArray[Any]],  # Any: as above
) -> Iterator[tuple[str, str, Make]]:
    yield "simplified", "constants folded, idle nodes left out", lighter.simplified
    if inspection.quantized:
        return  # its numbers are in 8 bits already
    if inspection.kind in ("transformer", "matrix", "mixed"):
        dynamic = quantized.dynamic
        yield "int8 dynamic, per channel", "matrices in 8 bits, a scale a column", partial(dynamic, per_channel=True)
        yield "int8 dynamic, per tensor", "matrices in 8 bits, a scale a matrix", partial(dynamic, per_channel=False)
        for bits in (8, 4):
            how = f"weights of matrices in {bits} bits, computed in floats"
            yield f"int{bits} weights", how, partial(lighter.weight_only, bits=bits)
    if inspection.kind in ("convolution", "mixed"):
        for calibrator in ("MinMax", "Entropy", "Percentile"):
            make = partial(quantized.static, calibration=calibration, calibrator=calibrator)
            yield f"int8 static, {calibrator}", "convolutions and matrices in 8 bits, scales calibrated", make
    yield "fp16", "16-bit floats", lighter.half


def _made(name: str, how: str, make: Make, content: bytes) -> Candidate:
    try:
        return Candidate(name, how, make(content))
    except Unsuited as error:
        return Candidate(name, how, None, str(error))
    except ImportError as error:
        return Candidate(name, how, None, f"it takes {error.name}; install nearfar[publish]")
    except Exception as error:  # noqa: BLE001  (quantizers raise whatever a strange graph makes them meet)
        return Candidate(name, how, None, f"the tool that makes it gave up ({type(error).__name__})")
