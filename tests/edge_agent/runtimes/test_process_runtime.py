"""A model in a process of its own: it answers as one here does, and its end is nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from edge_agent.config import DeviceConfig
from edge_agent.runtimes import CannotLoad, Crashed, Halt, NotReady, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.opening import open_runtime
from edge_agent.runtimes.process import ProcessRuntime
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import DigestMismatch
from nearfar_wire.manifest import DeviceSide
from tests.builders.crashing import ABORTS, ANSWERS, HANGS, LAUNCH, RAISES, RUNS_ON, SEGFAULTS, SPEAKS, STARVES
from tests.builders.onnx_models import ONNX_TYPES, identity, slow, softmax_mlp
from tests.builders.tflite_models import dense_softmax
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

HERE, THERE = DeviceConfig(), DeviceConfig(process=True)


def _side(content: bytes) -> DeviceSide:
    return DeviceSide(file="m.onnx", digest=digest_of(content))


@contextmanager
def _there(content: bytes, device: DeviceConfig = THERE) -> Iterator[ProcessRuntime]:
    runtime = open_runtime(_side(content), content, device)
    assert isinstance(runtime, ProcessRuntime)
    try:
        yield runtime
    finally:
        runtime.close()
        eventually(lambda: not psutil.pid_exists(runtime.pid))


@contextmanager
def _wild(content: bytes = b"wild", device: DeviceConfig = THERE) -> Iterator[ProcessRuntime]:
    runtime = ProcessRuntime(_side(content), content, device, launch=LAUNCH)
    try:
        yield runtime
    finally:
        runtime.close()
        eventually(lambda: not psutil.pid_exists(runtime.pid))


def _asked(what: int) -> dict[str, np.ndarray]:
    return {"x": np.array([what])}


def _ends_in(
    error: type[Exception], runtime: ProcessRuntime, inputs: dict[str, np.ndarray], halt: Halt | None = None
) -> None:
    with pytest.raises(error):
        runtime.run(inputs, halt)


# -- it is like one here -----------------------------------------------------------------------------------------------


def test_it_says_and_answers_what_the_same_model_does_here() -> None:
    content, pixels = softmax_mlp(), {"pixels": np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.uint8)}
    here = open_runtime(_side(content), content, HERE)
    with _there(content) as there:
        assert (there.inputs, there.outputs, there.provider) == (here.inputs, here.outputs, here.provider)
        wanted, given = here.run(pixels), there.run(pixels)
    assert list(given) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(given[name], array)


@pytest.mark.parametrize("datatype", ["BOOL", "FP16", "INT64", "BYTES"])
def test_every_kind_of_tensor_goes_there_and_back(datatype: str) -> None:
    assert datatype in ONNX_TYPES
    x = np.array([b"a", "ü".encode(), b""], object) if datatype == "BYTES" else np.array([0, 1, 1])
    x = x if datatype == "BYTES" else x.astype({"BOOL": "?", "FP16": "f2", "INT64": "i8"}[datatype])
    with _there(identity(datatype)) as there:
        np.testing.assert_array_equal(there.run({"x": x})["y"], x)
        large = np.resize(x, 300_000)
        np.testing.assert_array_equal(there.run({"x": large})["y"], large)


def test_a_LiteRT_model_runs_there_too() -> None:
    content, pixels = dense_softmax(), {"pixels": np.array([[1, 2, 3, 4]], np.float32)}
    side = DeviceSide(file="m.tflite", digest=digest_of(content), runtime="litert")
    there = open_runtime(side, content, THERE)
    try:
        wanted = open_runtime(side, content, HERE).run(pixels)["probabilities"]
        np.testing.assert_array_equal(there.run(pixels)["probabilities"], wanted)
    finally:
        there.close()


def test_a_run_that_fails_there_fails_here_and_says_as_little() -> None:
    with _there(softmax_mlp()) as there:
        with pytest.raises(RunFailed, match=r"^onnxruntime refused the run \(InvalidArgument\)$"):
            there.run({"pixels": np.zeros((1, 77), np.uint8)})
        there.run({"pixels": np.zeros((1, 4), np.uint8)})


def test_bytes_with_another_digest_start_no_process() -> None:
    children = psutil.Process().children()
    with pytest.raises(DigestMismatch):
        open_runtime(_side(b"one"), b"another", THERE)
    assert psutil.Process().children() == children


@pytest.mark.parametrize("content", [b"no model", b""])
def test_what_cannot_be_loaded_there_is_refused_here_and_its_process_ends(content: bytes) -> None:
    # Multiprocessing keeps a child of its own as long as this process lives, once a test has made it start.
    others = set(psutil.Process().children())
    with pytest.raises(CannotLoad, match=r"^m\.onnx: it .* no ONNX model"):
        open_runtime(_side(content), content, THERE)
    eventually(lambda: set(psutil.Process().children()) <= others)


def test_as_many_runs_at_a_time_as_there_are_workers() -> None:
    with _wild(device=DeviceConfig(process=True, workers=2)) as runtime:
        halt = runtime.new_halt()
        held = threading.Thread(target=_ends_in, args=(RunHalted, runtime, _asked(RUNS_ON), halt))
        held.start()
        assert runtime.run(_asked(ANSWERS))["y"] == [runtime.pid]
        halt.halt()
        held.join(10)
        assert not held.is_alive()


def test_many_threads_get_their_own_answers() -> None:
    wrong = list[int]()
    with _there(identity("INT64")) as there:

        def ask(mine: int) -> None:
            for size in range(1, 60):
                x = np.full(size, mine * 1000 + size)
                if not np.array_equal(there.run({"x": x}, there.new_halt())["y"], x):
                    wrong.append(mine)

        threads = [threading.Thread(target=ask, args=(index,)) for index in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not wrong


def test_an_app_that_is_packed_into_one_file_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(CannotLoad, match="this program has no Python to start"):
        open_runtime(_side(b"any"), b"any", THERE)


def test_a_program_with_python_inside_is_not_started_again_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own name stands where Python's would: it was started in the place of the model's process."""
    monkeypatch.setattr(sys, "executable", "/opt/kiosk/kiosk")
    with pytest.raises(CannotLoad, match="this program has no Python to start"):
        open_runtime(_side(b"any"), b"any", THERE)


# -- its end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "name"), [(ABORTS, "SIGABRT"), (SEGFAULTS, "SIGSEGV")])
def test_a_crash_fails_every_run_under_way_and_is_told_once(what: int, name: str) -> None:
    told, ends = list[str](), list[BaseException]()
    with _wild(device=DeviceConfig(process=True, workers=2)) as runtime:
        runtime.on_end(told.append)

        def ask(what: int) -> None:
            try:
                runtime.run(_asked(what), runtime.new_halt())
            except BaseException as error:
                ends.append(error)

        held = threading.Thread(target=ask, args=(RUNS_ON,))
        held.start()
        eventually(lambda: runtime._waiting)
        ask(what)
        held.join(10)
        assert [type(error) for error in ends] == [Crashed, Crashed]
        assert told == [f"m.onnx: its process ended ({name})"]
        with pytest.raises(NotReady):
            runtime.run(_asked(ANSWERS))


def test_the_end_of_an_idle_process_is_told_even_to_who_asks_later() -> None:
    told = list[str]()
    with _wild() as runtime:
        psutil.Process(runtime.pid).kill()
        eventually(lambda: runtime._why_ended)
        runtime.on_end(told.append)
        assert told == ["m.onnx: its process ended (SIGKILL)"]


def test_a_process_that_is_closed_ends_and_is_no_crash() -> None:
    told, ends = list[str](), list[BaseException]()
    with _wild() as runtime:
        runtime.on_end(told.append)

        def ask() -> None:
            try:
                runtime.run(_asked(RUNS_ON))
            except BaseException as error:
                ends.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        eventually(lambda: runtime._waiting)
        runtime.close()
        runtime.close()
        thread.join(10)
    assert [type(error) for error in ends] == [NotReady]
    assert told == []


def test_a_crash_while_it_opens_the_model_is_told_as_one() -> None:
    with pytest.raises(Crashed, match=r"its process ended while it opened the model \(SIGABRT\)"):
        ProcessRuntime(_side(b"deadly"), b"deadly", THERE, launch=LAUNCH)
    with pytest.raises(CannotLoad, match="it is refused"):
        ProcessRuntime(_side(b"refused"), b"refused", THERE, launch=LAUNCH)


def test_what_else_goes_wrong_there_is_told_without_foreign_words() -> None:
    with _wild() as runtime:
        with pytest.raises(OutOfMemory):
            runtime.run(_asked(STARVES))
        with pytest.raises(RunFailed, match=r"^the runtime failed \(ZeroDivisionError\)$"):
            runtime.run(_asked(RAISES))
        assert runtime.run(_asked(ANSWERS))["y"] == [runtime.pid]


def test_what_a_library_prints_does_not_end_up_among_the_answers() -> None:
    with _wild() as runtime:
        assert runtime.run(_asked(SPEAKS))["y"] == [runtime.pid]
        assert runtime.run(_asked(ANSWERS))["y"] == [runtime.pid]


# -- halting -----------------------------------------------------------------------------------------------------------


def _halted_soon(runtime: ProcessRuntime, inputs: dict[str, np.ndarray]) -> None:
    halt = runtime.new_halt()
    timer = threading.Timer(0.05, halt.halt)
    timer.start()
    with pytest.raises(RunHalted):
        runtime.run(inputs, halt)
    timer.join()


def test_a_halted_run_gives_its_caller_back_and_the_process_lives_on() -> None:
    with _there(slow()) as there:
        _halted_soon(there, {"n": np.array([1 << 40])})
        assert there.run({"n": np.array([3])}, there.new_halt())["y"] == 3


def test_a_run_that_was_halted_before_it_began_does_not_begin() -> None:
    with _wild() as runtime:
        halt = runtime.new_halt()
        halt.halt()
        with pytest.raises(RunHalted):
            runtime.run(_asked(ABORTS), halt)
        assert runtime.run(_asked(ANSWERS))["y"] == [runtime.pid]


@pytest.mark.skipif(sys.platform == "win32", reason="the model of this test hangs in a POSIX call")
def test_a_process_that_does_not_let_go_of_a_halted_run_is_ended() -> None:
    told = list[str]()
    with _wild() as runtime:
        runtime.on_end(told.append)
        _halted_soon(runtime, _asked(HANGS))
        eventually(lambda: told)
        assert told == ["m.onnx: its process ended (SIGKILL)"]


@pytest.mark.skipif(sys.platform == "win32", reason="the model of this test hangs in a POSIX call")
def test_a_run_that_a_hanging_process_never_read_is_halted_too() -> None:
    """Its caller stood in the middle of writing, where nothing that is halted could reach it."""
    with _wild() as runtime:
        hanging = threading.Thread(target=_ends_in, args=(Crashed, runtime, _asked(HANGS)))
        hanging.start()
        eventually(lambda: runtime._waiting)
        _halted_soon(runtime, {"x": np.zeros(1_000_000, np.int64)})
        hanging.join(10)
        assert not hanging.is_alive()


def test_answers_that_come_as_they_are_halted_do_not_end_the_process() -> None:
    """A reply between two steps of halting would have left the process to be ended a second later."""
    with _there(identity()) as there:
        for index in range(300):
            halt = there.new_halt()
            timer = threading.Timer(index * 2e-6, halt.halt)
            timer.start()
            with suppress(RunHalted):
                there.run({"x": np.zeros(1, np.float32)}, halt)
            timer.join()
        eventually(lambda: not there._late)
        assert there.run({"x": np.zeros(1, np.float32)})["y"] == 0


# -- orphans -----------------------------------------------------------------------------------------------------------

_PARENT = """
import os, time
import numpy as np
from edge_agent.config import DeviceConfig
from edge_agent.runtimes.opening import open_runtime
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import DeviceSide
from tests.builders.onnx_models import slow

content = slow()
side = DeviceSide(file="m.onnx", digest=digest_of(content))
runtime = open_runtime(side, content, DeviceConfig(process=True))
{more}
print(runtime.pid, flush=True)
runtime.run({{"n": np.array([1 << 40])}})
"""


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("", id="alone"),
        # A fork keeps what its parent had open, and would have kept the process alive.
        pytest.param(
            "fork = os.fork()\nif not fork:\n    time.sleep(60)\n    os._exit(0)\nprint(fork)", id="with_a_fork"
        ),
    ],
)
def test_no_process_outlives_an_app_that_was_killed(more: str) -> None:
    if "fork" in more and not hasattr(os, "fork"):
        pytest.skip("no fork here")
    code = _PARENT.format(more=more)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    app = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
    assert app.stdout is not None
    pids = [int(app.stdout.readline()) for _ in range(2 if more else 1)]
    assert psutil.pid_exists(pids[-1])
    app.kill()
    app.wait(10)
    app.stdout.close()
    try:
        eventually(lambda: not psutil.pid_exists(pids[-1]))
    finally:
        if more:
            psutil.Process(pids[0]).kill()


def test_what_lies_in_the_apps_folder_is_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app's own router.py stopped the process from starting."""
    (tmp_path / "router.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    with _there(identity()) as there:
        assert there.run({"x": np.zeros(1, np.float32)})["y"] == 0
