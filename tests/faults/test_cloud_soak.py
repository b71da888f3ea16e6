"""A service that is asked for long, and rudely: every call ends once and is counted once, and nothing grows."""

from __future__ import annotations

import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest

from cloud_service.config import Address
from nearfar_wire.service import Stub
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import running_cloud
from tests.builders.onnx_models import identity, slow
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository
from tests.builders.rest import infer_json
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_GOOD = encode_request("echo", {"x": np.ones(1, np.float32)})
_REQUESTS = (
    _GOOD,
    encode_request("slow", {"n": np.array([20_000])}),
    encode_request("none", {"x": np.ones(1, np.float32)}),
    encode_request("echo", {"z": np.ones(1, np.float32)}),
)


def test_every_call_ends_once_and_what_is_counted_is_what_was_asked(tmp_path: Path) -> None:
    """Answered, refused, late, given up by their callers, over the limit: all at once."""
    models = write_repository(tmp_path, {"echo": identity(), "slow": slow()})
    with running_cloud(models, max_in_flight=8) as cloud:

        def call(number: int) -> str:
            chance = random.Random(number)
            future = cloud.stub.ModelInfer.future(
                chance.choice(_REQUESTS), timeout=chance.choice([0.005, 0.05, 30.0]), wait_for_ready=True
            )
            if chance.random() < 0.1:
                future.cancel()
                return "CANCELLED"
            error = future.exception(60)
            return "OK" if error is None else error.code().name

        with ThreadPoolExecutor(16) as callers:
            ended = Counter(callers.map(call, range(1500)))
        eventually(lambda: cloud.count("requests_in_flight") == 0)
        eventually(lambda: cloud.count("model_in_flight", model="slow") == 0)
        # A call that its caller gave up, or that was late, may have been answered, or never have come.
        assert ended["NOT_FOUND"] <= cloud.count("requests_total", method="ModelInfer", code="MODEL_NOT_FOUND")
        assert cloud.count("requests_total", method="ModelInfer", code="INTERNAL") == 0
        assert ended["OK"] <= cloud.count("requests_total", method="ModelInfer", code="OK")
        assert sum(ended.values()) == 1500
        assert set(ended) <= {
            "OK",
            "NOT_FOUND",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "RESOURCE_EXHAUSTED",
            "CANCELLED",
        }
        assert cloud.stub.ModelInfer(_GOOD)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_H10_sixty_thousand_requests_grow_nothing(tmp_path: Path) -> None:
    models = write_repository(tmp_path, {"echo": identity()})
    document = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}]}
    with cloud_process(models, "--access-log") as cloud, grpc.insecure_channel(cloud.target) as channel:
        eventually(lambda: cloud.http("/readyz").status == 200)
        stub, process, rest = Stub(channel), psutil.Process(cloud.process.pid), Address.parse(cloud.address("rest"))

        def run(count: int) -> tuple[int, int]:
            for number in range(count):
                if number % 20:
                    stub.ModelInfer(_GOOD)
                else:
                    infer_json(rest, "echo", document)
                cloud.log.clear()
            return process.memory_info().rss, _open_files(process)

        rss, files = run(10_000)
        rss_after, files_after = run(50_000)
    assert rss_after < rss * 1.05
    assert files_after <= files + 2


def _open_files(process: psutil.Process) -> int:
    if sys.platform == "win32":
        return process.num_handles()
    return process.num_fds()
