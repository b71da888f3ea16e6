"""Make the demo's release: train, quantize, measure, write. `python -m edge_agent.demo.release` prints what came out.

    DIR/releases/digits/     manifest.toml, digits.int8.onnx        the device's
    DIR/models/digits/1/     manifest.toml, model.onnx              the cloud's; the same manifest

What is measured is the files that ship, prepared as the manifest says. The manifest's evaluation and the margin come
from the calibration images; the held-out ones choose nothing."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.demo import models
from edge_agent.demo.digits import CLASSES, SIDE, Digits, Images, load_digits
from edge_agent.demo.trade_off import Verdict, choose_margin, trade_off
from edge_agent.device.score import score_of
from edge_agent.runtimes.onnx import OnnxRuntime
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import Manifest, parse_manifest
from nearfar_wire.prepare import prepare
from router.rules.thresholds import measured

__all__ = ["MODEL_NAME", "DemoRelease", "judge", "make_release"]

MODEL_NAME: Final = "digits"
_VERSION: Final = 1
_DEVICE_FILE: Final = "digits.int8.onnx"


@dataclass(frozen=True, slots=True)
class DemoRelease:
    """What was written, and what goes with it: the images to ask about, and how certain the device has to be."""

    release: Path
    """The device's release."""
    models: Path
    """The cloud's repository."""
    margin: float
    digits: Digits


def make_release(directory: Path) -> DemoRelease:
    """Train both models and write them under `directory`; a few seconds. What is there already is replaced.

    Raises MissingExtra: without nearfar[demo]."""
    digits = load_digits()
    full = models.to_onnx(models.train_full(digits.train), models.FULL_INPUT)
    small = models.quantize(
        models.to_onnx(models.train_small(digits.train), models.SMALL_INPUT), models.SMALL_INPUT, digits.train
    )
    described = _describe(device_digest=digest_of(small), remote_digest=digest_of(full))
    verdicts = _judge(parse_manifest(described.encode(), "manifest"), small, full, digits.calibrate)
    manifest = (described + _evaluation(verdicts)).encode()

    made = DemoRelease(directory / "releases" / MODEL_NAME, directory / "models", choose_margin(verdicts), digits)
    _write(made.release, {"manifest.toml": manifest, _DEVICE_FILE: small})
    _write(made.models / MODEL_NAME / str(_VERSION), {"manifest.toml": manifest, "model.onnx": full})
    return made


def judge(made: DemoRelease, images: Images) -> list[Verdict]:
    """Return what both models, run here from the files that were written, make of each of `images`."""
    small = (made.release / _DEVICE_FILE).read_bytes()
    full = (made.models / MODEL_NAME / str(_VERSION) / "model.onnx").read_bytes()
    manifest = parse_manifest((made.release / "manifest.toml").read_bytes(), "manifest.toml")
    return _judge(manifest, small, full, images)


def _judge(manifest: Manifest, small: bytes, full: bytes, images: Images) -> list[Verdict]:
    assert manifest.device is not None and manifest.remote is not None and manifest.score is not None
    device = OnnxRuntime("the device's model", small, digest_of(small))
    cloud = OnnxRuntime("the cloud's model", full, digest_of(full))
    verdicts: list[Verdict] = []
    for index, label in enumerate(images.labels):
        one = {"pixels": images.pixels[index : index + 1]}  # alone, as an app asks
        near = device.run(prepare(one, manifest.inputs, manifest.device.feeds))
        far = cloud.run(prepare(one, manifest.inputs, manifest.remote.feeds))
        margin = score_of(near, manifest.score)
        assert margin is not None, "a softmax of finite weights has a margin"
        verdicts.append(
            Verdict(
                margin=margin,
                device_right=bool(near[models.OUTPUT].argmax() == label),
                cloud_right=bool(far[models.OUTPUT].argmax() == label),
            )
        )
    return verdicts


def _describe(*, device_digest: str, remote_digest: str) -> str:
    return f"""\
schema = 1
name = "{MODEL_NAME}"
version = {_VERSION}

[[inputs]]
name = "pixels"
datatype = "UINT8"
shape = [-1, {SIDE}, {SIDE}]

[[outputs]]
name = "{models.OUTPUT}"
datatype = "FP32"
shape = [-1, {CLASSES}]

[device]
file = "{_DEVICE_FILE}"
digest = "{device_digest}"

[device.feeds.{models.SMALL_INPUT}]
source = "pixels"
datatype = "FP32"
steps = [{{ reshape = [-1, {SIDE * SIDE}] }}]

[remote]
model = "{MODEL_NAME}"
version = "{_VERSION}"
digest = "{remote_digest}"
send = "app"

[remote.feeds.{models.FULL_INPUT}]
source = "pixels"
datatype = "FP32"
steps = [{{ reshape = [-1, {SIDE * SIDE}] }}, {{ scale = {models.FULL_SCALE} }}]

[score]
output = "{models.OUTPUT}"
kind = "margin"
"""


def _evaluation(verdicts: Sequence[Verdict]) -> str:
    count = len(verdicts)
    device_wrong = sum(not verdict.device_right for verdict in verdicts) / count
    remote_wrong = sum(not verdict.cloud_right for verdict in verdicts) / count
    thresholds = "".join(
        f"""
[[evaluation.thresholds]]
below = {found.below!r}
share = {found.share:.4f}
gain = {found.gain:.4f}
"""
        for found in measured((verdict.margin, verdict.device_right, verdict.cloud_right) for verdict in verdicts)
    )
    return f"""
[evaluation]
n = {count}
device_wrong = {device_wrong:.4f}
remote_wrong = {remote_wrong:.4f}
{thresholds}"""


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _report(made: DemoRelease, images: Images) -> str:
    verdicts = judge(made, images)
    ends = trade_off(verdicts, (-1.0, 1.0))
    lines = [
        f"{len(images)} held-out images; margin {made.margin}, chosen on {len(made.digits.calibrate)} others",
        f"device alone {ends[0].accuracy:.1%}, cloud alone {ends[1].accuracy:.1%}",
        "margin  escalated  accuracy",
    ]
    margins = sorted({*(tenth / 10 for tenth in range(1, 10)), 0.95, made.margin})
    rows = trade_off(verdicts, margins)
    lines += [f"{row.margin:6.2f}  {row.escalated:9.1%}  {row.accuracy:8.1%}" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make a release in a folder that is removed again, and print the trade-off on the held-out images."""
    with tempfile.TemporaryDirectory() as folder:
        made = make_release(Path(folder))
        sys.stdout.write(_report(made, made.digits.held_out))


if __name__ == "__main__":
    main()
