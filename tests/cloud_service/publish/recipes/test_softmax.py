"""A softmax at the end of a graph, where the other end gives probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.softmax import with_softmax
from cloud_service.publish.scores import values_of
from tests.builders.graphs import perceptron


@pytest.mark.parametrize("opset", [9, 13, 21])
def test_a_softmax_is_put_in_the_place_of_an_output(opset: int) -> None:
    sample = perceptron(opset=opset)
    content, output = with_softmax("it", sample.content, "y")
    before, after = OnnxBackend(sample.content), OnnxBackend(content)
    assert [spec.name for spec in after.outputs] == [output]
    (logits,) = before.new_run().execute(sample.inputs, ["y"]).values()
    (shares,) = after.new_run().execute(sample.inputs, [output]).values()
    assert values_of(shares) == "probabilities"
    assert np.array_equal(shares.argmax(axis=1), logits.argmax(axis=1))


def test_it_is_put_there_once() -> None:
    content, output = with_softmax("it", perceptron().content, "y")
    with pytest.raises(PublishError, match="it: the graph does not stand with a softmax"):
        with_softmax("it", content, output)


def test_a_file_that_is_no_onnx_gets_none() -> None:
    with pytest.raises(PublishError, match="export both models with a softmax, or both without"):
        with_softmax("it", b"\x1c\0\0\0TFL3" + bytes(40), "y")
