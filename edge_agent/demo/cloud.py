"""The cloud service as a process of its own, for as long as a `with` statement.

The agent and the cloud meet on the wire alone, so this knows the service's command and the two lines it prints."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from edge_agent.errors import AgentError
from nearfar_wire.status import Code

__all__ = ["CloudFailed", "CloudProcess", "serve_command"]

# Importing onnxruntime and grpc on a slow, busy machine takes seconds.
_START_S: Final = 30.0
# The service's own drain is shorter; what takes longer hangs.
_STOP_S: Final = 10.0
_KEPT_LINES: Final = 20

Address = tuple[str, int]


class CloudFailed(AgentError):
    """The service did not start. `said` is the last of what it printed."""

    code = Code.UNAVAILABLE
    source = "demo"

    def __init__(self, problem: str, said: Sequence[str]) -> None:
        printed = "\n".join(f"    {line}" for line in said) or "    (nothing)"
        super().__init__(f"the cloud service {problem}; it printed:\n{printed}")
        self.problem = problem
        self.said = tuple(said)


def serve_command(models: Path) -> list[str]:
    """Return the command that serves `models` on free loopback ports, in this same Python."""
    serve = ["serve", "--models", str(models), "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--rest", "off"]
    return [sys.executable, "-m", "cloud_service.cli", *serve]


class CloudProcess:
    """A started service. `grpc` and `http` are where it listens."""

    def __init__(self, command: Sequence[str]) -> None:
        """Run `command` when started; see serve_command."""
        self.grpc: Address = ("", 0)
        self.http: Address = ("", 0)
        self._command = list(command)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._addresses: dict[str, Address] = {}
        self._settled = threading.Event()  # both addresses are there, or never will be

    def start(self, *, within_s: float = _START_S) -> Self:
        """Return when the service has said where it listens.

        Raises CloudFailed: when it ended, or said nothing within `within_s`; the process is gone then."""
        self._process = subprocess.Popen(  # noqa: S603  # the command is ours, and no shell reads it
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="cloud-output", daemon=True)
        self._reader.start()
        try:
            self._wait_for_addresses(self._process, within_s)
        except BaseException:  # an interrupt, too, must not leave the process behind
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ask the service to end, and end it if it does not; safe twice."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_S)
        if self._reader is not None:
            self._reader.join(_STOP_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_for_addresses(self, process: subprocess.Popen[str], within_s: float) -> None:
        settled = self._settled.wait(within_s)
        if {"grpc", "http"} <= self._addresses.keys():
            self.grpc, self.http = self._addresses["grpc"], self._addresses["http"]
            return
        if not settled:
            problem = f"did not say where it listens within {within_s:g} s"
        else:
            try:
                problem = f"ended with exit code {process.wait(_STOP_S)}"
            except subprocess.TimeoutExpired:
                problem = "closed its output without saying where it listens"
        raise CloudFailed(problem, self._said.copy())

    def _read(self, process: subprocess.Popen[str]) -> None:
        """Take the output for as long as there is some: a full pipe would stop the service."""
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._said.append(line.rstrip())
                name, _, where = line.strip().partition(" ")
                host, _, port = where.rpartition(":")
                if name in ("grpc", "http") and port.isdecimal():
                    self._addresses.setdefault(name, (host, int(port)))
                    if len(self._addresses) == 2:
                        self._settled.set()
        self._settled.set()
