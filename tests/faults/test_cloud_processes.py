"""Several processes behind one port: one dies under load, all drain, the parent dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest

from nearfar_wire.service import Stub
from nearfar_wire.tensors import encode_request
from tests.builders.onnx_models import identity, slow
from tests.builders.processes import CloudProcess, cloud_process
from tests.builders.repositories import write_repository
from tests.builders.waiting import eventually

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(sys.platform != "linux", reason="ports are shared on Linux alone"),
]

_TWO = ("--processes", "2", "--threads", "1")
_REQUEST = encode_request("echo", {"x": np.ones(1, np.float32)})


def _children(cloud: CloudProcess) -> list[psutil.Process]:
    return psutil.Process(cloud.process.pid).children()


def _calls_by_process(cloud: CloudProcess) -> dict[str, float]:
    text = cloud.http("/metrics").body.decode()
    found = re.findall(r'requests_total\{code="OK",method="ModelInfer",process="(\d)"\} ([\d.]+)', text)
    return {process: float(count) for process, count in found}


def _infer_on_a_new_connection(target: str) -> None:
    # Connections are what the kernel deals out.
    with grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        Stub(channel).ModelInfer(_REQUEST, timeout=10)


def test_calls_reach_every_process_and_one_port_tells_of_all(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with cloud_process(tmp_path, *_TWO) as cloud:
        assert cloud.http("/readyz").status == 200
        assert cloud.http("/livez").status == 200
        assert cloud.http("/none").status == 404

        def all_called() -> bool:
            _infer_on_a_new_connection(cloud.target)
            return set(_calls_by_process(cloud)) == {"0", "1"}

        eventually(all_called)


def test_one_that_is_killed_under_load_comes_back_while_the_others_answer(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with cloud_process(tmp_path, *_TWO) as cloud:
        stop, answered, failed = threading.Event(), [0], [0]

        def load() -> None:
            while not stop.is_set():
                try:
                    _infer_on_a_new_connection(cloud.target)
                    answered[0] += 1
                except grpc.RpcError:
                    failed[0] += 1

        caller = threading.Thread(target=load)
        caller.start()
        try:
            eventually(lambda: answered[0] > 10)
            _children(cloud)[0].kill()
            eventually(lambda: cloud.http("/readyz").status == 503)
            seen = answered[0]
            eventually(lambda: answered[0] > seen + 10)
            eventually(lambda: cloud.http("/readyz").status == 200, within_s=30)
        finally:
            stop.set()
            caller.join(30)
        assert failed[0] <= 2, "only what was under way in the one that died, or waited to be accepted"
        assert len(_children(cloud)) == 2
        assert b"process_restarts_total{" in cloud.http("/metrics").body
    assert any("ended with -9; it is started again" in line for line in cloud.log)
    assert all(any(line.rstrip().endswith(f" process={number}") for line in cloud.log) for number in (0, 1))


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_to_stop_every_process_drains_first(tmp_path: Path, told: int) -> None:
    write_repository(tmp_path, {"slow": slow()})
    with cloud_process(tmp_path, *_TWO, "--drain-s", "60") as cloud, grpc.insecure_channel(cloud.target) as channel:
        call = Stub(channel).ModelInfer.future(encode_request("slow", {"n": np.array([1_500_000])}))
        eventually(lambda: b"requests_in_flight{" in cloud.http("/metrics").body)
        eventually(lambda: re.search(rb"requests_in_flight\{process=\"\d\"\} 1.0", cloud.http("/metrics").body))
        cloud.process.send_signal(told)
        assert call.result(60).model_name == "slow"
        assert cloud.process.wait(60) == 0
    assert not any("Traceback" in line for line in cloud.log)


def test_without_their_parent_the_processes_end(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with cloud_process(tmp_path, *_TWO) as cloud:
        children = _children(cloud)
        assert len(children) == 2
        cloud.process.kill()
        gone, alive = psutil.wait_procs(children, timeout=30)
        assert not alive, gone


def test_a_service_whose_processes_cannot_serve_ends_and_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cloud_service.cli", "serve", "--models", str(tmp_path / "none"), *_TWO]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--rest", "off"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "cannot be read as a directory" in done.stderr
    assert "given up" in done.stderr
    assert time.monotonic() - began < 30


def test_a_port_that_another_service_has_is_refused_before_anything_starts(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with cloud_process(tmp_path) as other:
        command = [sys.executable, "-m", "cloud_service.cli", "serve", "--models", str(tmp_path), *_TWO]
        done = subprocess.run(
            [*command, "--grpc", other.target, "--http", "127.0.0.1:0", "--rest", "off"],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"nearfar-cloud: cannot listen on {other.target}")
