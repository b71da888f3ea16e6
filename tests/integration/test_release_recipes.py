"""Releases to which an app hands a picture or a sentence: made by the command, served, asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest

from cloud_service.cli import main
from edge_agent import Agent
from tests.builders.photographs import classifier, photographs
from tests.builders.processes import cloud_process
from tests.builders.questions import question
from tests.builders.tokenizers import word_tokenizer
from tests.builders.utterances import utterances

pytestmark = [pytest.mark.wide, pytest.mark.timeout(600)]


def made(folder: Path, full: bytes, small: bytes, data: Path, *flags: str) -> Path:
    """Run the command; return the release of model `m`."""
    (folder / "m.onnx").write_bytes(full)
    (folder / "small.onnx").write_bytes(small)
    out = folder / "release"
    given = ["--data", data, "--out", out, "--device-model", folder / "small.onnx", "--ship", "own", "--alpha", "0.05"]
    assert main(["prepare", str(folder / "m.onnx"), *map(str, given), *flags]) == 0
    return out


@contextmanager
def served(folder: Path, release: Path) -> Iterator[Agent]:
    """Serve the release's cloud, and give an agent that has the release."""
    (folder / "policy.toml").write_text(
        'schema = 1\nname = "p"\nversion = 1\n[targets.cloud]\nusd_per_request = 2\n[promise]\nmax_loss = 0.05\n'
    )
    with cloud_process(release / "cloud") as cloud:
        (folder / "agent.toml").write_text(
            f'schema = 1\npolicy = "policy.toml"\n[models.m]\nrelease = "{release.name}"\n'
            f'[targets.cloud]\naddress = "{cloud.target}"\n'
        )
        assert cloud.http("/readyz").status == 200, "".join(cloud.log)
        with Agent.from_config(folder / "agent.toml") as agent:
            yield agent


@pytest.mark.slow
def test_a_release_of_photographs_takes_a_photograph(tmp_path: Path) -> None:
    data = photographs(tmp_path / "photos", 600)
    flags = ("--recipe", "image", "--normalise", "unit", "--device-normalise", "unit", "--labels-file")
    (tmp_path / "labels.txt").write_text("dark\nbright\n")
    for kind, name in (("0", "dark"), ("1", "bright")):
        (data / kind).rename(data / name)
    release = made(tmp_path, classifier(), classifier(1.0), data, *flags, str(tmp_path / "labels.txt"))
    with served(tmp_path, release) as agent:
        for name in ("dark", "bright"):
            file = next((data / name).iterdir()).read_bytes()
            result = agent.infer("m", {"image": [file]}, privacy="public", deadline_ms=10_000)
            assert result.top(1)[0][0] == name
            assert result.receipt.certified


@pytest.mark.slow
def test_a_release_of_sentences_takes_a_sentence_and_no_other_tokenizer(tmp_path: Path) -> None:
    """D8: with a tokenizer that is not the recorded one neither end answers, and none is certified."""
    said = utterances()
    (tmp_path / "tokenizer.json").write_bytes(said.tokenizer)
    rows = [f"{text.decode()},{label}" for text, label in zip(said.texts, said.labels, strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["text,kind", *dict.fromkeys(rows)]) + "\n")
    flags = ("--recipe", "text", "--tokenizer", str(tmp_path / "tokenizer.json"), "--labels", "kind")
    release = made(tmp_path, said.full, said.small, tmp_path / "data.csv", *flags)
    with served(tmp_path, release) as agent:
        results = [
            agent.infer("m", {"text": [text]}, privacy="public", deadline_ms=10_000) for text in said.texts[:100]
        ]
    assert {result.target for result in results} == {"device", "cloud"}
    assert all(result.receipt.certified for result in results)
    right = np.mean([result.outputs["scores"][0].argmax() for result in results] == said.labels[:100])
    assert right > 0.9
    other = shutil.copytree(release, tmp_path / "other")
    (other / "tokenizer.json").write_bytes(word_tokenizer(["ask1", "ask0"]))
    (tmp_path / "agent.toml").write_text('schema = 1\npolicy = "policy.toml"\n[models.m]\nrelease = "other"\n')
    (tmp_path / "policy.toml").write_text('schema = 1\nname = "p"\nversion = 1\n[promise]\nmax_loss = 0.05\n')
    with Agent.from_config(tmp_path / "agent.toml") as agent:
        assert agent.core.releases["m"].runtime is None
        assert "tokenizer.json" in agent.core.releases["m"].why_no_runtime


@pytest.mark.slow
def test_a_full_model_that_takes_one_example_at_a_time_is_served_with_its_golden_examples(tmp_path: Path) -> None:
    """They were written as one call of eight, which no server of such a model could pass: it never became ready."""
    asked = question("classification", count=800)
    np.savez(tmp_path / "data.npz", x=asked.inputs, y=asked.labels)
    flags = ("--labels", "y", "--golden", "3")
    release = made(tmp_path, single(asked.full), single(asked.small), tmp_path / "data.npz", *flags)
    golden = sorted(path.name for path in (release / "cloud/m/1").glob("golden*.npz"))
    assert golden == ["golden-2.npz", "golden-3.npz", "golden.npz"]
    with served(tmp_path, release) as agent:
        result = agent.infer("m", {"x": asked.inputs[:1]}, privacy="public", deadline_ms=10_000)
    assert result.receipt.certified


def single(content: bytes) -> bytes:
    """Return the model with a batch of one."""
    model = onnx.load_model_from_string(content)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return model.SerializeToString()
