"""`nearfar-cloud serve` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.builders.clouds import HttpAnswer, http_get
from tests.builders.waiting import eventually

__all__ = ["ANY_PORTS", "CloudProcess", "cloud_process"]

ANY_PORTS = ("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--rest", "127.0.0.1:0")
_BOUND_S = 60


@dataclass
class CloudProcess:
    """A running service; `lines` is what it printed, `log` what it wrote on stderr."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def target(self) -> str:
        return self.address("grpc")

    def address(self, port: str) -> str:
        """Return where it said that it serves `port`: grpc, http or rest."""
        eventually(lambda: any(line.startswith(f"{port} ") for line in self.lines))
        return next(line for line in self.lines if line.startswith(f"{port} ")).removeprefix(f"{port} ")

    def http(self, path: str) -> HttpAnswer:
        return http_get(self.address("http"), path)


@contextmanager
def cloud_process(
    models: Path, *flags: str, launch: Sequence[str] = ("-m", "cloud_service.cli")
) -> Iterator[CloudProcess]:
    """Start the service and wait until it says where it serves; it is killed if it outlives the block.

    `launch` is what Python is told to run."""
    command = [sys.executable, *launch, "serve", "--models", str(models)]
    process = subprocess.Popen(
        [*command, *ANY_PORTS, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    cloud = CloudProcess(process)
    assert process.stdout is not None
    assert process.stderr is not None
    readers = [_reading(process.stdout, cloud.lines), _reading(process.stderr, cloud.log)]
    try:
        eventually(lambda: len(cloud.lines) >= 2 or process.poll() is not None, within_s=_BOUND_S)
        assert process.poll() is None, "".join(cloud.log)
        yield cloud
    finally:
        process.kill()
        process.wait(_BOUND_S)
        for reader in readers:
            reader.join(_BOUND_S)
        process.stdout.close()
        process.stderr.close()


def _reading(stream: IO[str], into: list[str]) -> threading.Thread:
    thread = threading.Thread(target=lambda: into.extend(line.rstrip("\n") for line in stream))
    thread.start()
    return thread
