"""Load from `nearfar-cloud bench`, in a process of its own: what an operator would measure with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.server.contenders import ROOT, Server

__all__ = ["WARM_UP_S", "Load", "bench", "started"]

Report = Mapping[str, Any]  # Any: JSON
WARM_UP_S: Final = 1.0


class Load:
    """A running load; `report` waits for its end."""

    def __init__(self, server: Server, model: str, seconds: float, flags: Sequence[str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name) / "report.json"
        command = [sys.executable, "-m", "cloud_service.cli", "bench", "--target", server.address, "--model", model]
        self._process = subprocess.Popen(
            [*command, "--seconds", str(seconds), "--warm-up", str(WARM_UP_S), "--json", str(self._file), *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'proto'}{os.pathsep}{ROOT}"},
        )

    def report(self) -> Report:
        """Wait for the end and return what was measured."""
        _, err = self._process.communicate()
        with self._folder:
            if self._process.returncode:
                raise SystemExit(f"the load generator failed: {err}")
            report: Report = json.loads(self._file.read_text(encoding="utf-8"))
            return report


def started(server: Server, model: str, seconds: float, *flags: str) -> Load:
    """Start a load and return at once."""
    return Load(server, model, seconds, flags)


def bench(server: Server, model: str, seconds: float, *flags: str) -> Report:
    """Load a server and return what was measured."""
    return started(server, model, seconds, *flags).report()
