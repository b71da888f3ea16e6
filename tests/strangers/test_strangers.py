"""Proof by strangers: other people's client calls our service, and our client calls a server of their stubs.

They run in an environment and a process of their own, because every other implementation of the protocol registers the
same names for its messages, and pins other versions of the libraries."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edge_agent import Agent
from nearfar_wire.datatypes import DATATYPES
from tests.builders.clouds import running_cloud
from tests.builders.onnx_models import identity, softmax_mlp
from tests.builders.repositories import write_repository

_HERE = Path(__file__).parent
_ENVIRONMENT = _HERE.parents[1] / ".venv-strangers"
_PYTHON = _ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(not _PYTHON.exists(), reason="`make test` builds .venv-strangers with tritonclient in it"),
]

_TOKEN = "an-administrators-token"
_MANIFEST = """
schema = 1
name = "sums"
version = 1

[[inputs]]
name = "rows"
datatype = "FP32"
shape = [-1, 3]

[[outputs]]
name = "totals"
datatype = "FP32"
shape = [-1, 1]

[remote]
model = "sums"
send = "model"
fetches = { totals = "total" }

[remote.feeds.values]
source = "rows"
datatype = "FP32"
"""


# tritonclient's own number of UINT8.
_TYPE_UINT8 = 2


def _repository(root: Path, models: dict[str, bytes]) -> Path:
    write_repository(root, models)  # type: ignore[arg-type]
    (root / "mlp" / "serving.toml").write_text("[batching]\nenabled = true\nmax_batch = 8\n", encoding="utf-8")
    return root


def _clean_environment() -> dict[str, str]:
    # A stranger's process must not find our packages.
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def test_tritonclient_infers_on_our_service(tmp_path: Path) -> None:
    models = {"mlp": softmax_mlp()} | {f"identity-{name.lower()}": identity(name) for name in DATATYPES}
    with running_cloud(_repository(tmp_path, models), admin_token=_TOKEN) as cloud:
        ran = subprocess.run(
            [str(_PYTHON), str(_HERE / "triton_client.py"), cloud.target, json.dumps(list(DATATYPES)), _TOKEN],
            capture_output=True,
            text=True,
            timeout=60,
            env=_clean_environment(),
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["live"], told["ready"], told["server"]) == (True, True, "nearfar")
    assert (told["model_ready"], told["no_model_ready"]) == (True, False)
    assert told["inputs"] == [["pixels", "UINT8", [-1, 4]]]
    probabilities = np.array(told["probabilities"])
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities, _expected(np.array(told["pixels"])), rtol=1e-5)
    assert (told["id"], told["version"], told["outputs"]) == ("of-a-stranger", "1", ["probabilities"])
    assert told["digest"].startswith("sha256:")
    assert told["echoed"] == dict.fromkeys(DATATYPES, True)
    assert told["refused"] == {
        "unknown model": "StatusCode.NOT_FOUND",
        "wrong shape": "StatusCode.INVALID_ARGUMENT",
        "missing input": "StatusCode.INVALID_ARGUMENT",
    }
    inspected = told["inspected"]
    assert (inspected["rows"], inspected["succeeded"], inspected["batches"]) == (2, 1, [[2, 1]])
    assert inspected["compute_ns"] > 0
    assert inspected["all"] == sorted(models)
    assert inspected["config"] == ["mlp", "onnxruntime_onnx", "onnxruntime", 8]
    assert inspected["input"] == [["pixels", _TYPE_UINT8, [4]]]
    assert (inspected["scheduling"], inspected["policy"]) == ("dynamic_batching", "all")
    assert inspected["as json"] == "TYPE_UINT8"
    assert told["repository"] == {
        "before": "1 READY",
        "unloaded": [False, "1 UNAVAILABLE"],
        "loaded": [True, "1 READY"],
        "no administrator": "StatusCode.UNAUTHENTICATED",
    }


def test_tritonclient_infers_on_our_service_over_rest(tmp_path: Path) -> None:
    models = {"mlp": softmax_mlp()} | {f"identity-{name.lower()}": identity(name) for name in DATATYPES}
    with running_cloud(_repository(tmp_path, models), admin_token=_TOKEN) as cloud:
        target = str(cloud.app.rest_address)
        ran = subprocess.run(
            [str(_PYTHON), str(_HERE / "triton_http_client.py"), target, json.dumps(list(DATATYPES)), _TOKEN],
            capture_output=True,
            text=True,
            timeout=60,
            env=_clean_environment(),
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["live"], told["ready"], told["server"]) == (True, True, "nearfar")
    assert (told["model_ready"], told["no_model_ready"]) == (True, False)
    assert told["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 4]}]
    assert (told["id"], told["version"], told["outputs"]) == ("of-a-stranger", "1", ["probabilities"])
    np.testing.assert_allclose(told["sums"], [1, 1], rtol=1e-5)
    assert told["binary"] == dict.fromkeys(DATATYPES, True)
    assert told["json"] == {name: True for name in DATATYPES if name != "FP16"}
    assert told["packed"] == {"gzip": True, "deflate": True}
    assert told["refused"] == {
        "unknown model": "404",
        "wrong shape": "400",
        "missing input": "400",
        "no administrator": "401",
    }
    inspected = told["inspected"]
    assert (inspected["rows"], inspected["succeeded"], inspected["batches"]) == (2, 1, [[2, 1]])
    assert inspected["compute_ns"] > 0
    assert inspected["all"] == sorted(models)
    assert inspected["config"] == ["mlp", "onnxruntime_onnx", "onnxruntime", 8]
    assert inspected["input"] == [["pixels", "TYPE_UINT8", [4]]]
    assert {(entry["name"], entry["state"]) for entry in told["index"]} == {(name, "READY") for name in models}
    assert (told["ready_after_unload"], told["ready_after_load"]) == (False, True)


def _expected(pixels: np.ndarray) -> np.ndarray:
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    logits = pixels.astype(np.float32) @ weights
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def test_our_client_infers_on_a_servicer_of_tritonclients_stubs_and_says_that_it_gets_no_digest(tmp_path: Path) -> None:
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "manifest.toml").write_text(_MANIFEST, encoding="utf-8")
    with _triton_servicer() as port:
        config = f'[models.sums]\nrelease = "sums"\n[targets.cloud]\naddress = "127.0.0.1:{port}"\n'
        (tmp_path / "agent.toml").write_text(f"schema = 1\n{config}", encoding="utf-8")
        with Agent.from_config(tmp_path / "agent.toml") as agent:
            agent.refresh()
            known = {status.name for status in agent.signals() if status.fresh}
            rows = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
            result = agent.infer("sums", {"rows": rows}, deadline_ms=10_000, privacy="public")
    assert "rtt_ms" in known
    np.testing.assert_array_equal(result.outputs["totals"], [[6], [15]])
    assert result.target == "cloud"
    assert result.receipt.model_digest is None
    assert "does not say which model" in str(result.receipt)


@contextmanager
def _triton_servicer() -> Iterator[int]:
    process = subprocess.Popen(
        [str(_PYTHON), str(_HERE / "triton_servicer.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_clean_environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
        process.stdout.close()
