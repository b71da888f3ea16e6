"""Models that change, go, fail or do not fit while the service serves."""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cloud_service.backend import Array
from cloud_service.repository.memory import estimate_bytes
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.digest import digest_of
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, encode_request
from tests.builders.backends import EchoBackend
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import softmax_mlp
from tests.builders.repositories import APP_MANIFEST, write_repository
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_POLL_S = 0.02
_REQUEST = encode_request("tiny", {"pixels": np.zeros((1, 4), np.float32)})
_OLD, _NEW = softmax_mlp(pixels="FP32", seed=1), softmax_mlp(pixels="FP32", seed=2)


def _put(root: Path, version: int, content: bytes) -> None:
    path = root / "tiny" / str(version) / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    (beside := path.with_name(".new")).write_bytes(content)
    os.replace(beside, path)


def _answers_with(cloud: RunningCloud, content: bytes) -> bool:
    return _digest(cloud.stub) == digest_of(content)


def _digest(stub: Stub) -> str:
    return str(stub.ModelInfer(_REQUEST, timeout=30).parameters[MODEL_DIGEST_PARAMETER].string_param)


def test_versions_change_under_load_and_no_call_fails(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"tiny": _OLD}), poll_s=_POLL_S) as cloud:
        seen: Counter[str] = Counter()
        failed: list[grpc.RpcError] = []
        done = threading.Event()

        def call() -> None:
            while not done.is_set():
                try:
                    seen[_digest(cloud.stub)] += 1
                except grpc.RpcError as error:
                    failed.append(error)

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        try:
            _put(tmp_path, 2, _NEW)
            eventually(lambda: seen[digest_of(_NEW)])
            _put(tmp_path, 2, _OLD)
            eventually(lambda: _answers_with(cloud, _OLD))
            _put(tmp_path, 2, b"bad")
            eventually(lambda: cloud.count("model_load_failures_total", model="tiny") == 1)
            _put(tmp_path, 2, _NEW)
            eventually(lambda: _answers_with(cloud, _NEW))
            shutil.rmtree(tmp_path / "tiny" / "2")
            eventually(lambda: _answers_with(cloud, _OLD))
        finally:
            done.set()
            for caller in callers:
                caller.join(30)
        assert failed == []
        assert seen.keys() == {digest_of(_OLD), digest_of(_NEW)}


def test_D20_a_model_that_is_changed_or_removed_after_it_was_loaded_serves_on(tmp_path: Path) -> None:
    promised = APP_MANIFEST.replace('model = "tiny"', f'model = "tiny"\nsend = "model"\ndigest = "{digest_of(_OLD)}"')
    write_repository(tmp_path, {"tiny": _OLD}, {"tiny": promised})
    with running_cloud(tmp_path) as cloud:
        _put(tmp_path, 1, _NEW)
        assert _answers_with(cloud, _OLD)
        shutil.rmtree(tmp_path / "tiny")
        assert _answers_with(cloud, _OLD)


def test_D20_the_next_load_finds_by_the_digest_that_a_model_was_changed(tmp_path: Path) -> None:
    promised = APP_MANIFEST.replace('model = "tiny"', f'model = "tiny"\nsend = "model"\ndigest = "{digest_of(_OLD)}"')
    write_repository(tmp_path, {"tiny": _OLD}, {"tiny": promised})
    with running_cloud(tmp_path, poll_s=_POLL_S) as cloud:
        _put(tmp_path, 1, _NEW)
        eventually(lambda: b"remote.digest" in cloud.http("/readyz").body)
        assert _answers_with(cloud, _OLD)
        assert cloud.http("/readyz").status == 200, "what was ready is"


def test_B12_a_model_is_not_ready_before_its_first_run_is_over(tmp_path: Path) -> None:
    began, go = threading.Event(), threading.Event()

    def compute(x: Array) -> Array:
        began.set()
        assert go.wait(30)
        return x

    with running_cloud(tmp_path, open_backend=lambda _, __: EchoBackend(compute=compute), poll_s=_POLL_S) as cloud:
        _put(tmp_path, 1, b"")
        assert began.wait(30)
        assert not cloud.stub.ModelReady(pb.ModelReadyRequest(name="tiny")).ready
        go.set()
        eventually(lambda: cloud.stub.ModelReady(pb.ModelReadyRequest(name="tiny")).ready)


def test_health_forgets_a_model_that_is_gone(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"tiny": _OLD, "other": _OLD}), poll_s=_POLL_S) as cloud:
        health = health_pb2_grpc.HealthStub(cloud.channel)
        shutil.rmtree(tmp_path / "tiny")
        unknown = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        eventually(lambda: health.Check(health_pb2.HealthCheckRequest(service="tiny")).status == unknown)
        assert "tiny" not in cloud.metrics()


def test_a_model_without_room_comes_when_it_is_called(tmp_path: Path) -> None:
    write_repository(tmp_path, {"other": _OLD, "tiny": _NEW})
    with running_cloud(tmp_path, memory_limit_bytes=estimate_bytes(len(_OLD), 1) + 1000) as cloud:
        assert cloud.http("/readyz").status == 200
        assert refused(lambda: cloud.stub.ModelInfer(_REQUEST))[0] is Code.MODEL_NOT_READY
        eventually(lambda: cloud.stub.ModelReady(pb.ModelReadyRequest(name="tiny")).ready)
        assert _answers_with(cloud, _NEW)
        # The alert of models that cannot answer fired for each that made room as it should.
        assert 'nearfar_cloud_model_ready{model="other"' not in cloud.metrics()
