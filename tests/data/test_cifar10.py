"""A release as in real life: one picture, two models that want it in different scales, and three ways over the wire.

The device runs an int8 ResNet8 on raw pixels, the cloud a ResNet56 on normalised ones. The app hands over the
picture, and does not change when the release does."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_agent import Agent
from nearfar_wire.digest import digest_of
from tests.builders.processes import cloud_process

pytestmark = [pytest.mark.data, pytest.mark.wide]

_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_COUNT = 300
_DEVICE_STEPS = "[{ transpose = [0, 3, 1, 2] }]"
_REMOTE_STEPS = (
    "[{ divide = [255.0] }, { subtract = [0.485, 0.456, 0.406] }, { divide = [0.229, 0.224, 0.225] },"
    " { transpose = [0, 3, 1, 2] }]"
)


@dataclass(frozen=True)
class Pictures:
    jpegs: list[bytes]
    pixels: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="module")
def pictures(data: Path) -> Pictures:
    jpegs: list[bytes] = []
    labels: list[int] = []
    with tarfile.open(data / "cifar10" / "images_test_5000.tar.gz") as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile()), key=lambda member: member.name)
        for member in members[:: len(members) // _COUNT][:_COUNT]:
            file = archive.extractfile(member)
            assert file is not None
            jpegs.append(file.read())
            labels.append(_CLASSES.index(Path(member.name).parent.name))
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")) for jpeg in jpegs])
    return Pictures(jpegs, pixels, np.array(labels))


def _manifest(app_input: str, send: str, device: bytes, remote: bytes) -> str:
    resize = "{ resize = [32, 32] }, " if "image" in app_input else ""
    return f"""
schema = 1
name = "cifar10"
version = 1

[[inputs]]
name = "picture"
{app_input}

[[outputs]]
name = "logits"
datatype = "FP32"
shape = [-1, 10]

[device]
file = "device.onnx"
digest = "{digest_of(device)}"
[device.feeds.input]
source = "picture"
datatype = "FP32"
steps = {_DEVICE_STEPS.replace("[{", f"[{resize}{{", 1)}

[remote]
model = "cifar10"
digest = "{digest_of(remote)}"
send = "{send}"
[remote.feeds.input]
source = "picture"
datatype = "FP32"
steps = {_REMOTE_STEPS.replace("[{", f"[{resize}{{", 1)}

[score]
output = "logits"
kind = "margin"
values = "logits"
"""


_PIXELS = 'datatype = "UINT8"\nshape = [-1, 32, 32, 3]'
_JPEG = 'datatype = "BYTES"\nshape = [-1]\nencoding = "image"'


@pytest.fixture(params=[(_PIXELS, "app"), (_PIXELS, "model"), (_JPEG, "app")], ids=["pixels", "floats", "jpeg"])
def served(request: pytest.FixtureRequest, data: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder with an agent's configuration, and the cloud that it names, running."""
    app_input, send = request.param
    device = (data / "cifar10" / "mlperf_tiny_resnet8_int8qdq.onnx").read_bytes()
    remote = (data / "cifar10" / "resnet56_fp32.onnx").read_bytes()
    manifest = _manifest(app_input, send, device, remote)
    release, version = tmp_path / "release", tmp_path / "models" / "cifar10" / "1"
    for folder, name, content in ((release, "device.onnx", device), (version, "model.onnx", remote)):
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        (folder / "manifest.toml").write_text(manifest, encoding="utf-8")
    (tmp_path / "policy.toml").write_text(
        """
schema = 1
name = "cifar10"
version = 1
[worth]
dollar = 100.0
[targets.device]
p_wrong = 0.25
[targets.cloud]
p_wrong = 0.17
usd_per_request = 0.0003
[escalation]
below = 0.5
""",
        encoding="utf-8",
    )
    with cloud_process(tmp_path / "models") as cloud:
        (tmp_path / "agent.toml").write_text(
            f'schema = 1\npolicy = "policy.toml"\n[models.cifar10]\nrelease = "release"\n'
            f'[targets.cloud]\naddress = "{cloud.target}"\n',
            encoding="utf-8",
        )
        yield tmp_path


def test_escalating_what_is_uncertain_beats_the_device_and_spares_the_cloud(served: Path, pictures: Pictures) -> None:
    inputs = (
        [np.array([jpeg], dtype=object) for jpeg in pictures.jpegs]
        if "encoding" in (served / "release" / "manifest.toml").read_text()
        else [pixels[np.newaxis] for pixels in pictures.pixels]
    )
    with Agent.from_config(served / "agent.toml") as agent:
        agent.refresh()
        routed = [agent.infer("cifar10", {"picture": one}, deadline_ms=5000, privacy="public") for one in inputs]
        alone = [agent.infer("cifar10", {"picture": one}, deadline_ms=5000, privacy="secret") for one in inputs]
    accuracy = np.mean(
        [r.outputs["logits"].argmax() == label for r, label in zip(routed, pictures.labels, strict=True)]
    )
    device_accuracy = np.mean(
        [r.outputs["logits"].argmax() == label for r, label in zip(alone, pictures.labels, strict=True)]
    )
    escalated = np.mean([r.target == "cloud" for r in routed])
    assert {r.target for r in alone} == {"device"}
    assert sum(r.receipt.sent_bytes for r in alone) == 0
    assert device_accuracy > 0.65  # 75.5 % is what the model has on these files; 300 of them leave some spread
    assert accuracy > device_accuracy + 0.02
    assert 0.1 < escalated < 0.6
