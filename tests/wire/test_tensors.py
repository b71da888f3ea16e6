"""Messages of tensors: whole, unambiguous, or refused with the name of what was wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.errors import TensorError
from nearfar_wire.tensors import (
    MODEL_DIGEST_PARAMETER,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    requested_outputs,
)

CANARY = b"CANARY-7f3a"


def test_request_carries_what_it_was_made_of() -> None:
    request = encode_request(
        "digits",
        {"pixels": np.zeros((2, 3), np.uint8)},
        version="4",
        request_id="r1",
        outputs=["probabilities"],
    )
    assert (request.model_name, request.model_version, request.id) == ("digits", "4", "r1")
    assert [(t.name, t.datatype, list(t.shape)) for t in request.inputs] == [("pixels", "UINT8", [2, 3])]
    assert requested_outputs(request) == ["probabilities"]
    assert not request.parameters
    assert not request.inputs[0].HasField("contents")


def test_response_carries_what_it_was_made_of() -> None:
    digest = "sha256:" + "0" * 64
    response = encode_response(
        "digits",
        {"label": np.array([7], np.int64)},
        version="4",
        request_id="r1",
        parameters={MODEL_DIGEST_PARAMETER: digest},
    )
    assert (response.model_name, response.model_version, response.id) == ("digits", "4", "r1")
    assert dict(response.parameters) == {"model_digest": pb.InferParameter(string_param=digest)}
    assert decode_response(response)["label"].tolist() == [7]


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.data(), max_size=4))
def test_every_tensor_comes_back_under_its_name(drawn: dict[str, st.DataObject]) -> None:
    tensors = {
        name: data.draw(
            st.sampled_from([dtype for dtype in DATATYPES.values() if dtype.kind != "O"]).flatmap(
                lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
            )
        )
        for name, data in drawn.items()
    }
    wire = encode_request("m", tensors).SerializeToString()
    decoded = decode_request(pb.ModelInferRequest.FromString(wire))
    assert list(decoded) == list(tensors)
    for name, array in tensors.items():
        assert (decoded[name].dtype, decoded[name].shape) == (array.dtype, array.shape)
        assert decoded[name].tobytes() == array.tobytes()


def test_typed_contents_are_read_like_raw_ones() -> None:
    request = pb.ModelInferRequest()
    request.inputs.add(name="a", datatype="INT8", shape=[2], contents=pb.InferTensorContents(int_contents=[-1, 5]))
    request.inputs.add(name="b", datatype="BYTES", shape=[1], contents=pb.InferTensorContents(bytes_contents=[b"x"]))
    decoded = decode_request(request)
    assert decoded["a"].tolist() == [-1, 5]
    assert decoded["b"].tolist() == [b"x"]


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "raw"])
def test_C13_an_empty_batch_is_an_empty_tensor(typed: bool) -> None:
    request = pb.ModelInferRequest()
    request.inputs.add(name="x", datatype="FP32", shape=[0, 64])
    if not typed:
        request.raw_input_contents.append(b"")
    assert decode_request(request)["x"].shape == (0, 64)


def two_inputs() -> pb.ModelInferRequest:
    return encode_request("m", {"a": np.zeros(2, np.float32), "b": np.zeros(1, np.int8)})


def test_C2_typed_contents_beside_raw_ones_are_refused() -> None:
    request = two_inputs()
    request.inputs[1].contents.int_contents.append(0)
    with pytest.raises(TensorError, match="'b': has typed contents beside raw ones"):
        decode_request(request)


def test_contents_that_hold_nothing_do_not_contradict_raw_ones() -> None:
    """MLServer's answers have them, and were all refused."""
    response = encode_response("m", {"y": np.ones(2, np.float32)})
    response.outputs[0].contents.SetInParent()
    assert decode_response(response)["y"].tolist() == [1, 1]


@pytest.mark.parametrize("count", [1, 3])
def test_C2_there_are_as_many_raw_contents_as_inputs(count: int) -> None:
    request = two_inputs()
    del request.raw_input_contents[:]
    request.raw_input_contents.extend([b"\0"] * count)
    with pytest.raises(TensorError, match=f"2 tensors with {count} raw contents"):
        decode_request(request)


def test_C2_raw_contents_without_inputs_are_refused() -> None:
    with pytest.raises(TensorError, match="0 tensors with 1 raw contents"):
        decode_request(pb.ModelInferRequest(raw_input_contents=[b"x"]))


def test_C11_a_name_that_stands_twice_is_refused() -> None:
    request = two_inputs()
    request.inputs[1].name = "a"
    with pytest.raises(TensorError, match="'a': stands twice"):
        decode_request(request)


def test_the_same_rules_hold_for_responses() -> None:
    response = encode_response("m", {"a": np.zeros(2, np.float32)})
    response.raw_output_contents[0] = b"\0" * 7
    with pytest.raises(TensorError, match="'a': FP32"):
        decode_response(response)


def test_shared_memory_is_refused_by_its_name() -> None:
    request = two_inputs()
    request.inputs[0].parameters["shared_memory_region"].string_param = "r"
    with pytest.raises(TensorError, match="'a': lies in shared memory"):
        decode_request(request)


@pytest.mark.parametrize("extension", ["shared_memory_region", "classification"])
def test_an_extension_for_an_output_is_refused_and_not_ignored(extension: str) -> None:
    request = pb.ModelInferRequest()
    request.outputs.add(name="p").parameters[extension].int64_param = 3
    with pytest.raises(TensorError, match=extension):
        requested_outputs(request)


def test_an_output_asked_for_twice_is_refused() -> None:
    with pytest.raises(TensorError, match="'p': is asked for twice"):
        requested_outputs(encode_request("m", {}, outputs=["p", "q", "p"]))


def test_no_outputs_asked_for_is_an_empty_list() -> None:
    assert requested_outputs(two_inputs()) == []


TENSORS = st.builds(
    pb.ModelInferRequest.InferInputTensor,
    name=st.sampled_from(["a", "b"]),
    datatype=st.sampled_from([*DATATYPES, "BF16"]),
    shape=st.lists(st.integers(-1, 4), max_size=3),
    contents=st.none()
    | st.builds(
        pb.InferTensorContents,
        int_contents=st.lists(st.sampled_from([0, 1, 999_999]), max_size=3),
        fp32_contents=st.lists(st.floats(width=32), max_size=2),
        bytes_contents=st.lists(st.just(CANARY), max_size=3),
    ),
)


@given(
    st.builds(
        pb.ModelInferRequest,
        inputs=st.lists(TENSORS, max_size=3),
        raw_input_contents=st.lists(st.binary(max_size=16) | st.just(CANARY), max_size=3),
    )
)
def test_any_request_is_decoded_or_refused_without_a_value(request: pb.ModelInferRequest) -> None:
    outcome = decoded_or_refusal(request)
    if isinstance(outcome, TensorError):
        assert CANARY.decode() not in str(outcome)
        assert "999999" not in str(outcome)
        assert outcome.__cause__ is None
    else:
        assert [list(array.shape) for array in outcome.values()] == [list(tensor.shape) for tensor in request.inputs]


def decoded_or_refusal(request: pb.ModelInferRequest) -> dict[str, np.ndarray[Any, Any]] | TensorError:
    try:
        return decode_request(request)
    except TensorError as error:
        return error


@pytest.mark.parametrize("name", ["x" * 10_000_000, "a\nb\x1b[31m", "\u202etxt"], ids=["10 MB", "control", "RTL"])
def test_C9_a_stranger_s_name_is_quoted_and_short(name: str) -> None:
    request = pb.ModelInferRequest()
    request.inputs.add(name=name, datatype="BF16", shape=[1])
    with pytest.raises(TensorError) as refused:
        decode_request(request)
    message = str(refused.value)
    assert len(message) < 500
    assert message.isprintable()
