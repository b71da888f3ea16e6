"""More work than fits, and work that nobody waits for any more."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cloud_service.backend import Traits
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Stub, method_path
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.backends import EchoBackend, HeldBackend
from tests.builders.clouds import refused, running_cloud
from tests.builders.onnx_models import slow
from tests.builders.repositories import write_repository
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_X = {"x": np.ones(1, np.float32)}


def test_B14_the_run_of_a_cancelled_call_ends_and_frees_its_thread(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"slow": slow()}), threads=1, max_in_flight=1) as cloud:
        endless = encode_request("slow", {"n": np.array([10**12])})
        call = cloud.stub.ModelInfer.future(endless)
        eventually(lambda: cloud.count("requests_in_flight") == 1)
        call.cancel()
        cancelled_at = time.monotonic()
        eventually(lambda: cloud.count("requests_total", method="ModelInfer", code="CANCELLED") == 1)
        brief = encode_request("slow", {"n": np.array([1])})
        eventually(lambda: _answers(cloud.stub, brief))
        assert time.monotonic() - cancelled_at < 2, "100 ms and one call, with much room for a busy machine"


def test_B14_the_run_of_a_late_call_ends_and_frees_its_thread(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"slow": slow()}), threads=1, max_in_flight=1) as cloud:
        endless = encode_request("slow", {"n": np.array([10**12])})
        assert refused(lambda: cloud.stub.ModelInfer(endless, timeout=0.2))[0] is Code.DEADLINE_EXCEEDED
        eventually(lambda: _answers(cloud.stub, encode_request("slow", {"n": np.array([1])})))
        eventually(lambda: cloud.count("requests_total", method="ModelInfer", code="DEADLINE_EXCEEDED") == 1)


def test_B15_calls_over_the_limit_are_refused_at_once_and_the_others_answered(tmp_path: Path) -> None:
    held = HeldBackend()
    write_repository(tmp_path, {"held": b""})
    with running_cloud(tmp_path, open_backend=lambda _, __: held, threads=2, max_in_flight=4) as cloud:
        request = encode_request("held", _X)
        in_work = [cloud.stub.ModelInfer.future(request) for _ in range(4)]
        eventually(lambda: held.running == 2 and cloud.count("requests_in_flight") == 4)
        for _ in range(4):
            assert refused(lambda: cloud.stub.ModelInfer(request, timeout=10))[0] is Code.OVERLOADED
        held.go.set()
        assert [call.result(10).model_name for call in in_work] == ["held"] * 4
        assert cloud.count("requests_total", method="ModelInfer", code="OVERLOADED") == 4


def test_calls_of_every_kind_are_bounded_because_each_holds_a_message(tmp_path: Path) -> None:
    """However many callers sent a message, each was held in memory before the limit on inferences was asked."""
    with running_cloud(write_repository(tmp_path, {"slow": slow()}), max_in_flight=1) as cloud:
        never = Event()
        unsent = cloud.channel.stream_unary(method_path("ModelInfer"), bytes, bytes)
        calls = [unsent.future(_nothing_until(never), timeout=30) for _ in range(1 + 32 + 32)]
        brief = encode_request("slow", {"n": np.array([1])})
        eventually(lambda: not _answers(cloud.stub, brief))
        for call in calls:
            call.cancel()
        never.set()
        eventually(lambda: _answers(cloud.stub, brief))


def test_a_burst_on_one_connection_waits_where_it_was_made_and_is_not_reset(tmp_path: Path) -> None:
    """Streams that gRPC had closed and not yet freed counted as open, and it reset new ones for them: of five hundred
    calls that one app made at once a third failed with UNAVAILABLE, and its agent held the service to be down."""
    with running_cloud(write_repository(tmp_path, {"slow": slow()}), max_in_flight=64) as cloud:
        brief = encode_request("slow", {"n": np.array([1])})
        calls = [cloud.stub.ModelInfer.future(brief, timeout=60) for _ in range(1000)]
        ended = Counter(call.code() for call in calls)
    assert ended.keys() <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert ended[grpc.StatusCode.OK] > 0


def _nothing_until(told: Event) -> Iterator[bytes]:
    told.wait(30)
    yield from ()


def test_watchers_of_health_who_need_no_credential_take_no_call_s_place(tmp_path: Path) -> None:
    """They were counted with the calls, so that a stranger's watchers could keep every caller out."""
    with running_cloud(write_repository(tmp_path, {"slow": slow()}), max_in_flight=1) as cloud:
        health = health_pb2_grpc.HealthStub(cloud.channel)
        watchers = [health.Watch(health_pb2.HealthCheckRequest(), timeout=30) for _ in range(32)]
        for watcher in watchers:
            next(watcher)
        one_more = health.Watch(health_pb2.HealthCheckRequest(), timeout=30)
        assert refused(lambda: next(one_more))[0] is Code.OVERLOADED
        assert _answers(cloud.stub, encode_request("slow", {"n": np.array([1])}))
        assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        watchers[0].cancel()
        eventually(lambda: _watches(health))


def _watches(health: health_pb2_grpc.HealthStub) -> bool:
    watcher = health.Watch(health_pb2.HealthCheckRequest(), timeout=30)
    try:
        next(watcher)
    except grpc.RpcError:
        return False
    watcher.cancel()
    return True


def test_a_call_without_a_deadline_ends_when_the_service_says(tmp_path: Path) -> None:
    held = HeldBackend()
    write_repository(tmp_path, {"held": b""})
    with running_cloud(tmp_path, open_backend=lambda _, __: held, longest_call_s=0.1) as cloud:
        assert refused(lambda: cloud.stub.ModelInfer(encode_request("held", _X)))[0] is Code.DEADLINE_EXCEEDED
        assert held.stopped == 1


def _answers(stub: Stub, request: pb.ModelInferRequest) -> bool:
    """Whether there is a place for `request`; anything but that and the refusal fails the test."""
    error = stub.ModelInfer.future(request).exception()
    assert error is None or error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return error is None


def test_B4_a_model_that_became_slow_without_failing_keeps_what_it_lets_in_within_the_target(tmp_path: Path) -> None:
    """Told by what is let in and how long a run takes here, and not by a clock beside it: a busy machine stretches
    every answer, and would say that the limit has not fallen."""
    write_repository(tmp_path, {"slow": b""})
    target_s = 0.1
    run_s = [0.001]
    took_s = deque[float](maxlen=20)

    def compute(x: np.ndarray) -> np.ndarray:
        began = time.monotonic()
        time.sleep(run_s[0])
        took_s.append(time.monotonic() - began)
        return x

    backend = EchoBackend(compute=compute, traits=Traits(time_by_value=True))
    settings: dict[str, Any] = {
        "threads": 1,
        "max_in_flight": 64,
        "queue_target_ms": target_s * 1000,
        "batching": False,
    }
    with running_cloud(tmp_path, open_backend=lambda _, __: backend, **settings) as cloud:
        request = encode_request("slow", _X)
        assert _answers(cloud.stub, request)
        run_s[0] = 0.02
        refusals: list[object] = []
        enough = Event()

        def within_target() -> bool:
            one_s = sorted(took_s)[len(took_s) // 2]
            return bool(refusals) and cloud.count("limit", model="slow") * one_s <= 1.5 * (target_s + one_s)

        with ThreadPoolExecutor(32) as callers:

            def call_on() -> None:
                while not enough.is_set():
                    if not _answers(cloud.stub, request):
                        refusals.append(None)
                        enough.wait(0.02)  # as a caller that was told to come again

            calling = [callers.submit(call_on) for _ in range(32)]
            try:
                before = cloud.count("limit", model="slow")
                eventually(within_target, within_s=60)
                assert cloud.count("limit", model="slow") < before
            finally:
                enough.set()
            for each in calling:
                each.result(30)
