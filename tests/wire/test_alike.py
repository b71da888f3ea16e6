"""Whatever came before, a request is read as the envelope reads it; words that are known are not read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.alike import Alike
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.envelope import open_envelope
from nearfar_wire.errors import MessageError, TensorError
from nearfar_wire.tensors import encode_request
from tests.wire.mutation import mutations

Tensors = Mapping[str, np.ndarray[Any, Any]]  # Any: as the request says

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def request(tensor: np.ndarray[Any, Any] = X, **more: Any) -> bytes:
    return encode_request("m", {"x": tensor}, **more).SerializeToString()


def told(head: str, tensors: Callable[[], Tensors]) -> object:
    """Return what a request says, or with what words it is refused."""
    try:
        return head, repr([(name, t.dtype, t.shape, t.tolist()) for name, t in tensors().items()])
    except (MessageError, TensorError) as error:
        return type(error), str(error)


def by(alike: Alike[str], content: bytes) -> object:
    try:
        return told(*alike.open(content))
    except MessageError as error:
        return type(error), str(error)


def anew(content: bytes) -> object:
    try:
        envelope = open_envelope(content)
    except MessageError as error:
        return type(error), str(error)
    return told(str(envelope.head), envelope.tensors)


class Reading:
    """Reads heads, and counts how many."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, head: pb.ModelInferRequest) -> str:
        self.read += 1
        return str(head)


SEEDS = [
    request(),
    request(version="2", request_id="i", outputs=["y"]),
    request(np.array([True, False])),
    request(np.array([b"a", b"bc"], dtype=object)),
    encode_request("m", {"x": X, "y": X}).SerializeToString(),
    encode_request("m", {}).SerializeToString(),
    pb.ModelInferRequest(
        model_name="m",
        inputs=[
            pb.ModelInferRequest.InferInputTensor(
                name="x", datatype="FP32", shape=[1], contents=pb.InferTensorContents(fp32_contents=[1.0])
            )
        ],
    ).SerializeToString(),
]


@given(st.lists(st.one_of([st.just(seed) | mutations(seed) for seed in SEEDS]), max_size=12))
def test_whatever_came_before_a_request_is_read_as_it_is_by_itself(contents: list[bytes]) -> None:
    alike = Alike(str)
    for content in (*contents, *contents):
        assert by(alike, content) == anew(content)


@given(
    st.sampled_from(sorted(set(DATATYPES) - {"BYTES"})),
    st.lists(st.integers(0, 3), max_size=3),
    st.binary(),
    st.binary(),
)
def test_other_numbers_after_the_same_words_are_those_that_were_sent(
    datatype: str, shape: list[int], one: bytes, other: bytes
) -> None:
    alike = Alike(str)
    size = DATATYPES[datatype].itemsize * int(np.prod(shape))
    for content in (one, other, one):
        message = pb.ModelInferRequest(model_name="m", raw_input_contents=[(content * size + bytes(size))[:size]])
        message.inputs.add(name="x", datatype=datatype, shape=shape)
        assert by(alike, message.SerializeToString()) == anew(message.SerializeToString())


def test_known_words_are_not_read_again() -> None:
    reading = Reading()
    alike = Alike(reading)
    for tensor in (X, X + 1, X * 2):
        _, tensors = alike.open(request(tensor))
        assert tensors()["x"].tolist() == tensor.tolist()
    assert reading.read == 1


@pytest.mark.parametrize(
    "more", [pytest.param({"version": "1"}, id="a version"), pytest.param({"outputs": ["y"]}, id="an output")]
)
def test_other_words_are_read_for_themselves(more: dict[str, Any]) -> None:
    reading = Reading()
    alike = Alike(reading)
    for content in (request(), request(**more), request(), request(**more)):
        assert by(alike, content) == anew(content)
    assert reading.read == 2


def test_what_has_an_id_is_not_remembered() -> None:
    reading = Reading()
    alike = Alike(reading)
    for _ in range(2):
        alike.open(request(request_id="i"))
    assert reading.read == 2


def test_a_head_that_its_reader_refuses_is_refused_each_time() -> None:
    def read(head: pb.ModelInferRequest) -> str:
        raise MessageError("no")

    alike = Alike(read)
    for _ in range(2):
        with pytest.raises(MessageError):
            alike.open(request())


def test_so_many_words_are_known_and_no_more() -> None:
    """A caller that names another model each time fills the table; what falls out of it is read anew."""
    reading = Reading()
    alike = Alike(reading)
    first = request()
    alike.open(first)
    names = [f"m{number}" for number in range(3000)]
    for name in names:
        alike.open(encode_request(name, {"x": X}).SerializeToString())
    assert reading.read == 1 + len(names)
    assert by(alike, first) == anew(first)
    assert reading.read == 2 + len(names)
