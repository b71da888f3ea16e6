from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.errors import InvalidInput, TooLarge
from cloud_service.exchange import InferAnswer
from cloud_service.http.codec import read_request, write_answer
from nearfar_wire.errors import TensorError
from nearfar_wire.raw import from_raw, to_raw

_DIGEST = "sha256:0"


def _body(document: object, *raws: bytes) -> tuple[bytes, int | None]:
    head = json.dumps(document).encode()
    return head + b"".join(raws), len(head) if raws else None


def _input(**changed: object) -> dict[str, object]:
    return {"name": "x", "datatype": "INT32", "shape": [2], "data": [1, 2]} | changed


def _binary(size: object, **changed: object) -> dict[str, object]:
    entry = _input(parameters={"binary_data_size": size}, **changed)
    del entry["data"]
    return entry


@given(st.lists(st.booleans(), max_size=4), st.integers(0, 5))
def test_binary_inputs_and_json_ones_may_be_mixed(are_binary: list[bool], rows: int) -> None:
    tensors = {f"x{i}": np.arange(rows, dtype=np.int64) * (i + 1) for i in range(len(are_binary))}
    entries, raws = [], []
    for (name, tensor), binary in zip(tensors.items(), are_binary, strict=True):
        entry: dict[str, Any] = {"name": name, "datatype": "INT64", "shape": [rows]}
        if binary:
            raws.append(to_raw(name, tensor))
            entries.append(entry | {"parameters": {"binary_data_size": len(raws[-1])}})
        else:
            entries.append(entry | {"data": tensor.tolist()})
    read = read_request(*_body({"inputs": entries}, *raws)).tensors()
    assert {name: tensor.tolist() for name, tensor in read.items()} == {n: t.tolist() for n, t in tensors.items()}
    assert all(tensor.flags.aligned for tensor in read.values())


def test_what_a_request_says_beside_its_tensors_is_read() -> None:
    request = read_request(
        *_body(
            {
                "id": "a",
                "parameters": {"priority": 2, "timeout": 1500, "binary_data_output": True, "other": [1, {"a": "b"}]},
                "inputs": [_input()],
                "outputs": [{"name": "y", "parameters": {"binary_data": False}}, {"name": "z"}],
                "unknown": None,
            }
        )
    )
    assert (request.id, request.priority, request.timeout_s) == ("a", 2, 0.0015)
    assert (request.outputs, request.binary, request.binary_by_default) == (("y", "z"), {"y": False}, True)


def test_what_a_request_leaves_out_has_its_default() -> None:
    request = read_request(b"{}", None)
    assert (request.id, request.priority, request.timeout_s) == ("", 0, float("inf"))
    assert (request.outputs, request.binary_by_default, request.tensors()) == ((), False, {})


@pytest.mark.parametrize(
    ("document", "raws", "problem"),
    [
        pytest.param({"inputs": {}}, (), "inputs is a JSON array", id="inputs is an object"),
        pytest.param({"inputs": [1]}, (), "each input is a JSON object with a name", id="an input is a number"),
        pytest.param({"inputs": [_input(name=1)]}, (), "with a name", id="a name is a number"),
        pytest.param({"inputs": [_input(datatype=None)]}, (), "has no datatype", id="no datatype"),
        pytest.param({"inputs": [_input(datatype="FLOAT")]}, (), "is not one of", id="an unknown datatype"),
        pytest.param({"inputs": [_input(shape=2)]}, (), "has no shape", id="a shape is a number"),
        pytest.param({"inputs": [_input(shape=[2.0])]}, (), "else than integers", id="a float in a shape"),
        pytest.param({"inputs": [_input(shape=[True, 2])]}, (), "else than integers", id="a boolean in a shape"),
        pytest.param({"inputs": [_input(shape=[10**30])]}, (), "stands for more than", id="a huge dimension"),
        pytest.param({"inputs": [_input(), _input()]}, (), "stands twice", id="an input twice"),
        pytest.param({"inputs": [_input(parameters=[])]}, (), "parameters of input 'x'", id="parameters are a list"),
        pytest.param(
            {"inputs": [_input(parameters={"shared_memory_region": "r"})]}, (), "extension", id="shared memory"
        ),
        pytest.param({"outputs": [{"name": "y", "parameters": {"classification": 3}}]}, (), "extension", id="classes"),
        pytest.param({"outputs": [{"name": "y"}, {"name": "y"}]}, (), "asked for twice", id="an output twice"),
        pytest.param(
            {"outputs": [{"name": "y", "parameters": {"binary_data": 1}}]}, (), "true or false", id="1 for true"
        ),
        pytest.param({"parameters": {"binary_data_output": "yes"}}, (), "true or false", id="yes for true"),
        pytest.param({"parameters": {"priority": -1}}, (), "priority is an integer", id="a priority of -1"),
        pytest.param({"parameters": {"priority": True}}, (), "priority is an integer", id="a priority of true"),
        pytest.param({"parameters": {"timeout": 1.5}}, (), "timeout is an integer", id="a timeout of 1.5"),
        pytest.param({"parameters": {"timeout": -1}}, (), "timeout is an integer", id="a timeout of -1"),
        pytest.param({"parameters": 1}, (), "parameters of the request", id="parameters are a number"),
        pytest.param({"id": 7}, (), "id is a string", id="an id is a number"),
        pytest.param({"id": "x" * 257}, (), "at most 256", id="a long id"),
        pytest.param({"inputs": [_binary(8)]}, (), "0 bytes follow", id="binary data is missing"),
        pytest.param({"inputs": [_binary(8)]}, (bytes(7),), "7 bytes follow", id="binary data is too short"),
        pytest.param({"inputs": [_binary(8)]}, (bytes(9),), "9 bytes follow", id="binary data is too long"),
        pytest.param({"inputs": [_input()]}, (bytes(8),), "8 bytes follow", id="binary data that nobody wants"),
        pytest.param({"inputs": [_binary(4)]}, (bytes(4),), "takes 8 bytes", id="binary data of another shape"),
        pytest.param({"inputs": [_binary(-8)]}, (), "integer from 0", id="a size of -8"),
        pytest.param({"inputs": [_binary("8")]}, (bytes(8),), "integer from 0", id="a size in quotes"),
        pytest.param(
            {"inputs": [_input(parameters={"binary_data_size": 8})]}, (bytes(8),), "send one of them", id="both forms"
        ),
        pytest.param(
            {"inputs": [_input(datatype="BYTES", shape=[40_000], data=["a"] * 40_000)]},
            (),
            "32768 strings",
            id="strings",
        ),
        pytest.param(
            {"inputs": [_binary(1 << 19, datatype="BYTES", shape=[1 << 17])]},
            (bytes(1 << 19),),
            "65536 strings",
            id="binary strings",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(document: object, raws: tuple[bytes, ...], problem: str) -> None:
    with pytest.raises((InvalidInput, TensorError), match=problem) as refused:
        read_request(*_body(document, *raws)).tensors()
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("length", [0, 3, 1 << 40])
def test_a_length_of_json_that_the_body_does_not_have_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput, match="Inference-Header-Content-Length"):
        read_request(b"{}", length)


_OUTPUTS = {"y": np.array([[1.5, -2]], np.float32), "z": np.array([b"a", b""], object)}
_ANSWER = InferAnswer("m", "3", _DIGEST, _OUTPUTS)


def _outputs(*, y: bool) -> dict[str, object]:
    return {"outputs": [{"name": "y", "parameters": {"binary_data": y}}, {"name": "z"}]}


def _request(**parts: object) -> Any:
    return read_request(json.dumps(parts).encode(), None)


def test_an_answer_is_written_as_json_unless_binary_is_asked_for() -> None:
    answer = write_answer(_request(id="r"), _ANSWER, at_most=1000)
    assert answer.json_length is None
    assert json.loads(answer.body) == {
        "model_name": "m",
        "model_version": "3",
        "id": "r",
        "parameters": {"model_digest": _DIGEST},
        "outputs": [
            {"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [1.5, -2.0]},
            {"name": "z", "datatype": "BYTES", "shape": [2], "data": ["a", ""]},
        ],
    }


@pytest.mark.parametrize(
    ("asked", "binary"),
    [
        ({"parameters": {"binary_data_output": True}}, {"y", "z"}),
        ({"parameters": {"binary_data_output": True}} | _outputs(y=False), {"z"}),
        (_outputs(y=True), {"y"}),
    ],
)
def test_each_output_has_the_form_it_is_asked_for_in(asked: dict[str, object], binary: set[str]) -> None:
    answer = write_answer(_request(**asked), _ANSWER, at_most=1000)
    assert answer.json_length is not None
    document, at = json.loads(answer.body[: answer.json_length]), answer.json_length
    assert "id" not in document
    for output in document["outputs"]:
        assert ("data" not in output) == (output["name"] in binary)
        if output["name"] in binary:
            size = output["parameters"]["binary_data_size"]
            tensor = from_raw("t", output["datatype"], output["shape"], answer.body[at : at + size])
            assert tensor.tolist() == _OUTPUTS[output["name"]].tolist()
            at += size
    assert at == len(answer.body)


@pytest.mark.parametrize("parameters", [{}, {"binary_data_output": True}])
def test_an_answer_over_the_limit_is_not_written(parameters: dict[str, object]) -> None:
    big = InferAnswer("m", "3", _DIGEST, {"y": np.ones(1000, np.float32)})
    with pytest.raises(TooLarge):
        write_answer(_request(parameters=parameters), big, at_most=2000)
