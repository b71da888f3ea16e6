"""Models in a process of their own: what comes of it is told, and whatever they do there, this process lives."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from cloud_service.publish.sandbox import Failed, Sandbox, Timed
from tests.builders.graphs import allocating, convolutional, crossing, endless, perceptron
from tests.builders.onnx_models import identity

pytestmark = pytest.mark.wide

LINUX = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="memory is bounded on Linux alone")
X = {"x": np.ones((3, 16), np.float32)}


def test_ports_are_what_the_runtime_says() -> None:
    ports = Sandbox().ports(crossing().content)
    assert [(spec.name, spec.datatype, spec.shape) for spec in ports.inputs] == [
        ("picture", "FP32", (-1, 3, 8, 8)),
        ("words", "INT64", (-1, 4)),
    ]
    assert [spec.name for spec in ports.outputs] == ["y"]


def test_answers_are_those_of_each_row_by_itself() -> None:
    sample = perceptron()
    answered = Sandbox().answers(sample.content, sample.inputs, None)
    assert answered.outputs["y"].shape == (40, 10)
    few = {"x": sample.inputs["x"][:1]}
    assert np.array_equal(Sandbox().answers(sample.content, few, ["y"]).outputs["y"], answered.outputs["y"][:1])


def test_bytes_reach_the_model_whole() -> None:
    """Elements that end in NUL used to lose it on the way, so another text was measured than the app's."""
    texts = np.array([b"a", b"b\0", b"\0\0"], dtype=object)
    assert Sandbox().answers(identity("BYTES"), {"x": texts}, ["y"]).outputs["y"].tolist() == texts.tolist()


@LINUX
def test_memory_is_what_the_model_took_and_not_what_this_process_has() -> None:
    """getrusage tells of who started a process, too: beside a parent of a gigabyte every model took nothing."""
    sample = perceptron(width=512, inner=2048, count=2)
    held = np.ones(1 << 27)  # a gigabyte
    memory = Sandbox().answers(sample.content, sample.inputs, ["y"]).memory_bytes
    assert held.nbytes > 1 << 29
    assert memory is not None
    assert len(sample.content) < memory < 20 * len(sample.content)


@LINUX
def test_a_model_that_wants_more_memory_than_it_may_have_is_told_and_a_small_one_runs() -> None:
    """The limit used to count what Python and the runtime hold, so that 64 MiB were too few for any model."""
    tight = Sandbox(memory_bytes=64 << 20)
    assert tight.answers(perceptron().content, X, ["y"]).outputs["y"].shape == (3, 10)
    with pytest.raises(Failed, match="more memory than 64 MiB"):
        tight.answers(allocating(4), X, ["y"])


def test_a_model_that_never_ends_is_ended() -> None:
    with pytest.raises(Failed, match="did not end within 3 s"):
        Sandbox(limit_s=3).answers(endless(), X, ["y"])


def test_what_cannot_be_loaded_or_run_is_told_by_its_kind_alone() -> None:
    with pytest.raises(Failed, match="does not run here"):
        Sandbox().ports(b"no model")
    with pytest.raises(Failed, match="does not run here"):
        Sandbox().answers(perceptron().content, {"x": np.ones((3, 7), np.float32)}, ["y"])


def test_a_process_that_crashes_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A runtime that dies of a signal, in the place of the one there is.
    shadow = tmp_path / "onnxruntime"
    shadow.mkdir()
    (shadow / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(Failed, match="crashed on it \\(signal 11\\)"):
        Sandbox().ports(perceptron().content)


def test_a_file_beside_the_user_is_not_taken_for_a_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a file numpy.py in the folder that the command was called in, nothing could be measured."""
    (tmp_path / "numpy.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    assert Sandbox().ports(perceptron().content).inputs


def test_times_are_taken_in_turns_as_many_as_asked_for() -> None:
    quick, slow = perceptron(), convolutional(size=96, count=2)
    models = [Timed(sample.content, sample.inputs, "y") for sample in (quick, slow)]
    few, many = Sandbox().times(models, turns=20, seconds=60)
    assert len(few) == len(many) == 20
    assert np.median(few) < np.median(many)


def test_what_is_made_is_made_there_and_says_nothing_here(capfd: pytest.CaptureFixture[str]) -> None:
    """Calibration printed its progress among the tables on stdout, and logged to whoever had a handler."""
    sample = convolutional()
    made = Sandbox().made(sample.content, "static", {"calibrator": "Entropy"}, sample.inputs)
    assert b"QuantizeLinear" in made
    assert capfd.readouterr() == ("", "")
    with pytest.raises(Failed, match="constant weights"):
        Sandbox().made(sample.content, "weight_only", {"bits": 4}, {})
    with pytest.raises(Failed, match="gave up"):
        Sandbox().made(sample.content, "static", {"calibrator": "MinMax"}, {"x": np.ones((2, 7), np.float32)})


def test_no_file_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Sandbox().ports(perceptron().content)
    with pytest.raises(Failed):
        Sandbox(limit_s=0.01).ports(perceptron().content)
    assert list(tmp_path.iterdir()) == []
