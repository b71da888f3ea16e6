"""Real models ask for nothing that none may."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearfar_wire.onnx_file import scan

pytestmark = pytest.mark.data


def test_real_models_pass(data: Path) -> None:
    files = sorted(data.rglob("*.onnx"))
    assert files
    assert all(scan(file.read_bytes()).nodes > 20 for file in files)
