from __future__ import annotations

import numpy as np
import pytest

from edge_agent.demo.digits import Images, load_digits
from edge_agent.demo.models import SMALL_INPUT, Layer, quantize, to_onnx, train_small
from edge_agent.runtimes.onnx import OnnxRuntime
from nearfar_wire.digest import digest_of


@pytest.fixture(scope="module")
def images() -> Images:
    return load_digits().calibrate


@pytest.fixture(scope="module")
def layers(images: Images) -> list[Layer]:
    return train_small(images)


def run(model: bytes, rows: np.ndarray) -> np.ndarray:
    return OnnxRuntime("test", model, digest_of(model)).run({SMALL_INPUT: rows})["probabilities"]


def rows_of(images: Images) -> np.ndarray:
    return images.pixels.reshape(len(images), 64).astype(np.float32)


@pytest.mark.wide
def test_training_twice_gives_the_same_file(images: Images, layers: list[Layer]) -> None:
    assert to_onnx(train_small(images), SMALL_INPUT) == to_onnx(layers, SMALL_INPUT)


def test_the_file_computes_what_the_layers_say(images: Images, layers: list[Layer]) -> None:
    hidden, last = layers
    logits = np.maximum(rows_of(images) @ hidden.weights + hidden.bias, 0) @ last.weights + last.bias
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    wanted = odds / odds.sum(axis=1, keepdims=True)
    assert run(to_onnx(layers, SMALL_INPUT), rows_of(images)) == pytest.approx(wanted, abs=1e-5)


def test_the_file_names_its_tensors_and_leaves_the_batch_free(layers: list[Layer]) -> None:
    model = to_onnx(layers, SMALL_INPUT)
    runtime = OnnxRuntime("test", model, digest_of(model))
    assert [(spec.name, spec.shape) for spec in runtime.inputs] == [(SMALL_INPUT, (-1, 64))]
    assert [(spec.name, spec.shape) for spec in runtime.outputs] == [("probabilities", (-1, 10))]


def test_the_quantized_file_holds_its_weights_as_int8(images: Images, layers: list[Layer]) -> None:
    import onnx

    model = onnx.load_from_string(quantize(to_onnx(layers, SMALL_INPUT), SMALL_INPUT, images))
    matrices = [weight for weight in model.graph.initializer if len(weight.dims) == 2]
    assert len(matrices) == len(layers)
    assert {weight.data_type for weight in matrices} == {onnx.TensorProto.INT8}


def test_the_quantized_file_mostly_agrees_with_the_floats(images: Images, layers: list[Layer]) -> None:
    model = to_onnx(layers, SMALL_INPUT)
    floats = run(model, rows_of(images))
    int8 = run(quantize(model, SMALL_INPUT, images), rows_of(images))
    assert np.mean(floats.argmax(axis=1) == int8.argmax(axis=1)) > 0.95


def test_an_answer_of_the_quantized_file_does_not_depend_on_its_batch_mates(
    images: Images, layers: list[Layer]
) -> None:
    model, rows = quantize(to_onnx(layers, SMALL_INPUT), SMALL_INPUT, images), rows_of(images)
    assert run(model, rows[:1]) == pytest.approx(run(model, rows)[:1], abs=1e-6)


def test_quantizing_leaves_the_log_of_the_host_alone(
    images: Images, layers: list[Layer], caplog: pytest.LogCaptureFixture
) -> None:
    quantize(to_onnx(layers, SMALL_INPUT), SMALL_INPUT, images)
    assert caplog.records == []
