"""Damaged and hostile LiteRT files: none of them takes the process along, which the library alone would let them do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders.tflite_models import dense_softmax, quantized_dense, remembering

pytestmark = pytest.mark.slow


def _real(name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        folder = os.environ.get("NEARFAR_DATA")
        if not folder:
            pytest.skip("set NEARFAR_DATA to a folder with real models")
        return (Path(folder) / name).read_bytes()

    return read


@pytest.mark.parametrize(
    ("content", "count"),
    [
        pytest.param(dense_softmax, 800, id="floats"),
        pytest.param(quantized_dense, 800, id="whole numbers"),
        pytest.param(remembering, 800, id="memory"),
        pytest.param(_real("cifar10/mlperf_tiny_pretrainedResnet_quant.tflite"), 400, id="real"),
    ],
)
def test_D15_E9_no_damaged_file_ends_the_process(content: Callable[[], bytes], count: int, tmp_path: Path) -> None:
    (tmp_path / "whole.tflite").write_bytes(content())
    command = [sys.executable, "-m", "tests.builders.damaged_tflite", str(tmp_path / "whole.tflite"), str(count), "1"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110, env=env)
    told = ended.stdout.strip().splitlines()
    assert ended.returncode == 0, f"signal {-ended.returncode} at {told[-1:]}: {ended.stderr[-500:]}"
    # Each kind of ending came about: what is damaged beyond use, and what is damaged where nobody notices.
    for outcome in ("refused by us", "refused by the library", "ran"):
        assert outcome in told[-1]
