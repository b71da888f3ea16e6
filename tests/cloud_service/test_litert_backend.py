"""LiteRT files for whoever makes releases: the same numbers as on the device, behind the service's own seam."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from cloud_service.backends.litert import LitertBackend
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.backends.opening import open_backend
from cloud_service.errors import InvalidInput, RunFailed, UnservableModel
from edge_agent.runtimes.litert import LitertRuntime
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import MissingExtra
from tests.builders.onnx_models import softmax_mlp
from tests.builders.tflite_models import BUILTIN, dense_softmax, doubled, quantized_dense, remembering, with_operator

X = np.array([[1, 2]], np.float32)


@pytest.mark.parametrize("content", [dense_softmax(), quantized_dense("INT8"), quantized_dense("UINT8")])
def test_what_is_certified_is_what_the_device_answers(content: bytes) -> None:
    pixels = np.random.default_rng(3).uniform(0, 255, (5, 4)).astype(np.float32)
    backend, runtime = LitertBackend(content), LitertRuntime("m", content, digest_of(content))
    assert (list(backend.inputs), list(backend.outputs)) == (list(runtime.inputs), list(runtime.outputs))
    made = backend.new_run().execute({"pixels": pixels}, ["probabilities"])
    assert np.array_equal(made["probabilities"], runtime.run({"pixels": pixels})["probabilities"])


def test_a_file_is_opened_by_what_it_says_of_itself() -> None:
    assert isinstance(open_backend(dense_softmax()), LitertBackend)
    assert isinstance(open_backend(softmax_mlp()), OnnxBackend)


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(MissingExtra, match=r"nearfar\[litert\]"):
        open_backend(dense_softmax())
    assert isinstance(open_backend(softmax_mlp()), OnnxBackend)


def test_D14_a_file_that_is_refused_says_why() -> None:
    with pytest.raises(UnservableModel, match="operator 'Flexy', which takes code that is not in the file"):
        LitertBackend(with_operator(BUILTIN.CUSTOM, custom="Flexy"))


def test_what_the_library_refuses_is_refused_without_its_words() -> None:
    with pytest.raises(UnservableModel, match=r"^LiteRT cannot load the model file \(\w+\); export it again$"):
        LitertBackend(with_operator(BUILTIN.PAD, [0, 0]))


def test_inputs_that_do_not_fit_are_named_and_a_run_that_fails_is_told_apart() -> None:
    with pytest.raises(InvalidInput, match=r"'x': has shape \[2, 2\]"):
        LitertBackend(doubled()).new_run().execute({"x": np.ones((2, 2), np.float32)}, ["y"])
    with pytest.raises(RunFailed):
        LitertBackend(doubled("BOOL")).new_run().execute({"x": np.array([[True, False]])}, ["y"])


def test_an_answer_does_not_depend_on_the_run_before() -> None:
    backend = LitertBackend(remembering())
    answers = [backend.new_run().execute({"x": np.array([[v]], np.float32)}, ["y"])["y"].item() for v in (1, 5, 1)]
    assert answers == [1, 5, 1]


def test_a_run_that_was_stopped_before_it_began_does_not_begin() -> None:
    backend = LitertBackend(doubled())
    run = backend.new_run()
    run.stop()
    with pytest.raises(RunFailed):
        run.execute({"x": X}, ["y"])
    backend.tidy({"x": X})
    assert backend.new_run().execute({"x": X}, ["y"])["y"].tolist() == [[2, 4]]


def test_runs_of_several_threads_take_turns() -> None:
    backend = LitertBackend(doubled(free=True))
    right: list[bool] = []

    def run(rows: int) -> None:
        x = np.full((rows, 2), rows, np.float32)
        for _ in range(50):
            right.append(np.array_equal(backend.new_run().execute({"x": x}, ["y"])["y"], x + x))

    threads = [threading.Thread(target=run, args=(rows,)) for rows in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert right == [True] * 150
