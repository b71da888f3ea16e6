"""onnxruntime reports to its maker from 1.29 on, unless told not to; neither side of ours lets it.

What it would report by, it sets up when it is imported: a file in the temporary folder that identifies the device."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SIDES = [
    pytest.param("from edge_agent.runtimes.library import load_onnxruntime; load_onnxruntime()", id="agent"),
    pytest.param("import cloud_service.backends.onnx", id="cloud"),
]


@pytest.mark.wide
@pytest.mark.parametrize("load", SIDES)
def test_the_library_sets_nothing_up_to_report_by(tmp_path: Path, load: str) -> None:
    run(f"{load}", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.wide
@pytest.mark.parametrize("load", SIDES)
def test_reporting_is_forbidden_before_the_library_is_imported(tmp_path: Path, load: str) -> None:
    """Afterwards is too late: the library reads the environment once."""
    watch = (
        "import sys, os\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        assert name != 'onnxruntime' or os.environ.get('ORT_DISABLE_TELEMETRY') == '1', 'too late'\n"
        "sys.meta_path.insert(0, Watch())\n"
    )
    run(f"{watch}{load}\nassert 'onnxruntime' in sys.modules", tmp_path)


def run(code: str, temporary: Path) -> None:
    # Continuous integration forbids reporting, too, which would pass for our own doing.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
