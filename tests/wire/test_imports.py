"""What a module of the contract brings with it: a device that never calls the cloud pays for no gRPC."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"grpc", "pydantic", "PIL", "google.protobuf", "numpy"}

ALLOWED = {
    "nearfar_wire": set(),
    "nearfar_wire.errors": set(),
    "nearfar_wire.digest": set(),
    "nearfar_wire.status": set(),
    "nearfar_wire.specs": {"numpy"},
    "nearfar_wire.prepare": {"numpy"},
    "nearfar_wire.images": {"numpy"},
    "nearfar_wire.tensors": {"numpy", "google.protobuf"},
    "nearfar_wire.tflite": {"numpy"},
    "nearfar_wire.manifest": {"numpy", "pydantic"},
}


@pytest.mark.wide
@pytest.mark.parametrize("module", ALLOWED)
def test_a_module_imports_no_more_than_it_needs(module: str) -> None:
    program = f"import json, sys, {module}; print(json.dumps([m for m in {sorted(HEAVY)} if m in sys.modules]))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert set(json.loads(ran.stdout)) == ALLOWED[module]
