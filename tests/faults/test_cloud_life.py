"""The service's beginning and end, as a load balancer and its callers see them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry

from cloud_service.app import App
from cloud_service.config import read_settings
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.backends import HeldBackend
from tests.builders.clouds import http_get, refused, running_cloud
from tests.builders.onnx_models import identity, slow
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_X = {"x": np.ones(1, np.float32)}
_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")


@_posix
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_B7_a_stopping_service_answers_what_is_in_work_and_refuses_what_is_new(tmp_path: Path, told: int) -> None:
    write_repository(tmp_path, {"slow": slow()})
    # Two long runs hold both threads, so that the other calls wait and nothing ends before it was looked at.
    steps = [1_500_000] * 2 + [100] * 48
    flags = ("--threads", "2", "--drain-s", "60")
    with cloud_process(tmp_path, *flags) as cloud, grpc.insecure_channel(cloud.target) as channel:
        stub, health = Stub(channel), health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest()).status != _NOT_SERVING
        in_work = [stub.ModelInfer.future(encode_request("slow", {"n": np.array([n])})) for n in steps]
        eventually(lambda: b"requests_in_flight 50.0" in cloud.http("/metrics").body)

        cloud.process.send_signal(told)

        eventually(lambda: cloud.http("/readyz").status == 503)
        assert json.loads(cloud.http("/readyz").body)["draining"] is True
        assert cloud.http("/livez").status == 200
        assert health.Check(health_pb2.HealthCheckRequest()).status == _NOT_SERVING
        assert refused(lambda: stub.ModelInfer(encode_request("slow", {"n": np.array([1])})))[0] is Code.UNAVAILABLE
        assert not all(call.done() for call in in_work), "all of this happened while calls were in work"
        assert [call.result().model_name for call in in_work] == ["slow"] * 50
        assert cloud.process.wait(60) == 0
    assert not any("Traceback" in line for line in cloud.log)


@_posix
def test_B7_callers_that_come_again_and_again_are_refused_and_never_cancelled(tmp_path: Path) -> None:
    """gRPC cancels calls that arrive while a port closes: callers could not tell that from their own doing, and of some
    fifty that were served one after the other all were."""
    write_repository(tmp_path, {"echo": identity()})
    request = encode_request("echo", _X)
    codes: set[grpc.StatusCode] = set()

    async def calling(target: str, gone: asyncio.Event) -> None:
        async with grpc.aio.insecure_channel(target) as channel:
            stub = Stub(channel)

            async def come_again() -> None:
                while not gone.is_set():
                    try:
                        await stub.ModelInfer(request)
                    except grpc.aio.AioRpcError as error:
                        codes.add(error.code())
                        await asyncio.sleep(0.005)

            await asyncio.gather(*(come_again() for _ in range(50)))

    async def main() -> None:
        gone = asyncio.Event()
        callers = asyncio.create_task(calling(cloud.target, gone))
        await asyncio.to_thread(eventually, lambda: b'code="OK",method="ModelInfer"' in cloud.http("/metrics").body)
        cloud.process.terminate()
        assert await asyncio.to_thread(cloud.process.wait, 30) == 0
        gone.set()
        await callers

    with cloud_process(tmp_path, "--drain-s", "60") as cloud:
        asyncio.run(main())
    assert codes == {grpc.StatusCode.UNAVAILABLE}


@_posix
def test_B7_what_does_not_end_in_time_is_cut_off_and_the_service_ends_all_the_same(tmp_path: Path) -> None:
    write_repository(tmp_path, {"slow": slow()})
    with cloud_process(tmp_path, "--drain-s", "0.2") as cloud, grpc.insecure_channel(cloud.target) as channel:
        call = Stub(channel).ModelInfer.future(encode_request("slow", {"n": np.array([10**12])}))
        # Let in, and not only begun: a call whose message is still to come is refused while the service drains.
        eventually(lambda: b'nearfar_cloud_model_in_flight{model="slow"} 1.0' in cloud.http("/metrics").body)
        cloud.process.terminate()
        assert cloud.process.wait(30) == 0
        assert call.exception().code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert any("cut off" in line for line in cloud.log)


@_posix
def test_B7_health_watchers_are_told_and_do_not_hold_the_service_up(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with cloud_process(tmp_path, "--drain-s", "60") as cloud, grpc.insecure_channel(cloud.target) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        cloud.process.terminate()
        assert next(watch).status == _NOT_SERVING
        assert cloud.process.wait(10) == 0


@pytest.mark.parametrize("hears_stop", [True, False])
def test_whether_a_run_holds_on_after_the_end_is_told(tmp_path: Path, hears_stop: bool) -> None:
    backend = HeldBackend(hears_stop=hears_stop)
    write_repository(tmp_path, {"held": b""})
    with running_cloud(tmp_path, open_backend=lambda _, __: backend, drain_s=0.05) as cloud:
        call = cloud.stub.ModelInfer.future(encode_request("held", _X))
        eventually(lambda: backend.running)
    assert call.exception() is not None
    assert cloud.app.stuck is not hears_stop
    backend.go.set()


def test_a_model_that_hangs_while_it_loads_does_not_hold_the_service_up(tmp_path: Path) -> None:
    """The end waited for the load: a file system that hung, or a very large model, kept the process for ever."""
    write_repository(tmp_path, {"endless": b""})
    began, go = threading.Event(), threading.Event()

    def open_backend(_: bytes, __: object) -> HeldBackend:
        began.set()
        assert go.wait(30)
        return HeldBackend()

    settings = read_settings({"models": tmp_path, "grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "rest": "off"})

    async def main() -> None:
        async with App(settings, registry=CollectorRegistry(), open_backend=open_backend) as app:
            loading = asyncio.create_task(app.load())
            await asyncio.to_thread(eventually, began.is_set)
            loading.cancel()
        assert (app.stuck, app.loading) == (False, True)

    started_s = time.monotonic()
    try:
        asyncio.run(main())
        assert time.monotonic() - started_s < 10, "with much room for a busy machine"
    finally:
        go.set()


def test_B12_a_model_that_is_still_loading_is_not_ready_and_nothing_is_run_on_it(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with running_cloud(tmp_path, load=False) as cloud:
        assert not cloud.stub.ModelReady(pb.ModelReadyRequest(name="echo")).ready
        assert not cloud.stub.ServerReady(pb.ServerReadyRequest()).ready
        health = health_pb2_grpc.HealthStub(cloud.channel).Check(health_pb2.HealthCheckRequest(service="echo"))
        assert health.status == _NOT_SERVING
        assert cloud.http("/livez").status == 200
        (problem,) = json.loads(cloud.http("/readyz").body)["not_ready"]
        assert "still being loaded" in problem["reason"]
        assert refused(lambda: cloud.stub.ModelInfer(encode_request("echo", _X)))[0] is Code.MODEL_NOT_READY


def test_two_services_live_in_one_process_and_count_apart(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with running_cloud(tmp_path) as one, running_cloud(tmp_path) as other:
        one.stub.ModelInfer(encode_request("echo", _X))
        assert one.count("requests_total", method="ModelInfer", code="OK") == 1
        assert other.count("requests_total", method="ModelInfer", code="OK") == 0


def test_after_the_end_nothing_listens(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"echo": identity()})) as cloud:
        target, http = cloud.target, str(cloud.app.http_address)
    with grpc.insecure_channel(target) as channel:
        assert refused(lambda: Stub(channel).ServerLive(pb.ServerLiveRequest()))[0] is Code.UNAVAILABLE
    with pytest.raises(ConnectionRefusedError):
        http_get(http, "/livez")
