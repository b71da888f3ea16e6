"""Clients and services one minor version apart go on understanding each other, by the very bytes of each release."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from google.protobuf.message import Message

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.envelope import open_envelope
from nearfar_wire.service import METHODS, method_path
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, decode_request, decode_response
from tests.builders.clouds import RunningCloud
from tests.contract.releases import Exchange, exchanges, golden_cloud

pytestmark = pytest.mark.wide

EXCHANGES = [pytest.param(each, id=f"{each.version} {each.name}") for each in exchanges()]
INFERENCES = [
    pytest.param(each, id=f"{each.version} {each.name}") for each in exchanges() if each.method == "ModelInfer"
]
# Fields 31 and 30 of every message: text, and a number.
NEWER = b"\xfa\x01\x05newer" + b"\xf0\x01\x07"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with golden_cloud(tmp_path_factory.mktemp("golden")) as cloud:
        yield cloud


def answered(cloud: RunningCloud, method: str, request: bytes) -> Message:
    content: bytes = cloud.channel.unary_unary(method_path(method))(request)
    return METHODS[method].response.FromString(content)


def assert_as_before(now: Message, before: Message) -> None:
    """What was said is still said, and means the same; more may be said beside it."""
    if isinstance(before, pb.ServerMetadataResponse) and isinstance(now, pb.ServerMetadataResponse):
        assert now.name == before.name
        assert set(now.extensions) >= set(before.extensions)
    elif isinstance(before, pb.ModelMetadataResponse) and isinstance(now, pb.ModelMetadataResponse):
        for each in (now, before):
            # Which file it is depends on the library that the test's models are made with.
            del each.properties[MODEL_DIGEST_PARAMETER]
        assert now == before
    elif isinstance(before, pb.ModelInferResponse) and isinstance(now, pb.ModelInferResponse):
        assert (now.model_name, now.model_version, now.id) == (before.model_name, before.model_version, before.id)
        assert set(now.parameters) >= set(before.parameters)
        ours, theirs = decode_response(now), decode_response(before)
        assert list(ours) == list(theirs)
        for name, array in theirs.items():
            assert (ours[name].dtype, ours[name].shape) == (array.dtype, array.shape)
            if array.dtype.kind == "f":
                np.testing.assert_allclose(ours[name], array, rtol=1e-5)
            else:
                assert ours[name].tolist() == array.tolist()
    else:
        assert now == before


def test_there_is_a_folder_for_a_release_and_each_of_its_methods_is_in_it() -> None:
    kept: dict[str, set[str]] = {}
    for each in exchanges():
        kept.setdefault(each.version, set()).add(each.method)
    first = {"ServerLive", "ServerReady", "ServerMetadata", "ModelReady", "ModelMetadata", "ModelInfer"}
    assert kept["0.1"] == first
    assert all(methods >= first for methods in kept.values())


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_older_client_is_answered_as_its_own_service_answered(cloud: RunningCloud, exchange: Exchange) -> None:
    before = METHODS[exchange.method].response.FromString(exchange.answer)
    assert_as_before(answered(cloud, exchange.method, exchange.request), before)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_a_newer_client_adds_to_a_request_changes_no_answer(cloud: RunningCloud, exchange: Exchange) -> None:
    before = METHODS[exchange.method].response.FromString(exchange.answer)
    assert_as_before(answered(cloud, exchange.method, NEWER + exchange.request + NEWER), before)


@pytest.mark.parametrize("exchange", INFERENCES)
def test_what_a_newer_client_adds_to_its_tensors_and_parameters_changes_no_answer(
    cloud: RunningCloud, exchange: Exchange
) -> None:
    request = pb.ModelInferRequest.FromString(exchange.request)
    request.parameters["newer"].double_param = 0.5
    for tensor in request.inputs:
        tensor.parameters["newer"].bool_param = True
        tensor.MergeFromString(NEWER)
    for output in request.outputs:
        output.parameters["newer"].uint64_param = 1
        output.MergeFromString(NEWER)
    before = pb.ModelInferResponse.FromString(exchange.answer)
    assert_as_before(answered(cloud, "ModelInfer", request.SerializeToString()), before)


@pytest.mark.parametrize("exchange", INFERENCES)
def test_what_a_newer_service_adds_to_an_answer_is_left_unread(exchange: Exchange) -> None:
    before = pb.ModelInferResponse.FromString(exchange.answer)
    newer = pb.ModelInferResponse.FromString(NEWER + exchange.answer + NEWER)
    newer.parameters["newer"].string_param = "too"
    for output in newer.outputs:
        output.MergeFromString(NEWER)
    assert_as_before(newer, before)


@pytest.mark.parametrize("exchange", INFERENCES)
def test_both_readers_of_requests_read_an_older_one_alike(exchange: Exchange) -> None:
    parsed = decode_request(pb.ModelInferRequest.FromString(exchange.request))
    walked = open_envelope(exchange.request).tensors()
    assert {name: array.tolist() for name, array in walked.items()} == {n: a.tolist() for n, a in parsed.items()}
