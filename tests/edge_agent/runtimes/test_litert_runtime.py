"""Models on LiteRT: from verified bytes, as real numbers, one run an interpreter, and its words never reach an app."""

from __future__ import annotations

import io
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from edge_agent.config import DeviceConfig
from edge_agent.releases import load_release
from edge_agent.runtimes import CannotLoad, NotReady, RunFailed, RunHalted
from edge_agent.runtimes.litert import LitertRuntime
from edge_agent.runtimes.onnx import OnnxRuntime
from edge_agent.runtimes.opening import open_runtime
from edge_agent.runtimes.process import ProcessRuntime
from edge_agent.runtimes.renewable import Renewable
from edge_agent.runtimes.trial import Trials
from edge_agent.runtimes.trial.book import VerdictBook
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import DigestMismatch
from nearfar_wire.manifest import DeviceSide
from tests.builders.agents import golden_npz
from tests.builders.onnx_models import softmax_mlp
from tests.builders.tflite_models import dense_softmax, doubled, quantized_dense, remembering, with_operator

PIXELS = np.array([[1, 2, 3, 4], [0, 9, 0, 1]], np.float32)


def _load(content: bytes, **more: object) -> LitertRuntime:
    return LitertRuntime("m.tflite", content, digest_of(content), **more)  # type: ignore[arg-type]


def _twin() -> np.ndarray:
    content = softmax_mlp(pixels="FP32")
    return OnnxRuntime("m.onnx", content, digest_of(content)).run({"pixels": PIXELS})["probabilities"]


def test_what_it_takes_and_gives_is_told_as_tensors() -> None:
    runtime = _load(dense_softmax())
    assert [str(spec) for spec in runtime.inputs] == ["'pixels' FP32 [-1, 4]"]
    assert [str(spec) for spec in runtime.outputs] == ["'probabilities' FP32 [-1, 3]"]
    assert runtime.provider == "CPUExecutionProvider"


def test_it_answers_as_the_same_model_does_on_onnxruntime() -> None:
    np.testing.assert_allclose(_load(dense_softmax()).run({"pixels": PIXELS})["probabilities"], _twin(), atol=1e-5)


@pytest.mark.parametrize("datatype", ["INT8", "UINT8"])
def test_a_quantized_model_takes_and_gives_the_numbers_of_its_float_twin(datatype: str) -> None:
    runtime = _load(quantized_dense(datatype))
    answered = runtime.run({"pixels": PIXELS})["probabilities"]
    assert answered.dtype == np.float32
    # The logits have steps of a twentieth of their reach, which is for pixels up to 255.
    np.testing.assert_allclose(answered.sum(axis=1), 1, atol=0.02)
    bright = PIXELS * 25
    content = softmax_mlp(pixels="FP32")
    twin = OnnxRuntime("m.onnx", content, digest_of(content)).run({"pixels": bright})["probabilities"]
    assert runtime.run({"pixels": bright})["probabilities"].argmax(axis=1).tolist() == twin.argmax(axis=1).tolist()


def test_pixels_in_the_files_own_type_mean_the_same_as_their_numbers() -> None:
    runtime = _load(quantized_dense("UINT8"))
    pixels = (PIXELS * 25).astype(np.uint8)
    as_they_are = runtime.run({"pixels": pixels})["probabilities"]
    assert np.array_equal(as_they_are, runtime.run({"pixels": pixels.astype(np.float32)})["probabilities"])


def test_C8_no_number_into_a_quantized_model_is_no_answer() -> None:
    with pytest.raises(RunFailed, match="'pixels': holds NaN"):
        _load(quantized_dense()).run({"pixels": np.full((1, 4), np.nan, np.float32)})


@pytest.mark.parametrize("datatype", ["FP32", "FP16", "INT32", "INT64"])
def test_every_number_goes_through(datatype: str) -> None:
    dtype = {"FP32": "f4", "FP16": "f2"}.get(datatype, datatype.lower())
    answered = _load(doubled(datatype)).run({"x": np.array([[1, 2]], dtype)})["y"]
    assert (answered.dtype, answered.tolist()) == (np.dtype(dtype), [[2, 4]])


def test_a_free_axis_takes_as_many_rows_as_come_and_a_fixed_one_does_not() -> None:
    free, fixed = _load(doubled(free=True)), _load(doubled())
    for rows in (1, 3, 2, 1):
        x = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
        assert np.array_equal(free.run({"x": x})["y"], x + x)
    with pytest.raises(RunFailed, match=r"'x': has shape \[3, 2\], the model takes \[1, 2\]"):
        fixed.run({"x": np.zeros((3, 2), np.float32)})
    assert fixed.run({"x": np.ones((1, 2), np.float32)})["y"].tolist() == [[2, 2]]


def test_an_input_that_is_missing_is_named() -> None:
    with pytest.raises(RunFailed, match="input 'x' is missing"):
        _load(doubled()).run({})


def test_an_answer_does_not_depend_on_the_request_before() -> None:
    runtime = _load(remembering(), at_once=1)
    answers = [runtime.run({"x": np.array([[value]], np.float32)})["y"].item() for value in (1, 5, 1)]
    assert answers == [1, 5, 1]


@pytest.mark.parametrize("at", [0, 100, -1])
def test_D1_one_flipped_bit_is_refused_by_the_digest(at: int) -> None:
    content = bytearray(dense_softmax())
    content[at] ^= 1
    with pytest.raises(DigestMismatch, match=r"m\.tflite: its digest is .*install the release again"):
        LitertRuntime("m.tflite", bytes(content), digest_of(dense_softmax()))


def test_D1_the_digest_is_looked_at_before_the_file_is() -> None:
    with pytest.raises(DigestMismatch):
        LitertRuntime("m.tflite", with_operator(32, custom="MyOp"), digest_of(b"another"))


def test_D14_a_file_that_is_refused_says_why() -> None:
    with pytest.raises(
        CannotLoad, match=r"m\.tflite: it has operator 'MyOp', which takes code that is not in the file"
    ):
        _load(with_operator(32, custom="MyOp"))


def test_what_the_library_refuses_is_refused_without_its_words() -> None:
    with pytest.raises(CannotLoad, match=r"^m\.tflite: LiteRT cannot load it \(\w+\)$"):
        _load(with_operator(34, [0, 0]))  # a PAD by numbers with a point


def test_a_run_that_is_refused_says_nothing_of_the_input_and_the_next_one_answers() -> None:
    runtime = _load(doubled("BOOL"), at_once=1)  # there is no sum of these
    for _ in range(2):
        with pytest.raises(RunFailed, match=r"^LiteRT refused the run \(\w+\)$") as caught:
            runtime.run({"x": np.array([[True, False]])})
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_E8_an_accelerator_that_is_required_is_not_made_up_for_by_the_processor() -> None:
    providers = ["CoreMLExecutionProvider", "CPUExecutionProvider"]
    assert _load(doubled(), providers=providers).provider == "CPUExecutionProvider"
    with pytest.raises(CannotLoad, match="CoreMLExecutionProvider is required, and LiteRT runs on the processor"):
        _load(doubled(), providers=providers, require_accelerator=True)
    assert _load(doubled(), require_accelerator=True).provider == "CPUExecutionProvider"


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(CannotLoad, match=r"m\.tflite: it is run by LiteRT, .* pip install 'nearfar\[litert\]'"):
        _load(doubled())


def test_a_halt_stops_a_run_that_has_not_begun() -> None:
    runtime = _load(doubled())
    halt = runtime.new_halt()
    halt.halt()
    with pytest.raises(RunHalted):
        runtime.run({"x": np.ones((1, 2), np.float32)}, halt)
    assert runtime.run({"x": np.ones((1, 2), np.float32)}, runtime.new_halt())["y"].tolist() == [[2, 2]]


def test_a_halt_reaches_a_run_that_waits_for_an_interpreter() -> None:
    runtime = _load(doubled(), at_once=1)
    taken = runtime._take(None)
    halt = runtime.new_halt()
    ended: list[object] = []

    def run() -> None:
        try:
            ended.append(runtime.run({"x": np.ones((1, 2), np.float32)}, halt))
        except RunHalted as error:
            ended.append(error)

    waiting = threading.Thread(target=run)
    waiting.start()
    halt.halt()
    waiting.join(30)
    assert isinstance(ended[0], RunHalted)
    runtime._give_back(taken)
    assert runtime.run({"x": np.ones((1, 2), np.float32)})["y"].tolist() == [[2, 2]]


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_several_threads_share_a_model(at_once: int) -> None:
    runtime = _load(dense_softmax(), at_once=at_once)
    wanted = {rows: runtime.run({"pixels": PIXELS[:rows]})["probabilities"] for rows in (1, 2)}
    answers: list[bool] = []

    def run(rows: int) -> None:
        for _ in range(50):
            answers.append(np.array_equal(runtime.run({"pixels": PIXELS[:rows]})["probabilities"], wanted[rows]))

    threads = [threading.Thread(target=run, args=(1 + index % 2,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [True] * 200
    assert 1 <= len(runtime._idle) <= at_once


@pytest.mark.wide
def test_in_a_process_of_its_own_it_answers_as_it_does_here() -> None:
    content = quantized_dense()
    side = DeviceSide(file="m.tflite", runtime="litert", digest=digest_of(content))
    there = open_runtime(side, content, DeviceConfig(process=True))
    assert isinstance(there, ProcessRuntime)
    try:
        wanted = _load(content).run({"pixels": PIXELS * 25})["probabilities"]
        assert np.array_equal(there.run({"pixels": PIXELS * 25})["probabilities"], wanted)
        with pytest.raises(RunFailed, match="'pixels': has shape"):
            there.run({"pixels": PIXELS[:, :3]})
    finally:
        there.close()


MANIFEST = """
schema = 1
name = "tiny"
version = 1
[[inputs]]
name = "pixels"
datatype = "FP32"
shape = [-1, 4]
[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 3]
[device]
file = "small.tflite"
runtime = "litert"
digest = "{digest}"
"""


def test_a_release_that_names_LiteRT_is_run_by_it(tmp_path: Path) -> None:
    content = quantized_dense()
    (tmp_path / "small.tflite").write_bytes(content)
    (tmp_path / "manifest.toml").write_text(MANIFEST.format(digest=digest_of(content)), encoding="utf-8")
    release = load_release("tiny", tmp_path, DeviceConfig())
    assert isinstance(release.runtime, Renewable), release.why_no_runtime
    assert isinstance(release.runtime.runtime, LitertRuntime)
    assert release.runtime.run({"pixels": PIXELS})["probabilities"].shape == (2, 3)


@pytest.mark.wide
@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(dense_softmax(), "", id="the_twin_of_what_was_asked"),
        pytest.param(dense_softmax(seed=3), "it answers otherwise than its golden examples", id="another"),
    ],
)
def test_D12_a_LiteRT_model_is_tried_in_a_process_of_its_own_too(tmp_path: Path, content: bytes, why: str) -> None:
    with np.load(io.BytesIO(golden_npz())) as golden:
        np.savez(
            tmp_path / "golden.npz",
            **{
                "inputs/pixels": golden["inputs/pixels"].astype(np.float32),
                "outputs/probabilities": golden["outputs/probabilities"],
            },
        )
    digest = digest_of((tmp_path / "golden.npz").read_bytes())
    text = MANIFEST.format(digest=digest_of(content)) + f'[golden]\nfile = "golden.npz"\ndigest = "{digest}"\n'
    (tmp_path / "small.tflite").write_bytes(content)
    (tmp_path / "manifest.toml").write_text(text, encoding="utf-8")
    release = load_release("tiny", tmp_path, DeviceConfig(), Trials(tmp_path / "state"))
    assert why in release.why_no_runtime
    assert (release.runtime is None) == bool(why)
    (kept,) = VerdictBook(tmp_path / "state" / "trials.json")._read().verdicts
    assert kept.verdict.good == (not why)
    assert kept.tried.library == f"ai-edge-litert {version('ai-edge-litert')}"


def test_E8_a_LiteRT_model_falls_back_to_the_processor_and_says_so(tmp_path: Path) -> None:
    content = dense_softmax()
    (tmp_path / "small.tflite").write_bytes(content)
    (tmp_path / "manifest.toml").write_text(MANIFEST.format(digest=digest_of(content)), encoding="utf-8")
    release = load_release("tiny", tmp_path, DeviceConfig(providers=["CUDAExecutionProvider"]))
    assert release.fell_back
    assert release.why_provider == "not on CUDAExecutionProvider: this machine offers CPUExecutionProvider"


def test_a_file_of_another_runtime_than_its_release_names_is_refused(tmp_path: Path) -> None:
    content = softmax_mlp()
    (tmp_path / "small.tflite").write_bytes(content)
    (tmp_path / "manifest.toml").write_text(MANIFEST.format(digest=digest_of(content)), encoding="utf-8")
    release = load_release("tiny", tmp_path, DeviceConfig())
    assert release.runtime is None
    assert "small.tflite: it is no LiteRT file" in release.why_no_runtime


def test_what_is_closed_runs_nothing_more() -> None:
    runtime = _load(dense_softmax())
    runtime.close()
    runtime.close()
    with pytest.raises(NotReady):
        runtime.run({"pixels": PIXELS})
