"""Candidates: what is worth trying on which graph, and that each takes and gives what the model does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from cloud_service.publish.candidates import propose
from cloud_service.publish.candidates.candidate import Unsuited
from cloud_service.publish.candidates.ways import make, same_ports
from cloud_service.publish.columns import row_of, rows_in
from cloud_service.publish.inspect import inspect
from cloud_service.publish.sandbox import Failed
from tests.builders.graphs import Graph, Sample, branching, convolutional, crossing, perceptron, transformer

Array = NDArray[Any]

DYNAMIC = ("dynamic", {"per_channel": True})
PER_TENSOR = ("dynamic", {"per_channel": False})
EIGHT = ("weight_only", {"bits": 8})
FOUR = ("weight_only", {"bits": 4})
HALF = ("half", {})
STATIC = [("static", {"calibrator": name}) for name in ("MinMax", "Entropy", "Percentile")]


def session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def ports(content: bytes) -> list[tuple[str, str, list[Any]]]:
    opened = session(content)
    return [(port.name, port.type, port.shape) for port in (*opened.get_inputs(), *opened.get_outputs())]


def answers(content: bytes, sample: Sample) -> Array:
    opened = session(content)
    rows = [row_of(sample.inputs, index) for index in range(rows_in(sample.inputs))]
    return np.concatenate([opened.run([sample.output], row)[0] for row in rows]).astype(np.float64)


def alike(content: bytes, sample: Sample) -> float:
    """The share of examples on which both say the same."""
    return float((answers(content, sample).argmax(1) == answers(sample.content, sample).argmax(1)).mean())


CASES = [
    *(pytest.param(perceptron(), *way, id=f"perceptron {way}") for way in (DYNAMIC, PER_TENSOR, EIGHT, HALF)),
    *(pytest.param(perceptron(opset=opset), *DYNAMIC, id=f"opset {opset}") for opset in (9, 13, 21, 23)),
    *(pytest.param(perceptron(opset=opset), *HALF, id=f"opset {opset} in half") for opset in (9, 21)),
    *(pytest.param(convolutional(), *way, id=f"convolutional {way}") for way in (*STATIC, HALF)),
    *(pytest.param(convolutional(opset=opset), *STATIC[0], id=f"static, opset {opset}") for opset in (7, 9, 13, 21)),
    *(pytest.param(transformer(), *way, id=f"transformer {way}") for way in (DYNAMIC, EIGHT, HALF)),
    *(pytest.param(crossing(), *way, id=f"two inputs {way}") for way in (*STATIC, HALF)),
    *(pytest.param(branching(), *way, id=f"branches {way}") for way in (DYNAMIC, EIGHT, HALF)),
    pytest.param(convolutional(count=2), *STATIC[0], id="two rows to calibrate on"),
    pytest.param(convolutional(rows=1), *STATIC[1], id="a batch of one and no other"),
    pytest.param(convolutional(channels=1), *STATIC[2], id="grey pictures"),
    pytest.param(perceptron(half=True), *EIGHT, id="16-bit floats with weights in 8 bits"),
    pytest.param(convolutional(rows=1), "simplified", {}, id="simplified"),
]


@pytest.mark.wide
@pytest.mark.parametrize(("sample", "way", "arguments"), CASES)
def test_a_candidate_takes_and_gives_what_the_model_does_and_answers_alike(
    sample: Sample, way: str, arguments: Mapping[str, Any]
) -> None:
    """Static quantization made files of opset 9 that no runtime loads: scales a channel need opset 13. 16-bit floats
    did the same wherever a graph casts to 32 bits, as every attention mask does."""
    made = make(way, sample.content, sample.inputs, arguments)
    assert made != sample.content
    assert ports(made) == ports(sample.content)
    assert alike(made, sample) >= 0.8


@pytest.mark.wide
def test_weights_in_few_bits_do_not_make_an_answer_depend_on_its_batch_mates() -> None:
    sample = perceptron(inner=256)
    made = session(make(*FOUR[:1], sample.content, sample.inputs, FOUR[1]))
    (together,) = made.run(["y"], sample.inputs)
    apart = np.concatenate([made.run(["y"], row_of(sample.inputs, index))[0] for index in range(len(together))])
    # Where a processor has no VNNI a few rows differ by a rounding; where mates count it is by 0.2 and more.
    np.testing.assert_allclose(together, apart, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("way", [DYNAMIC, PER_TENSOR, STATIC[0]], ids=str)
def test_weights_leave_room_for_processors_that_add_two_products_in_16_bits(
    way: tuple[str, Mapping[str, Any]],
) -> None:
    """vpmaddubsw saturates. With weights of all 8 bits a convolution of one channel agreed with the model that it was
    made of on a fifth of the examples, on a processor with AVX2 and nothing newer."""
    sample = convolutional(channels=1) if way[0] == "static" else perceptron(inner=256)
    graph = onnx.load_model_from_string(make(way[0], sample.content, sample.inputs, way[1])).graph
    weights = [
        onnx.numpy_helper.to_array(part) for part in graph.initializer if part.data_type == onnx.TensorProto.INT8
    ]
    largest = [int(np.abs(part.astype(int)).max()) for part in weights if part.ndim > 1]
    assert largest
    assert max(largest) <= 64


def test_dropped_layers_take_their_weights_along() -> None:
    sample = transformer(layers=4)
    made = make("drop_layers", sample.content, sample.inputs, {"count": 2})
    assert ports(made) == ports(sample.content)
    assert np.isfinite(answers(made, sample)).all()
    names = {node.name.split("/")[2] for node in onnx.load_model_from_string(made).graph.node if "layer" in node.name}
    assert names == {"layer.0", "layer.3"}, "first and last stay"
    assert len(made) < 0.75 * len(sample.content)


UNSUITED = [
    pytest.param(transformer(layers=3), "drop_layers", {"count": 2}, "at most 1 can be dropped", id="too few layers"),
    pytest.param(perceptron(), "drop_layers", {"count": 1}, "at most 0 can be dropped", id="no layers"),
    pytest.param(perceptron(half=True), *DYNAMIC, "16 bits", id="16-bit floats in 8 bits"),
    pytest.param(perceptron(half=True), *HALF, "16 bits already", id="16-bit floats in 16 bits"),
    pytest.param(convolutional(), *EIGHT, "constant weights", id="no matrix"),
    pytest.param(perceptron(), "simplified", {}, "nothing to simplify", id="simple already"),
]


@pytest.mark.wide
@pytest.mark.parametrize(("sample", "way", "arguments", "why"), UNSUITED)
def test_what_does_not_suit_a_model_says_why(sample: Sample, way: str, arguments: Mapping[str, Any], why: str) -> None:
    with pytest.raises(Unsuited, match=why):
        make(way, sample.content, sample.inputs, arguments)


def test_a_graph_that_resizes_and_casts_is_made_in_16_bits() -> None:
    """Keeping every cast in 32 bits had the tool keep its own, and add casts to them without end."""
    graph = Graph()
    x = graph.add("Cast", "x", to=1)
    x = graph.add("Resize", x, "", "", graph.constant([1, 1, 8, 8], np.int64))
    graph.add("Conv", x, graph.weights(1, 1, 1, 1, fan_in=1), output="y")
    content = graph.model([("x", "UINT8", (1, 1, 4, 4))], [("y", "FP32", (1, 1, 8, 8))])
    x_given = {"x": np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)}
    wanted, had = (session(file).run(["y"], x_given)[0] for file in (content, make("half", content, {}, {})))
    np.testing.assert_allclose(had, wanted, rtol=1e-2, atol=1e-2)


def unmade(_content: bytes, _way: str, _arguments: Mapping[str, Any]) -> bytes:
    raise Failed("not today")


def names(content: bytes, **options: Any) -> list[str]:
    return [candidate.name for candidate in propose(content, inspect(content), unmade, **options)]


MATRICES = ["int8 dynamic, per channel", "int8 dynamic, per tensor", "int8 weights", "int4 weights"]
CALIBRATED = ["int8 static, MinMax", "int8 static, Entropy", "int8 static, Percentile"]


def test_what_is_worth_trying_depends_on_the_graph() -> None:
    assert names(perceptron().content) == ["as given", "simplified", *MATRICES, "fp16"]
    assert names(transformer().content) == ["as given", "simplified", *MATRICES, "fp16"]
    assert names(convolutional().content) == ["as given", "simplified", *CALIBRATED, "fp16"]


def test_a_quantized_model_is_not_quantized_again() -> None:
    sample = perceptron()
    assert names(make(*DYNAMIC[:1], sample.content, {}, DYNAMIC[1])) == ["as given", "simplified"]


def test_a_model_of_the_user_s_own_is_a_candidate_and_layers_are_dropped_when_asked() -> None:
    own = perceptron(inner=8).content
    assert names(transformer().content, own=own, drop_layers=1)[:2] == ["as given", "own"]
    assert names(transformer().content, drop_layers=1)[-1] == "1 layers fewer"


def test_a_candidate_that_cannot_be_made_says_why_and_the_others_follow() -> None:
    content = perceptron().content
    found = list(propose(content, inspect(content), unmade))
    assert {candidate.skipped for candidate in found if candidate.content is None} == {"not today"}
    assert found[0].content == content


def test_a_model_that_takes_something_else_in_the_end_is_no_candidate() -> None:
    """A tool that renames an input, or changes its type, would make a release that no app can call."""
    content = perceptron().content
    assert same_ports(content, perceptron(inner=8).content)
    for strange in (perceptron(half=True).content, crossing().content):
        with pytest.raises(Unsuited, match="something else"):
            same_ports(content, strange)
