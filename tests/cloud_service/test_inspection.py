"""Triton's statistics and configuration extensions over both transports: the same, and for whoever may call."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import softmax_mlp
from tests.builders.repositories import write_repository
from tests.builders.rest import ask
from tests.builders.tokens import Issuer, bearer

pytestmark = pytest.mark.wide

_PIXELS = {"pixels": np.zeros((2, 4), np.uint8)}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[RunningCloud]:
    models: dict[str, bytes | dict[int, bytes]] = {
        "mlp": {1: softmax_mlp(), 2: softmax_mlp(seed=1)},
        "stats": softmax_mlp(),
    }
    root = write_repository(tmp_path, models)
    (root / "mlp" / "serving.toml").write_text("[batching]\nenabled = true\nmax_batch = 8\n", encoding="utf-8")
    with running_cloud(root) as cloud:
        yield cloud


def rest(cloud: RunningCloud, path: str) -> dict[str, object]:
    answer = ask(cloud.app.rest_address, path)
    assert answer.status == 200, answer.body
    document = json.loads(answer.body)
    assert isinstance(document, dict)
    return document


def test_statistics_grow_with_each_call(cloud: RunningCloud) -> None:
    before_ms = int(time.time() * 1000)
    (idle,) = cloud.stub.ModelStatistics(pb.ModelStatisticsRequest(name="mlp", version="1")).model_stats
    assert (idle.last_inference, idle.inference_count, list(idle.batch_stats)) == (0, 0, [])
    for _ in range(3):
        cloud.stub.ModelInfer(encode_request("mlp", _PIXELS, version="1"))
    assert refused(lambda: cloud.stub.ModelInfer(encode_request("mlp", {}, version="1")))[0] is Code.INVALID_INPUT
    (told,) = cloud.stub.ModelStatistics(pb.ModelStatisticsRequest(name="mlp", version="1")).model_stats
    assert (told.name, told.version, told.inference_count, told.execution_count) == ("mlp", "1", 6, 3)
    assert before_ms <= told.last_inference <= time.time() * 1000
    stats = told.inference_stats
    assert (stats.success.count, stats.fail.count, stats.compute_infer.count) == (3, 1, 3)
    assert 0 < stats.compute_infer.ns < stats.success.ns
    assert stats.HasField("cache_hit")
    assert stats.cache_hit.count == 0
    (batch,) = told.batch_stats
    assert (batch.batch_size, batch.compute_infer.count) == (2, 3)


def test_both_transports_tell_the_same(cloud: RunningCloud) -> None:
    cloud.stub.ModelInfer(encode_request("mlp", _PIXELS))
    (told,) = cloud.stub.ModelStatistics(pb.ModelStatisticsRequest(name="mlp", version="2")).model_stats
    (document,) = rest(cloud, "/v2/models/mlp/versions/2/stats")["model_stats"]  # type: ignore[misc]
    assert document["inference_stats"]["success"] == {"count": 1, "ns": told.inference_stats.success.ns}
    assert document["last_inference"] == told.last_inference
    assert document["batch_stats"][0]["batch_size"] == 2
    config = cloud.stub.ModelConfig(pb.ModelConfigRequest(name="mlp")).config
    document = rest(cloud, "/v2/models/mlp/config")
    assert (document["name"], document["max_batch_size"]) == (config.name, config.max_batch_size) == ("mlp", 8)
    assert document["input"] == [{"name": "pixels", "data_type": "TYPE_UINT8", "dims": [4]}]


@pytest.mark.parametrize(
    ("path", "versions"),
    [
        pytest.param(
            "/v2/models/stats", ["mlp 1", "mlp 2", "stats 1"], id="all, and no metadata of a model of that name"
        ),
        pytest.param("/v2/models/mlp/stats", ["mlp 1", "mlp 2"], id="a model"),
        pytest.param("/v2/models/mlp/versions/1/stats", ["mlp 1"], id="a version"),
        pytest.param("/v2/models/stats/stats", ["stats 1"], id="the model of that name"),
    ],
)
def test_whose_statistics_a_path_asks_for(cloud: RunningCloud, path: str, versions: list[str]) -> None:
    told = rest(cloud, path)["model_stats"]
    assert [f"{each['name']} {each['version']}" for each in told] == versions  # type: ignore[attr-defined]
    assert ask(cloud.app.rest_address, path, method="HEAD").status == 200


def test_what_is_not_there_is_not_found(cloud: RunningCloud) -> None:
    for ask_for in (
        lambda: cloud.stub.ModelStatistics(pb.ModelStatisticsRequest(name="none")),
        lambda: cloud.stub.ModelStatistics(pb.ModelStatisticsRequest(name="mlp", version="9")),
        lambda: cloud.stub.ModelConfig(pb.ModelConfigRequest(name="none")),
        lambda: cloud.stub.ModelConfig(pb.ModelConfigRequest()),
    ):
        assert refused(ask_for)[0] is Code.MODEL_NOT_FOUND
    for path in ("/v2/models/none/stats", "/v2/models/mlp/versions/9/config"):
        assert ask(cloud.app.rest_address, path).status == 404
    assert ask(cloud.app.rest_address, "/v2/models/mlp/stats", b"{}").status == 405


def test_both_are_counted_as_calls(cloud: RunningCloud) -> None:
    cloud.stub.ModelStatistics(pb.ModelStatisticsRequest())
    rest(cloud, "/v2/models/mlp/config")
    assert cloud.count("requests_total", method="ModelStatistics", code="OK") == 1
    assert cloud.count("requests_total", method="rest.ModelConfig", code="OK") == 1


def test_where_callers_are_known_they_are_for_those_as_metadata_is(tmp_path: Path) -> None:
    issuer, keys = Issuer(), tmp_path / "keys.pem"
    keys.write_bytes(issuer.public_pem)
    root = write_repository(tmp_path / "models", {"mlp": softmax_mlp()})
    with running_cloud(root, token_keys=keys, token_audience="nearfar") as cloud:
        token = issuer.token(aud="nearfar")
        for call, request in (
            (cloud.stub.ModelStatistics, pb.ModelStatisticsRequest()),
            (cloud.stub.ModelConfig, pb.ModelConfigRequest(name="mlp")),
        ):
            assert refused(lambda call=call, request=request: call(request))[0] is Code.UNAUTHENTICATED  # type: ignore[misc]
            call(request, metadata=bearer(token))
        for path in ("/v2/models/stats", "/v2/models/mlp/config"):
            assert ask(cloud.app.rest_address, path).status == 401
            assert ask(cloud.app.rest_address, path, headers={"Authorization": f"Bearer {token}"}).status == 200
