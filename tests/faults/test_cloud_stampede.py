"""Everybody at once, and clients that try again: what a service's refusals make of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import grpc
import numpy as np
import pytest

from cloud_service.admission.gate import Gate
from cloud_service.admission.quotas import Quotas
from cloud_service.admission.tenants import Tenants
from nearfar_wire.service import Stub
from nearfar_wire.tensors import encode_request
from tests.builders.backends import EchoBackend
from tests.builders.clouds import running_cloud
from tests.builders.paced import Paced
from tests.builders.repositories import write_repository
from tests.cloud_service.admission.queueing import Simulation

_PUSHBACK = "grpc-retry-pushback-ms"
_CLIENTS = 1000
_RUN_S = 0.0087  # 230 a second with two workers, as a small language model does on two cores
_FITS_PER_S = 2 / _RUN_S


def _server() -> Simulation:
    gate = Gate(runs=2, maximum=64, queue_target_s=0.5, quotas=Quotas(Tenants()))
    return Simulation(gate, lambda _rows, _now: _RUN_S)


@pytest.mark.parametrize("priority", [1, 3], ids=["calls that someone waits for", "calls that can wait"])
def test_B5_a_thousand_clients_of_a_service_that_is_back_come_no_faster_than_it_works(priority: int) -> None:
    """All were told the same pushback, and came back together until the last of them was served: 15 calls for each
    that was answered."""
    server = _server()
    server.returning(_CLIENTS, priority=priority)
    server.run(30)
    assert len(server.served) == _CLIENTS
    assert server.served[-1].ended_at <= 1.1 * _CLIENTS / _FITS_PER_S, "the machine was not left idle for it"
    again = Counter(int(at / 0.25) for at in server.came if at > 0)
    assert max(again.values()) <= 2 * _FITS_PER_S * 0.25
    assert len(server.came) <= 2 * _CLIENTS


@pytest.mark.wide
def test_B6_retries_at_two_layers_hardly_add_to_twice_the_load_that_fits() -> None:
    """There were three calls for each request: who was told to come again in a moment did, and found no more room.
    Both layers heed the pushback, and neither tries again what would come too late."""
    server = _server()
    server.retrying(2 * _FITS_PER_S, deadline_s=1.0, layers=(5, 3), until=20)
    server.run(21)
    assert server.requests > 8000
    assert len(server.came) <= 1.2 * server.requests
    assert len(server.served) >= 0.95 * 20 * _FITS_PER_S


@pytest.mark.wide
def test_B5_of_a_thousand_calls_at_once_each_is_answered_or_told_another_time_to_come_again(tmp_path: Path) -> None:
    models, request = write_repository(tmp_path, {"paced": b""}), encode_request("paced", {"x": np.ones(1, np.float32)})
    with running_cloud(models, open_backend=lambda _, __: Paced(EchoBackend(), 0.005), batching=False) as cloud:
        own = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.insecure_channel(cloud.target, own) for _ in range(20)]
        stubs = [Stub(channel) for channel in channels]
        calls = [stubs[number % 20].ModelInfer.future(request, timeout=60) for number in range(_CLIENTS)]
        codes = Counter(call.code() for call in calls)
        told = [int(value) for call in calls for key, value in call.trailing_metadata() if key == _PUSHBACK]
        assert codes.keys() <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert codes[grpc.StatusCode.OK] >= 64
        assert codes[grpc.StatusCode.OK] == cloud.count("run_seconds_count", model="paced")
        assert len(set(told)) > len(told) / 10
        assert cloud.stub.ModelInfer(request, timeout=60).model_name == "paced"
        for channel in channels:
            channel.close()
