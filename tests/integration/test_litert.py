"""A release whose device model is a user's own LiteRT file: prepared at the command line, and kept to by an agent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cloud_service.cli import main
from edge_agent import Agent, AgentConfig
from edge_agent.core import Core
from edge_agent.demo import models
from edge_agent.demo.digits import Images, load_digits
from nearfar_wire.manifest import Manifest, read_manifest
from router.cascade.certificate import Certificate, parse_certificate
from tests.builders.clouds import running_cloud
from tests.builders.tflite_models import perceptron

pytestmark = pytest.mark.wide

POLICY = """schema = 1
name = "litert"
version = 1

[targets.cloud]
usd_per_request = 2

[promise]
max_loss = 0.05
"""


@dataclass(frozen=True)
class Made:
    """The release, and what neither model was trained on."""

    out: Path
    manifest: Manifest
    certificate: Certificate
    inputs: np.ndarray
    labels: np.ndarray
    twin: list[models.Layer]

    def answers(self, rows: np.ndarray) -> np.ndarray:
        """The device's classes, reckoned here."""
        for layer in self.twin[:-1]:
            rows = np.maximum(rows @ layer.weights + layer.bias, 0)
        return (rows @ self.twin[-1].weights + self.twin[-1].bias).argmax(axis=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    digits, folder = load_digits(), tmp_path_factory.mktemp("litert")
    train = Images(digits.train.pixels[:400], digits.train.labels[:400])
    few = models.train_full(Images(train.pixels[:60], train.labels[:60]))
    pixels = np.concatenate([digits.train.pixels[400:], digits.calibrate.pixels, digits.held_out.pixels])
    labels = np.concatenate([digits.train.labels[400:], digits.calibrate.labels, digits.held_out.labels])
    inputs = (pixels.reshape(len(pixels), 64) / 16).astype(np.float32)
    full, small, data = folder / "digits.onnx", folder / "small.tflite", folder / "data.npz"
    full.write_bytes(models.to_onnx(models.train_full(train), models.FULL_INPUT))
    small.write_bytes(perceptron([(layer.weights, layer.bias) for layer in few], models.FULL_INPUT, models.OUTPUT))
    np.savez(data, **{models.FULL_INPUT: inputs, "label": labels})
    out = folder / "release"
    arguments = [
        "prepare", str(full), "--data", str(data), "--labels", "label", "--device-model", str(small),
        "--ship", "own", "--alpha", "0.05", "--out", str(out), "--no-report",
    ]  # fmt: skip
    assert main(arguments) == 0
    certificate = parse_certificate((out / "certificate.json").read_bytes(), "certificate.json")
    return Made(out, read_manifest(out / "manifest.toml"), certificate, inputs, labels, few)


@pytest.fixture
def agent(made: Made, tmp_path: Path) -> Iterator[Agent]:
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    with running_cloud(made.out / "cloud") as cloud:
        config = AgentConfig.model_validate(
            {
                "models": {"digits": {"release": made.out}},
                "policy": tmp_path / "policy.toml",
                "targets": {"cloud": {"address": cloud.target}},
                "state": tmp_path / "state",  # so that it is first tried in a process of its own
            }
        )
        with Agent.over(Core(config, sources=[])) as agent:
            yield agent


def test_the_release_names_the_file_and_what_runs_it(made: Made) -> None:
    device = made.manifest.device
    assert device is not None
    assert (device.file, device.runtime) == ("digits.tflite", "litert")
    assert made.certificate.device_digest == device.digest
    assert (made.out / "digits.tflite").read_bytes()[4:8] == b"TFL3"
    assert not (made.out / "digits.onnx").exists()


def test_an_agent_answers_with_it_under_its_certificate(made: Made, agent: Agent) -> None:
    rows = made.inputs[-200:]
    results = [
        agent.infer("digits", {models.FULL_INPUT: row[np.newaxis]}, privacy="public", deadline_ms=10_000)
        for row in rows
    ]
    assert {result.target for result in results} == {"device", "cloud"}
    assert all(result.receipt.certified for result in results)
    kept = np.array([result.target == "device" for result in results])
    answered = np.array([result.outputs["scores"].argmax() for result in results])
    assert answered[kept].tolist() == made.answers(rows[kept]).tolist()
    # What stays is what the device knows: there it is right far more often than over all.
    right, alone = answered == made.labels[-200:], made.answers(rows) == made.labels[-200:]
    assert right[kept].mean() > alone.mean()
