"""8-bit integers: dynamic, where scales are found at each run, and static, where calibration has found them.

Dynamic suits graphs of matrices; an answer may then depend on its batch mates. Static suits convolutions, and every
calibrator suits another. Made by onnxruntime's own tools, in a folder of their own that is gone afterwards.

Weights take 7 of the 8 bits. An x86 processor without VNNI adds two products of 8 bits in 16, and what does not fit is
cut off: the same file, under the same digest, may answer nearly at random there. See ADR 48."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from cloud_service.publish.candidates.candidate import Unsuited
from cloud_service.publish.columns import Array, row_of, rows_in

__all__ = ["dynamic", "static"]

Calibrator = Literal["MinMax", "Entropy", "Percentile"]
# Entropy and percentile keep every activation of every row in memory.
_ROWS: Final[Mapping[Calibrator, int]] = {"MinMax": 256, "Entropy": 48, "Percentile": 48}
_CHANNELS_OPSET: Final = 13  # the first whose QuantizeLinear takes a scale a channel
_CONVERTED_OPSET: Final = 17


def dynamic(content: bytes, *, per_channel: bool) -> bytes:
    """Return the model with matrices in 8 bits, scales of activations found at each run. Raises Unsuited."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    _require_wide(content)
    with _folder(content) as (given, made):
        quantize_dynamic(given, made, per_channel=per_channel, reduce_range=True, weight_type=QuantType.QInt8)
        return made.read_bytes()


def static(content: bytes, calibration: Mapping[str, Array], calibrator: Calibrator) -> bytes:
    """Return the model with convolutions and matrices in 8 bits, scales found on `calibration`. Raises Unsuited."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    _require_wide(content)
    with _folder(_with_channels(content)) as (given, made):
        prepared = given.with_name("prepared.onnx")
        quant_pre_process(given, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            _Rows(calibration, _ROWS[calibrator]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=getattr(CalibrationMethod, calibrator),
        )
        return made.read_bytes()


class _Rows:
    """Calibration rows one at a time, spread evenly, as onnxruntime's tools ask for them."""

    def __init__(self, calibration: Mapping[str, Array], most: int) -> None:
        count = rows_in(calibration)
        used = min(count, most)
        self._rows = (row_of(calibration, index * count // used) for index in range(used))

    def get_next(self) -> dict[str, Array] | None:
        """Return the next row, or None after the last."""
        return next(self._rows, None)


def _require_wide(content: bytes) -> None:
    """Raises Unsuited: for a model of 16-bit floats, of which the tools make what no runtime loads."""
    import onnx

    graph = onnx.load_model_from_string(content).graph
    narrow = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    if any(tensor.data_type in narrow for tensor in graph.initializer):
        raise Unsuited("its numbers have 16 bits; start from the model in 32")


def _with_channels(content: bytes) -> bytes:
    """Return the model in an opset in which a scale a channel can be said."""
    import onnx
    from onnx import version_converter

    model = onnx.load_model_from_string(content)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset >= _CHANNELS_OPSET:
        return content
    try:
        converted: bytes = version_converter.convert_version(model, _CONVERTED_OPSET).SerializeToString()
    except Exception as error:  # the converter raises what its C++ does
        raise Unsuited(f"opset {opset} cannot be converted; export it in opset {_CHANNELS_OPSET} or newer") from error
    return converted


@contextmanager
def _folder(content: bytes) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="nearfar-") as folder:
        given = Path(folder) / "given.onnx"
        given.write_bytes(content)
        yield given, Path(folder) / "made.onnx"
