"""8-bit integers: dynamic, where scales are found at each run, and static, where calibration has found them.

Dynamic suits graphs of matrices; an answer may then depend on its batch mates. Static suits convolutions, and every
calibrator suits another. Made by onnxruntime's own tools, in a folder of their own that is gone afterwards."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from numpy.typing import NDArray

__all__ = ["dynamic", "static"]

Array = NDArray[Any]  # Any: each input has its own datatype

Calibrator = Literal["MinMax", "Entropy", "Percentile"]
# Entropy and percentile keep every activation of every row in memory.
_ROWS: Final[Mapping[Calibrator, int]] = {"MinMax": 256, "Entropy": 48, "Percentile": 48}


def dynamic(content: bytes, *, per_channel: bool) -> bytes:
    """Return the model with matrices in 8 bits, scales of activations found at each run."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _folder(content) as (given, made):
        quantize_dynamic(given, made, per_channel=per_channel, weight_type=QuantType.QInt8)
        return made.read_bytes()


def static(content: bytes, calibration: Mapping[str, Array], calibrator: Calibrator) -> bytes:
    """Return the model with convolutions and matrices in 8 bits, scales found on `calibration`."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with _folder(content) as (given, made):
        prepared = given.with_name("prepared.onnx")
        quant_pre_process(given, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            _Rows(calibration, _ROWS[calibrator]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=getattr(CalibrationMethod, calibrator),
        )
        return made.read_bytes()


class _Rows:
    """Calibration rows one at a time, as onnxruntime's tools ask for them."""

    def __init__(self, calibration: Mapping[str, Array], most: int) -> None:
        count = len(next(iter(calibration.values())))
        chosen = range(0, count, max(1, count // most))
        self._rows: Iterator[dict[str, Array]] = (
            {name: array[index : index + 1] for name, array in calibration.items()} for index in chosen
        )

    def get_next(self) -> dict[str, Array] | None:
        """Return the next row, or None after the last."""
        return next(self._rows, None)


@contextmanager
def _folder(content: bytes) -> Iterator[tuple[Path, Path]]:
    # The tools warn on the root logger that they were given no optimised model.
    logging.disable(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory(prefix="nearfar-") as folder:
            given = Path(folder) / "given.onnx"
            given.write_bytes(content)
            yield given, Path(folder) / "made.onnx"
    finally:
        logging.disable(logging.NOTSET)
