from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nearfar_wire.service import SERVICE
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import identity, slow
from tests.builders.repositories import write_repository
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_X = {"x": np.ones(4, np.float32)}


def test_a_late_call_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    """Its error led to the frame that waited for it, and that to the future with the error."""
    with running_cloud(write_repository(tmp_path, {"slow": slow()}), threads=1) as cloud:
        gc.collect()
        before = _alive()
        gc.disable()
        try:
            eventually(lambda: _late_calls(cloud) >= 5, within_s=30)
            eventually(lambda: not cloud.count("model_in_flight", model="slow"))
            left = _alive() - before
        finally:
            gc.enable()
    assert left["Passage"] <= 1
    assert left["Batch"] <= 1


def test_a_refused_call_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    """gRPC keeps the exception that ends a refused call, and that led back to the call: each lived on, its message
    with it, until the collector came by, which under a flood of refusals took a tenth of the event loop's time."""
    with running_cloud(write_repository(tmp_path, {"same": identity()})) as cloud:
        gc.collect()
        before = _alive()
        gc.disable()
        try:
            for _ in range(20):
                assert refused(lambda: cloud.stub.ModelInfer(encode_request("nope", _X)))[0] is Code.MODEL_NOT_FOUND
            cloud.stub.ModelInfer(encode_request("same", _X))
            left = _alive() - before
        finally:
            gc.enable()
    assert left["Call"] <= 1
    assert left["_ServicerContext"] <= 1


@pytest.mark.parametrize("method", ["TraceSetting", "SystemSharedMemoryStatus", "NoSuchMethod"])
def test_a_method_that_is_not_here_is_refused_in_our_words_and_counted(tmp_path: Path, method: str) -> None:
    """gRPC said that it was not found, without a code, and no metric knew of it."""
    with running_cloud(write_repository(tmp_path, {"same": identity()})) as cloud:
        for _ in range(2):
            code, message = refused(lambda: _bytes(cloud, method)(b"anything", timeout=10))
            assert (code, "it has ServerLive" in message) == (Code.UNIMPLEMENTED, True)
        assert cloud.count("requests_total", method="unknown", code="UNIMPLEMENTED") == 2
        assert cloud.count("requests_in_flight") == 0


def test_a_stream_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"same": identity()})) as cloud:
        hold = threading.Event()

        def never() -> Iterator[bytes]:
            hold.wait(30)
            yield b""

        try:
            channel: Any = cloud.channel  # Any: its stubs want to be told how messages are made
            answers = channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")(never(), timeout=20)
            assert refused(lambda: next(answers))[0] is Code.UNIMPLEMENTED
        finally:
            hold.set()


def test_a_method_of_another_service_is_grpcs_own_to_refuse(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"same": identity()})) as cloud:
        refused(lambda: _bytes(cloud, "Method", "another.Service")(b"", timeout=10))
        assert cloud.count("requests_total", method="unknown", code="UNIMPLEMENTED") == 0


def _bytes(cloud: RunningCloud, method: str, service: str = SERVICE) -> Any:  # Any: as a channel has it
    return cloud.channel.unary_unary(f"/{service}/{method}")


def _alive() -> Counter[str]:
    return Counter(type(thing).__name__ for thing in gc.get_objects())


def _late_calls(cloud: RunningCloud) -> float:
    """Make one more and return how many there were that came so far as to run."""
    endless = encode_request("slow", {"n": np.array([10**12])})
    assert refused(lambda: cloud.stub.ModelInfer(endless, timeout=0.1))[0] is Code.DEADLINE_EXCEEDED
    return cloud.count("run_seconds_count", model="slow")
