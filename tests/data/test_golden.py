"""How near a device's answers have to be to golden ones, on real int8 models: other kernels pass, others do not.

"Other kernels" is the same file without onnxruntime's optimisations, which computes quantized layers in floats."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from edge_agent.runtimes.trial.golden import Example, otherwise
from nearfar_wire.manifest import Manifest, parse_manifest

pytestmark = [pytest.mark.data, pytest.mark.wide]

_COUNT, _DRAWS, _EXAMPLES = 100, 300, 8


@pytest.fixture(scope="module")
def pictures(data: Path) -> np.ndarray:
    with tarfile.open(data / "cifar10" / "images_test_5000.tar.gz") as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile()), key=lambda member: member.name)
        files = [archive.extractfile(member) for member in members[:: len(members) // _COUNT][:_COUNT]]
        pixels = [np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB")) for file in files if file is not None]
    return np.stack(pixels).astype(np.float32).transpose(0, 3, 1, 2)


def _answers(path: Path, pictures: np.ndarray, *, optimised: bool = True) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"input": picture[None]})[0] for picture in pictures])


def _manifest() -> Manifest:
    return parse_manifest(
        f"""schema = 1
name = "cifar10"
version = 1
[[inputs]]
name = "input"
datatype = "FP32"
shape = [-1, 3, 32, 32]
[[outputs]]
name = "logits"
datatype = "FP32"
shape = [-1, 10]
[device]
file = "m.onnx"
digest = "sha256:{"0" * 64}"
[score]
output = "logits"
values = "logits"
""".encode(),
        "m",
    )


def _refused(golden: np.ndarray, given: np.ndarray) -> float:
    """Return the share of draws of eight examples after which the model would not be used."""
    chance, manifest = np.random.default_rng(0), _manifest()
    refused = 0
    for _ in range(_DRAWS):
        chosen = chance.choice(len(golden), _EXAMPLES, replace=False)
        examples = [Example({}, {"logits": golden[row : row + 1]}) for row in chosen]
        refused += otherwise(manifest, examples, [{"logits": given[row : row + 1]} for row in chosen]) != ""
    return refused / _DRAWS


@pytest.mark.parametrize("model", ["mlperf_tiny_resnet8_int8qdq", "mlperf_tiny_resnet_large_int8qdq"])
def test_other_kernels_of_the_same_int8_model_are_never_refused(data: Path, pictures: np.ndarray, model: str) -> None:
    path = data / "cifar10" / f"{model}.onnx"
    golden, other = _answers(path, pictures), _answers(path, pictures, optimised=False)
    assert not np.allclose(golden, other, rtol=1e-3, atol=1e-4), "they differ by more than the cloud would allow"
    assert _refused(golden, other) == 0


def test_swapped_colours_and_another_model_are_always_refused(data: Path, pictures: np.ndarray) -> None:
    small, large = (data / "cifar10" / f"mlperf_tiny_{name}_int8qdq.onnx" for name in ("resnet8", "resnet_large"))
    golden = _answers(small, pictures)
    assert _refused(golden, _answers(small, np.ascontiguousarray(pictures[:, ::-1]))) == 1
    assert _refused(golden, _answers(large, pictures)) == 1
