from __future__ import annotations

from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.build import build_version
from nearfar_wire.digest import digest_of
from nearfar_wire.service import SERVICE
from nearfar_wire.status import Code
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, decode_response, encode_request
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import identity, softmax_mlp
from tests.builders.repositories import APP_MANIFEST, write_repository

pytestmark = pytest.mark.wide

_OLD, _NEW = softmax_mlp(pixels="FP32", seed=1), softmax_mlp(pixels="FP32", seed=2)
_PIXELS = {"pixels": np.array([[0, 0.2, 0.4, 1]], np.float32)}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    models: dict[str, bytes | dict[int, bytes]] = {
        "mlp": {1: _OLD, 2: _NEW},
        "tiny": _NEW,
        "text": identity("BYTES"),
        "broken": b"junk",
    }
    root = write_repository(tmp_path_factory.mktemp("models"), models, {"tiny": APP_MANIFEST})
    with running_cloud(root) as cloud:
        yield cloud


def test_an_inference_comes_back_with_its_id_its_version_and_its_files_digest(cloud: RunningCloud) -> None:
    response = cloud.stub.ModelInfer(encode_request("mlp", _PIXELS, request_id="r-1"))
    assert (response.model_name, response.model_version, response.id) == ("mlp", "2", "r-1")
    assert response.parameters[MODEL_DIGEST_PARAMETER].string_param == digest_of(_NEW)
    np.testing.assert_allclose(decode_response(response)["probabilities"].sum(), 1, rtol=1e-6)


def test_a_version_that_is_asked_for_answers(cloud: RunningCloud) -> None:
    response = cloud.stub.ModelInfer(encode_request("mlp", _PIXELS, version="1"))
    assert response.model_version == "1"
    assert response.parameters[MODEL_DIGEST_PARAMETER].string_param == digest_of(_OLD)


def test_the_outputs_asked_for_are_the_outputs_answered(cloud: RunningCloud) -> None:
    response = cloud.stub.ModelInfer(encode_request("mlp", _PIXELS, outputs=["logits"]))
    assert list(decode_response(response)) == ["logits"]


def test_a_model_with_a_manifest_takes_the_apps_tensors_and_prepares_them_itself(cloud: RunningCloud) -> None:
    image = np.array([[[0, 51], [102, 255]]], np.uint8)
    ours = decode_response(cloud.stub.ModelInfer(encode_request("tiny", {"image": image})))
    theirs = decode_response(cloud.stub.ModelInfer(encode_request("mlp", _PIXELS)))
    np.testing.assert_allclose(ours["answer"], theirs["probabilities"], rtol=1e-6)


def test_typed_contents_are_answered_like_raw_ones(cloud: RunningCloud) -> None:
    request = pb.ModelInferRequest(model_name="mlp")
    request.inputs.add(name="pixels", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend(_PIXELS["pixels"][0])
    raw = cloud.stub.ModelInfer(encode_request("mlp", _PIXELS))
    assert cloud.stub.ModelInfer(request).raw_output_contents == raw.raw_output_contents


def test_text_goes_there_and_back(cloud: RunningCloud) -> None:
    words = np.array([b"", "naïve".encode()], object)
    response = cloud.stub.ModelInfer(encode_request("text", {"x": words}))
    assert decode_response(response)["y"].tolist() == words.tolist()


def test_metadata_describes_the_model_as_its_callers_see_it(cloud: RunningCloud) -> None:
    metadata = cloud.stub.ModelMetadata(pb.ModelMetadataRequest(name="tiny"))
    assert (metadata.name, list(metadata.versions), metadata.platform) == ("tiny", ["1"], "onnxruntime_onnx")
    assert [(i.name, i.datatype, list(i.shape)) for i in metadata.inputs] == [("image", "UINT8", [-1, 2, 2])]
    assert [(o.name, o.datatype, list(o.shape)) for o in metadata.outputs] == [("answer", "FP32", [-1, 3])]
    assert dict(metadata.properties) == {MODEL_DIGEST_PARAMETER: digest_of(_NEW)}


def test_metadata_of_one_version_names_all_that_can_be_asked_for(cloud: RunningCloud) -> None:
    metadata = cloud.stub.ModelMetadata(pb.ModelMetadataRequest(name="mlp", version="1"))
    assert list(metadata.versions) == ["1", "2"]
    assert metadata.properties[MODEL_DIGEST_PARAMETER] == digest_of(_OLD)


def test_the_server_says_who_it_is(cloud: RunningCloud) -> None:
    metadata = cloud.stub.ServerMetadata(pb.ServerMetadataRequest())
    assert (metadata.name, metadata.version) == ("nearfar", build_version())
    assert list(metadata.extensions) == ["schedule_policy", "model_repository", "model_configuration", "statistics"]


def test_a_broken_model_leaves_the_server_alive_not_ready_and_the_others_answering(cloud: RunningCloud) -> None:
    assert cloud.stub.ServerLive(pb.ServerLiveRequest()).live
    assert not cloud.stub.ServerReady(pb.ServerReadyRequest()).ready
    assert cloud.stub.ModelReady(pb.ModelReadyRequest(name="mlp")).ready
    assert not cloud.stub.ModelReady(pb.ModelReadyRequest(name="broken")).ready
    assert refused(lambda: cloud.stub.ModelInfer(encode_request("broken", _PIXELS)))[0] is Code.MODEL_NOT_READY


@pytest.mark.parametrize(
    ("service", "status"),
    [("", "NOT_SERVING"), (SERVICE, "NOT_SERVING"), ("broken", "NOT_SERVING"), ("mlp", "SERVING")],
)
def test_health_is_told_for_the_whole_and_for_each_model(cloud: RunningCloud, service: str, status: str) -> None:
    answer = health_pb2_grpc.HealthStub(cloud.channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status) == status


def test_an_id_that_is_too_long_is_refused(cloud: RunningCloud) -> None:
    assert (
        refused(lambda: cloud.stub.ModelInfer(encode_request("mlp", _PIXELS, request_id="x" * 257)))[0]
        is Code.INVALID_INPUT
    )


def test_a_method_that_the_protocol_does_not_have_is_unimplemented(cloud: RunningCloud) -> None:
    assert (
        refused(lambda: cloud.channel.unary_unary(f"/{SERVICE}/ModelTrain", bytes, bytes)(b""))[0] is Code.UNIMPLEMENTED
    )


def test_every_call_is_counted_once_by_how_it_ended_with_its_time_and_its_bytes(cloud: RunningCloud) -> None:
    def counts() -> tuple[float, ...]:
        return (
            cloud.count("requests_total", method="ModelInfer", code="OK"),
            cloud.count("requests_total", method="ModelInfer", code="INVALID_INPUT"),
            cloud.count("request_seconds_count", method="ModelInfer"),
            cloud.count("received_bytes_total", method="ModelInfer"),
            cloud.count("sent_bytes_total", method="ModelInfer"),
            cloud.count("refused_total", reason="malformed"),
        )

    before = counts()
    good = encode_request("mlp", _PIXELS)
    response = cloud.stub.ModelInfer(good)
    bad = encode_request("mlp", {"wrong": _PIXELS["pixels"]})
    with pytest.raises(grpc.RpcError):
        cloud.stub.ModelInfer(bad)
    grown = tuple(after - start for after, start in zip(counts(), before, strict=True))
    assert grown == (1, 1, 2, good.ByteSize() + bad.ByteSize(), response.ByteSize(), 1)
    assert cloud.count("requests_in_flight") == 0


def test_metrics_tell_which_files_answer_and_which_versions_cannot(cloud: RunningCloud) -> None:
    assert cloud.count("model_info", model="mlp", version="2", digest=digest_of(_NEW)) == 1
    assert cloud.count("model_ready", model="mlp", version="1") == 1
    assert 'nearfar_cloud_model_ready{model="broken",version="1"} 0.0' in cloud.metrics()
    assert 'nearfar_cloud_model_info{digest="sha256:' in cloud.metrics()
