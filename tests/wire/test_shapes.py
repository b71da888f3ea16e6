"""Shapes from the wire are counted before anything is allocated for them."""

from __future__ import annotations

import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import TensorError
from nearfar_wire.shapes import MAX_DIMENSIONS, MAX_ELEMENTS, element_count
from nearfar_wire.tensors import decode_request

HOSTILE = [
    pytest.param([-1], id="minus one"),
    pytest.param([2, -5], id="negative behind a positive"),
    pytest.param([-2, -3], id="two negatives, whose product is positive"),
    pytest.param([1 << 31], id="2^31"),
    pytest.param([(1 << 63) - 1], id="2^63-1"),
    pytest.param([1 << 32, 1 << 32], id="product wraps to 0 in 64 bits"),
    pytest.param([(1 << 62) + 1, 4], id="product wraps to 4 in 64 bits"),
    pytest.param([0, 1 << 62, 8], id="empty, but numpy cannot hold it"),
    pytest.param([1] * 1000, id="1,000 dimensions"),
    pytest.param([1] * (MAX_DIMENSIONS + 1), id="one dimension too many"),
]


@given(st.lists(st.integers(0, 6), max_size=8))
def test_count_is_the_product_of_the_dimensions(shape: list[int]) -> None:
    assert element_count("x", shape) == math.prod(shape)


def test_the_limits_themselves_are_accepted() -> None:
    assert element_count("x", [MAX_ELEMENTS]) == MAX_ELEMENTS
    assert element_count("x", [1] * MAX_DIMENSIONS) == 1


@pytest.mark.parametrize("shape", HOSTILE)
def test_C3_hostile_shapes_are_refused_by_name(shape: list[int]) -> None:
    with pytest.raises(TensorError) as refused:
        element_count("pixels", shape)
    assert refused.value.tensor == "pixels"


@pytest.mark.parametrize("shape", [*HOSTILE, pytest.param([MAX_ELEMENTS], id="the largest shape, and no bytes")])
@pytest.mark.parametrize("datatype", ["FP32", "BOOL", "BYTES"])
@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
def test_C3_hostile_shapes_allocate_nothing(shape: list[int], datatype: str, raw: bool) -> None:
    request = pb.ModelInferRequest()
    request.inputs.add(name="x", datatype=datatype, shape=shape)
    if raw:
        request.raw_input_contents.append(b"\x00" * 4)
    tracemalloc.start()
    try:
        with pytest.raises(TensorError):
            decode_request(request)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 20
