"""What a message, or an answer, that is far too long may cost in memory: the peak of a service's own process."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest

pytest.importorskip("resource", reason="the peak of a process' memory is told by POSIX systems only")

from cloud_service.config import Address
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import refused
from tests.builders.onnx_models import identity, zeros
from tests.builders.processes import CloudProcess, cloud_process
from tests.builders.repositories import write_repository
from tests.builders.rest import ask, infer_json
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_LIMIT = 32 << 20
_BOMB = 200 << 20
# What is first imported or used on the way.
_NOISE = 8 << 20
_BOUND_S = 60
_SERVE = """
import sys
from cloud_service.cli.command import main
from tests.builders.memory import peak_bytes
code = main(sys.argv[1:])
print("peak", peak_bytes())
sys.exit(code)
"""


def _message(cloud: CloudProcess, *, compressed: bool) -> None:
    compression = grpc.Compression.Gzip if compressed else None
    with grpc.insecure_channel(cloud.target, [("grpc.max_receive_message_length", -1)]) as channel:
        request = encode_request("echo", {"x": np.zeros(_BOMB // 4, np.float32)})
        assert refused(lambda: Stub(channel).ModelInfer(request, compression=compression))[0] is Code.TOO_LARGE


def _body(cloud: CloudProcess, body: bytes, headers: dict[str, str]) -> None:
    assert ask(Address.parse(cloud.address("rest")), "/v2/models/echo/infer", body, headers=headers).status == 413


def _long_answer(cloud: CloudProcess) -> None:
    request = encode_request("zeros", {"n": np.array([_BOMB // 4])})
    with grpc.insecure_channel(cloud.target, [("grpc.max_receive_message_length", -1)]) as channel:
        assert refused(lambda: Stub(channel).ModelInfer(request))[0] is Code.TOO_LARGE


def _long_rest_answer(cloud: CloudProcess) -> None:
    document = {
        "inputs": [{"name": "n", "datatype": "INT64", "shape": [1], "data": [_BOMB // 4]}],
        "parameters": {"binary_data_output": True},
    }
    assert infer_json(Address.parse(cloud.address("rest")), "zeros", document).status == 413


def _packed_bomb(cloud: CloudProcess) -> None:
    _body(cloud, gzip.compress(bytes(_BOMB), 1), {"content-encoding": "gzip"})


BOMBS: dict[str, Callable[[CloudProcess], None]] = {
    "B11_grpc": lambda cloud: _message(cloud, compressed=False),
    "C5_grpc_gzip": lambda cloud: _message(cloud, compressed=True),
    "B11_rest": lambda cloud: _body(cloud, bytes(_BOMB), {}),
    "C5_rest_gzip": _packed_bomb,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_B11_C5_what_is_too_long_costs_at_most_twice_the_limit(
    tmp_path: Path, bomb: Callable[[CloudProcess], None]
) -> None:
    assert _grown(tmp_path, bomb) <= 2 * _LIMIT + _NOISE


@pytest.mark.parametrize("answer", [_long_answer, _long_rest_answer], ids=["grpc", "rest"])
def test_B11_an_answer_that_is_too_long_costs_the_model_s_own_tensor_and_no_copy(
    tmp_path: Path, answer: Callable[[CloudProcess], None]
) -> None:
    assert _grown(tmp_path, answer) <= _BOMB + 2 * _LIMIT + _NOISE


def _grown(folder: Path, bomb: Callable[[CloudProcess], None]) -> int:
    """Return by how many bytes the service's peak rose above what it had before."""
    models = write_repository(folder, {"echo": identity(), "zeros": zeros()})
    with cloud_process(models, "--max-message-bytes", str(_LIMIT), launch=("-c", _SERVE)) as cloud:
        eventually(lambda: cloud.http("/readyz").status == 200)
        before = psutil.Process(cloud.process.pid).memory_info().rss
        bomb(cloud)
        cloud.process.terminate()
        assert cloud.process.wait(_BOUND_S) == 0
    peak = next(line for line in cloud.lines if line.startswith("peak "))
    return int(peak.removeprefix("peak ")) - before
