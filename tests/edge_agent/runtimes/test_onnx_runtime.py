"""Models on onnxruntime: from verified bytes, on named providers, and its words never reach an app."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge_agent.runtimes import CannotLoad, NotReady, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.onnx import OnnxRuntime
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import DigestMismatch
from tests.builders.onnx_models import ONNX_TYPES, external_weights, gather, identity, slow, softmax_mlp, zeros


def _load(content: bytes, **more: object) -> OnnxRuntime:
    return OnnxRuntime("m.onnx", content, digest_of(content), **more)  # type: ignore[arg-type]


def test_what_it_takes_and_gives_is_told_as_tensors() -> None:
    runtime = _load(softmax_mlp())
    assert [str(spec) for spec in runtime.inputs] == ["'pixels' UINT8 [-1, 4]"]
    assert [str(spec) for spec in runtime.outputs] == ["'probabilities' FP32 [-1, 3]", "'logits' FP32 [-1, 3]"]
    assert runtime.provider == "CPUExecutionProvider"


@pytest.mark.parametrize("datatype", [name for name in ONNX_TYPES if name != "BYTES"])
def test_every_number_goes_through(datatype: str) -> None:
    dtypes = {"BOOL": "?", "FP16": "f2", "FP32": "f4", "FP64": "f8"}
    given = np.array([0, 1], dtypes.get(datatype, datatype.lower()))
    answered = _load(identity(datatype)).run({"x": given})["y"]
    assert (answered.dtype, list(answered)) == (given.dtype, [0, 1])


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(np.array([[b"a", "ü".encode()]], object), id="bytes"),
        pytest.param(np.array([["a", "ü"]], object), id="text"),
        pytest.param(np.array([["a", "ü"]]), id="text_of_numpys"),
    ],
)
def test_bytes_go_in_as_the_text_they_are_and_come_back_as_bytes(given: np.ndarray) -> None:
    """The model was given "b'a'", the way Python shows bytes."""
    answered = _load(identity("BYTES", ("n", "m"))).run({"x": given})["y"]
    assert answered.tolist() == [[b"a", "ü".encode()]]


def test_bytes_that_are_no_text_are_refused_without_being_quoted() -> None:
    with pytest.raises(RunFailed, match="input 'x' holds an element that is not UTF-8") as caught:
        _load(identity("BYTES")).run({"x": np.array([b"secret\xff"], object)})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("at", [0, 100, -1])
def test_D1_one_flipped_bit_is_refused_by_the_digest(at: int) -> None:
    content = bytearray(softmax_mlp())
    content[at] ^= 1
    with pytest.raises(DigestMismatch, match=r"m\.onnx: its digest is .*install the release again"):
        OnnxRuntime("m.onnx", bytes(content), digest_of(softmax_mlp()))


@pytest.mark.parametrize("cut", range(0, 300, 23))
def test_a_damaged_model_with_the_right_digest_loads_or_is_refused_and_says_nothing_of_itself(cut: int) -> None:
    content = softmax_mlp()
    damaged = content[:cut] + bytes(8) + content[cut + 8 :]
    try:
        _load(damaged)
    except CannotLoad as error:
        assert str(error).startswith("m.onnx: ")  # noqa: PT017  # some damage is none to onnxruntime


@pytest.mark.parametrize("name", [b"x", b"axis"])
def test_a_name_that_is_no_text_is_refused(name: bytes) -> None:
    """onnxruntime loads such a model, and its bindings fail when they are asked for the name: no agent started."""
    content = identity(shape=("axis",))
    for field in (b"\x0a", b"\x12"):
        named = field + bytes([len(name)])
        content = content.replace(named + name, named + name[:-1] + b"\xff")
    with pytest.raises(CannotLoad, match=r"m\.onnx: the name of an input, an output or an axis is not UTF-8"):
        _load(content)


def test_D13_weights_outside_the_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(bytes(8))
    for location in ("w", "../w", str(tmp_path / "w")):
        with pytest.raises(CannotLoad, match=r"m\.onnx: tensor 'w' lies outside the file"):
            _load(external_weights(location))


def test_a_run_that_is_refused_says_nothing_of_the_input() -> None:
    with pytest.raises(RunFailed) as caught:
        _load(gather()).run({"x": np.array([123456], np.int64)})
    assert "123456" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_run_that_wants_more_memory_than_there_is_says_so() -> None:
    with pytest.raises(OutOfMemory):
        _load(zeros()).run({"n": np.array([2**45], np.int64)})  # 128 TiB, more than a process can address


def test_a_run_is_halted_from_another_thread_and_the_next_one_is_not() -> None:
    runtime = _load(slow())
    halt = runtime.new_halt()
    threading.Timer(0.05, halt.halt).start()
    began = time.monotonic()
    with pytest.raises(RunHalted):
        runtime.run({"n": np.array([2**40], np.int64)}, halt)
    assert time.monotonic() - began < 5
    assert runtime.run({"n": np.array([3], np.int64)}, runtime.new_halt())["y"] == 3


def test_a_run_that_was_halted_before_it_began_does_not_begin() -> None:
    runtime = _load(slow())
    halt = runtime.new_halt()
    halt.halt()
    with pytest.raises(RunHalted):
        runtime.run({"n": np.array([2**40], np.int64)}, halt)


def test_E8_a_provider_that_is_missing_is_made_up_for_by_the_processor_unless_it_is_required() -> None:
    providers = ["NoSuchExecutionProvider", "CPUExecutionProvider"]
    assert _load(identity(), providers=providers).provider == "CPUExecutionProvider"
    assert _load(identity(), providers=providers[:1]).provider == "CPUExecutionProvider"
    with pytest.raises(CannotLoad, match="NoSuchExecutionProvider is required and this machine offers"):
        _load(identity(), providers=providers, require_accelerator=True)


def test_a_provider_that_calls_out_by_itself_is_never_on_the_list() -> None:
    with pytest.raises(CannotLoad, match="may call remote endpoints"):
        _load(identity(), providers=["CPUExecutionProvider", "AzureExecutionProvider"])
    assert "AzureExecutionProvider" not in _load(identity())._session.get_providers()


def test_several_threads_share_a_session() -> None:
    runtime = _load(softmax_mlp())
    pixels = np.array([[1, 2, 3, 4]], np.uint8)
    wanted = runtime.run({"pixels": pixels})["probabilities"]
    answers: list[object] = []

    def run() -> None:
        for _ in range(50):
            answers.append(np.array_equal(runtime.run({"pixels": pixels})["probabilities"], wanted))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 200


def test_what_is_closed_runs_nothing_more() -> None:
    runtime = _load(softmax_mlp())
    runtime.close()
    runtime.close()
    with pytest.raises(NotReady):
        runtime.run({"pixels": np.zeros((1, 4), np.uint8)})
