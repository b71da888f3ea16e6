"""LiteRT files: what they take and give is read, and what may not be run is refused, before the library sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from nearfar_wire.errors import ModelFileError, TensorError
from nearfar_wire.tflite import Port, is_tflite, read_tflite
from tests.builders.onnx_models import softmax_mlp
from tests.builders.tflite_models import (
    BUILTIN,
    Operator,
    Plan,
    Tensor,
    built,
    dense_softmax,
    doubled,
    quantized_dense,
    remembering,
    with_operator,
)


def _specs(content: bytes) -> list[str]:
    file = read_tflite(content)
    return [str(port.spec) for port in (*file.inputs, *file.outputs)]


def test_inputs_and_outputs_are_called_as_the_signature_calls_them() -> None:
    assert _specs(dense_softmax()) == ["'pixels' FP32 [-1, 4]", "'probabilities' FP32 [-1, 3]"]


def test_without_a_signature_they_are_called_as_their_tensors_are() -> None:
    assert _specs(dense_softmax(signature=False)) == [
        "'serving_pixels:0' FP32 [-1, 4]",
        "'Identity:0' FP32 [-1, 3]",
    ]


def test_what_is_quantized_is_a_real_number_outside() -> None:
    file = read_tflite(quantized_dense("INT8"))
    assert _specs(quantized_dense("INT8")) == ["'pixels' FP32 [-1, 4]", "'probabilities' FP32 [-1, 3]"]
    assert [port.datatype for port in (*file.inputs, *file.outputs)] == ["INT8", "INT8"]


def test_whole_numbers_without_a_scale_stay_what_they_are() -> None:
    assert _specs(doubled("INT32")) == ["'x' INT32 [1, 2]", "'y' INT32 [1, 2]"]


def test_a_model_with_a_memory_is_known_as_one() -> None:
    assert read_tflite(remembering()).remembers
    assert not read_tflite(dense_softmax()).remembers


def test_what_is_no_such_file_is_told_apart() -> None:
    assert is_tflite(dense_softmax()) and not is_tflite(softmax_mlp()) and not is_tflite(b"")
    for content in (softmax_mlp(), b"", b"TFL3", bytes(8)):
        with pytest.raises(ModelFileError, match="it is no LiteRT file"):
            read_tflite(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(with_operator(BUILTIN.CUSTOM, custom="MyOp"), "'MyOp', which takes code that is not", id="custom"),
        pytest.param(with_operator(BUILTIN.CUSTOM, custom="FlexConv2D"), "'FlexConv2D', which takes", id="select TF"),
        pytest.param(with_operator(BUILTIN.DELEGATE), "DELEGATE, which takes code", id="delegate"),
        pytest.param(with_operator(BUILTIN.STABLEHLO_CUSTOM_CALL), "STABLEHLO_CUSTOM_CALL", id="custom call"),
        pytest.param(with_operator(BUILTIN.WHILE), "WHILE, which leads into another graph", id="D16 loop"),
        pytest.param(with_operator(BUILTIN.IF), "IF, which leads", id="branch"),
        pytest.param(with_operator(BUILTIN.CALL_ONCE), "CALL_ONCE, which leads", id="call"),
        pytest.param(with_operator(BUILTIN.READ_VARIABLE), "READ_VARIABLE, which keeps values", id="variable"),
        pytest.param(with_operator(BUILTIN.HASHTABLE_FIND), "HASHTABLE_FIND, which keeps values", id="table"),
        pytest.param(with_operator(210), "operator 210, which is not known", id="newer than this"),
        pytest.param(with_operator(127), "operator 127, which is not known", id="no operator at all"),
    ],
)
def test_D14_an_operator_that_may_not_run_is_refused_by_its_name(content: bytes, why: str) -> None:
    with pytest.raises(ModelFileError, match=why):
        read_tflite(content)


def _external_group(model: Any) -> None:
    model.externalBufferGroups = [schema.ExternalBufferGroupT()]


def _external_buffer(model: Any) -> None:
    model.subgraphs[0].tensors[1].externalBuffer = 1


def _beyond(model: Any) -> None:
    model.buffers[1].data, model.buffers[1].offset, model.buffers[1].size = None, 64, 1 << 40


def _second_graph(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def _older(model: Any) -> None:
    model.version = 2


def _scale(scale: float) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[1]
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [1.0, scale], [0, 0]

    return change


def _fed(index: int, place: int = 0) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.subgraphs[0].operators[0].inputs[place] = index

    return change


def _made(index: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.subgraphs[0].operators[0].outputs = [index]

    return change


def _taken(index: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.subgraphs[0].inputs = [index]

    return change


def _code(model: Any) -> None:
    model.subgraphs[0].operators[0].opcodeIndex = 2


def _buffer(model: Any) -> None:
    model.subgraphs[0].tensors[1].buffer = 99


def _shape(*shape: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[0].shape = list(shape)
        model.subgraphs[0].tensors[0].shapeSignature = None

    return change


def _type(number: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[0].type = number

    return change


def _called(name: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.signatureDefs[0].inputs[0].name = name

    return change


def _nothing_out(model: Any) -> None:
    model.subgraphs[0].outputs = []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(_external_group, "weights in other files", id="D13 weights in a group of files"),
        pytest.param(_external_buffer, "weights in other files", id="D13 weights in another file"),
        pytest.param(_beyond, "weights beyond its end", id="D13 weights beyond the end"),
        pytest.param(_second_graph, "it has 2 graphs", id="two graphs"),
        pytest.param(_older, "it has schema 2", id="schema"),
        pytest.param(_scale(0.0), "scale is no positive number", id="scale of nought"),
        pytest.param(_scale(-1.0), "scale is no positive number", id="scale below nought"),
        pytest.param(_scale(float("nan")), "scale is no positive number", id="scale that is none"),
        pytest.param(_fed(99), "damaged", id="input beyond the tensors"),
        pytest.param(_fed(-2), "damaged", id="input before the tensors"),
        pytest.param(_fed(-1), "lacks an input", id="no input"),
        pytest.param(_fed(-1, 1), "lacks an input", id="no weights"),
        pytest.param(_made(99), "damaged", id="output beyond the tensors"),
        pytest.param(_taken(99), "damaged", id="graph input beyond the tensors"),
        pytest.param(_taken(-1), "damaged", id="graph input before the tensors"),
        pytest.param(_code, "damaged", id="operator beyond the list"),
        pytest.param(_buffer, "damaged", id="buffer beyond the list"),
        pytest.param(_shape(1, -4), "damaged", id="negative size"),
        pytest.param(_shape(1 << 16, 1 << 16), "damaged", id="D15 more elements than there can be"),
        pytest.param(_shape(1, 0), "'pixels' has shape", id="nothing to put in"),
        pytest.param(_type(5), "'pixels' is of type 5", id="text"),
        pytest.param(_type(17), "'pixels' is of type 17", id="four bits"),
        pytest.param(_called(""), "whose name has 0 characters", id="no name"),
        pytest.param(_called("x" * 257), "whose name has 257 characters", id="endless name"),
        pytest.param(_nothing_out, "gives nothing", id="no output"),
    ],
)
def test_a_file_that_no_exporter_writes_is_refused_with_the_reason(change: Callable[[Any], None], why: str) -> None:
    with pytest.raises(ModelFileError, match=why):
        read_tflite(dense_softmax(change=change))


def _sum(out: float, datatype: str = "INT8") -> bytes:
    x = Tensor("x", "INT8", (1, 2), quantity=(1.0, 0))
    y = Tensor("y", datatype, (1, 2), quantity=(out, 0))
    return built(Plan([x, y], [Operator(BUILTIN.ADD, [0, 0], [1], schema.AddOptionsT())], [0], [1]))


def _split(parts: int) -> bytes:
    options = schema.SplitOptionsT()
    options.numSplits = parts
    axis = Tensor("axis", "INT32", (), np.array(1, np.int32))
    tensors = [axis, Tensor("x", "FP32", (1, 2)), Tensor("y", "FP32", (1, 1)), Tensor("z", "FP32", (1, 1))]
    return built(Plan(tensors, [Operator(BUILTIN.SPLIT, [0, 1], [2, 3], options)], [1], [2, 3]))


def _pool(height: int = 2, stride: int = 1) -> bytes:
    options = schema.Pool2DOptionsT()
    options.filterHeight, options.filterWidth, options.strideH, options.strideW = height, 2, stride, 1
    tensors = [Tensor("x", "FP32", (1, 4, 4, 1)), Tensor("y", "FP32", (1, 4, 4, 1))]
    return built(Plan(tensors, [Operator(BUILTIN.AVERAGE_POOL_2D, [0], [1], options)], [0], [1]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(_pool(height=-(2**31)), "a window or a block of no such size", id="window below nought"),
        pytest.param(_pool(stride=0), "a stride, a window", id="stride of nought"),
        pytest.param(with_operator(BUILTIN.ADD, [0, 0], datatype="UINT8"), "no scale", id="bytes added"),
        pytest.param(with_operator(BUILTIN.LOG, datatype="INT16"), "no scale", id="logarithm of whole numbers"),
        pytest.param(
            with_operator(BUILTIN.LESS, [0, 0], datatype="INT8", quantity=(1.0, 0)), "scale is 1 or more", id="compared"
        ),
        pytest.param(_sum(1e-6), "output whose scale is too small", id="sum"),
        pytest.param(_sum(0.5, "FP32"), "mixes types", id="sum of another type"),
        pytest.param(_split(1), "another number of parts", id="parts without an output"),
        pytest.param(_split(3), "another number of parts", id="outputs without a part"),
        pytest.param(with_operator(BUILTIN.STRIDED_SLICE, [0, 0]), "too few inputs", id="too few inputs"),
    ],
)
def test_what_ends_the_process_inside_the_library_does_not_get_there(content: bytes, why: str) -> None:
    """Each of these ended it, by a failed check or by reading elsewhere in memory."""
    with pytest.raises(ModelFileError, match=why):
        read_tflite(content)


def test_sums_and_parts_as_exporters_write_them_are_read() -> None:
    for content in (_sum(0.5), _sum(1e-5), _split(2), _pool()):
        assert read_tflite(content).inputs


PORT = Port("x", 0, "UINT8", (-1, 2), read_tflite(quantized_dense("UINT8")).inputs[0].quantity)


@pytest.mark.parametrize(
    ("tensor", "why"),
    [
        pytest.param(np.zeros((1, 3), np.float32), r"has shape \[1, 3\], the model takes \[-1, 2\]", id="shape"),
        pytest.param(np.zeros(2, np.float32), r"has shape \[2\]", id="rank"),
        pytest.param(np.zeros((1, 2), np.float64), "is FP64, the model takes FP32", id="datatype"),
        pytest.param(np.zeros((0, 2), np.float32), "has nothing in it", id="C13 no rows"),
        pytest.param(np.full((1, 2), np.nan, np.float32), "holds NaN", id="C8 no number"),
    ],
)
def test_a_tensor_that_the_model_cannot_take_is_refused_by_its_name(tensor: np.ndarray, why: str) -> None:
    with pytest.raises(TensorError, match=f"'x': {why}"):
        PORT.stored(tensor)


def test_pixels_of_the_files_own_type_are_taken_as_they_are() -> None:
    pixels = np.array([[1, 255]], np.uint8)
    assert PORT.stored(pixels) is pixels
    assert PORT.stored(np.array([[1.4, 300.0]], np.float32)).tolist() == [[1, 255]]
