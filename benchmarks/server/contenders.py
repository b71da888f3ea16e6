"""The servers that take turns: how each is started, and when it answers. All listen on loopback alone."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import psutil

from benchmarks.server.models import Model
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Stub

__all__ = [
    "ECHO",
    "ECHO_MESSAGES",
    "LEAST",
    "MLSERVERS",
    "NEARFAR",
    "NEARFAR_2",
    "ROOT",
    "Contender",
    "Place",
    "Server",
    "echo_holding",
    "memory_bytes",
    "serving",
]

ROOT: Final = Path(__file__).resolve().parents[2]
_READY_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the models lie, and MLServer's own Python, if it was installed."""

    models: Path
    work: Path
    mlserver: Path | None

    def file(self, model: Model) -> Path:
        return self.models / model.name / "1" / "model.onnx"


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers."""

    address: str
    process: subprocess.Popen[str]
    log: Path


Start = Callable[[Place, Model, int], tuple[Sequence[str], Mapping[str, str]]]  # of a port: command, environment


@dataclass(frozen=True, slots=True)
class Contender:
    """A server and its settings; `connections` is what its load needs to reach all of its processes."""

    name: str
    start: Start
    connections: int = 1


def memory_bytes(server: Server) -> int:
    """Return what the server's processes hold together, pages that they share in each."""
    process = psutil.Process(server.process.pid)
    return sum(int(each.memory_info().rss) for each in [process, *process.children(recursive=True)])


@contextlib.contextmanager
def serving(contender: Contender, place: Place, model: Model) -> Iterator[Server]:
    """Start a contender, wait until it answers for the model, and stop it after the block."""
    port = _free_port()
    command, environment = contender.start(place, model, port)
    log = place.work / f"{contender.name.replace(' ', '-').replace(',', '')}-{model.name}.log"
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=place.work,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'proto'}{os.pathsep}{ROOT}"} | dict(environment),
        )
        try:
            address = f"127.0.0.1:{port}"
            _wait_until_ready(address, model, process, log)
            yield Server(address, process, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    # Its children too: MLServer's workers outlive a parent that was killed.
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(30)
    process.kill()
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _wait_until_ready(address: str, model: Model, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    with grpc.insecure_channel(address) as channel:
        stub = Stub(channel)
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(grpc.RpcError):
                if stub.ModelReady(pb.ModelReadyRequest(name=model.name), timeout=5).ready:
                    return
            time.sleep(0.1)
    raise SystemExit(f"a server did not become ready; see {log}")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _nearfar(*flags: str) -> Start:
    def start(place: Place, model: Model, port: int) -> tuple[Sequence[str], Mapping[str, str]]:
        # A repository of this model alone: its memory is what is compared.
        repository = place.work / "nearfar" / model.name
        target = repository / model.name / "1" / "model.onnx"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            os.link(place.file(model), target)
        addresses = ("--grpc", f"127.0.0.1:{port}", "--http", "127.0.0.1:0", "--rest", "off")
        command = (sys.executable, "-m", "cloud_service.cli", "serve", "--models", str(repository))
        return [*command, *addresses, *flags], {}

    return start


def _echo(*flags: str) -> Start:
    def start(_place: Place, model: Model, port: int) -> tuple[Sequence[str], Mapping[str, str]]:
        return [sys.executable, "-m", "benchmarks.server.echo", model.name, "--port", str(port), *flags], {}

    return start


def _least(place: Place, model: Model, port: int) -> tuple[Sequence[str], Mapping[str, str]]:
    return _echo("--messages", "--session", str(place.file(model)), "--run")(place, model, port)


def echo_holding(file: Path, rows: int, threads: int, *, lone: bool) -> Contender:
    """Return the echo with a session of `file` that has run batches of `rows` in so many threads; `lone`: and with one
    that has run single rows on all of them."""
    flags = ("--session", str(file), "--rows", str(rows), "--threads", str(threads), *(["--lone"] if lone else []))
    return Contender("bare", _echo(*flags))


@dataclass(frozen=True, slots=True)
class _MlServer:
    """`workers` are MLServer's parallel_workers; the rest are the model's settings and our runtime's."""

    workers: int | None = None
    session_threads: int = 0
    run_threads: int = 0
    max_batch: int = 0
    max_batch_s: float = 0.0

    def __call__(self, place: Place, model: Model, port: int) -> tuple[Sequence[str], Mapping[str, str]]:
        assert place.mlserver is not None
        folder = place.work / f"mlserver-{port}"
        (folder / model.name).mkdir(parents=True)
        ports = {"grpc_port": port, "http_port": _free_port(), "metrics_port": _free_port(), "host": "127.0.0.1"}
        server: dict[str, Any] = {"debug": False, "logging_settings": None} | ports  # Any: JSON
        if self.workers is not None:
            server["parallel_workers"] = self.workers
        extra = {"session_threads": self.session_threads, "run_threads": self.run_threads}
        settings = {
            "name": model.name,
            "implementation": "onnx_model.OnnxModel",
            "parameters": {"uri": str(place.file(model)), "version": "1", "extra": extra},
            "inputs": [{"name": s.name, "datatype": s.datatype, "shape": s.shape} for s in model.inputs],
            "outputs": [{"name": s.name, "datatype": s.datatype, "shape": s.shape} for s in model.outputs],
            "max_batch_size": self.max_batch,
            "max_batch_time": self.max_batch_s,
        }
        (folder / "settings.json").write_text(json.dumps(server), encoding="utf-8")
        (folder / model.name / "model-settings.json").write_text(json.dumps(settings), encoding="utf-8")
        ours = Path(__file__).parent / "mlserver"
        return [str(place.mlserver.parent / "mlserver"), "start", str(folder)], {"PYTHONPATH": str(ours)}


NEARFAR: Final = Contender("nearfar", _nearfar())
NEARFAR_2: Final = Contender("nearfar, 2 processes", _nearfar("--processes", "2"), connections=8)
ECHO: Final = Contender("echo", _echo())
ECHO_MESSAGES: Final = Contender("echo of messages", _echo("--messages"))
LEAST: Final = Contender("reads, runs and writes alone", _least)
MLSERVERS: Final = (
    Contender("mlserver", _MlServer()),
    Contender("mlserver in process", _MlServer(workers=0)),
    Contender("mlserver in process, batches", _MlServer(workers=0, max_batch=8, max_batch_s=0.002)),
    Contender("mlserver in process, 2 run threads", _MlServer(workers=0, session_threads=1, run_threads=2)),
    Contender("mlserver 2 workers", _MlServer(workers=2, session_threads=1)),
)
"""The first is MLServer as it comes; the others are tuned, and the best of them is told."""
