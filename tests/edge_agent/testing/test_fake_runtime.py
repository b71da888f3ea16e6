from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from edge_agent.runtimes import RunFailed, RunHalted
from edge_agent.testing import FakeClock, FakeRuntime
from tests.builders.waiting import eventually

_X = {"x": np.array([[3.0, 4.0]], np.float32)}


def test_it_gives_fixed_outputs_as_floats_of_32_bits() -> None:
    outputs = FakeRuntime({"p": [[0.25, 0.75]]}).run(_X)
    assert outputs["p"].dtype == np.float32
    assert outputs["p"].tolist() == [[0.25, 0.75]]


def test_arrays_keep_their_type() -> None:
    assert FakeRuntime({"n": np.array([7], np.int64)}).run(_X)["n"].dtype == np.int64


def test_it_gives_what_a_function_makes_of_the_inputs_and_the_function_may_be_replaced() -> None:
    runtime = FakeRuntime(lambda inputs: {"p": inputs["x"] * 2})
    assert runtime.run(_X)["p"].tolist() == [[6.0, 8.0]]
    runtime.answer = lambda inputs: {"p": inputs["x"] * 3}
    assert runtime.run(_X)["p"].tolist() == [[9.0, 12.0]]
    assert runtime.runs == 2


def test_a_function_may_fail_as_a_runtime_does() -> None:
    def fail(_: object) -> dict[str, object]:
        raise RunFailed("no memory")

    with pytest.raises(RunFailed, match="no memory"):
        FakeRuntime(fail).run(_X)


def test_a_held_run_ends_when_it_is_let_go() -> None:
    runtime = FakeRuntime({"p": [1.0]})
    runtime.hold()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(runtime.run, _X)
        eventually(lambda: runtime.running == 1)
        assert not run.done()
        runtime.let_go()
        assert run.result(10)["p"].tolist() == [1.0]
    assert runtime.running == 0


def test_a_held_run_ends_when_it_is_halted_and_a_halt_stops_that_run_alone() -> None:
    runtime = FakeRuntime({"p": [1.0]})
    runtime.hold()
    halted, other = runtime.new_halt(), runtime.new_halt()
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(runtime.run, _X, halted), pool.submit(runtime.run, _X, other)]
        eventually(lambda: runtime.running == 2)
        halted.halt()
        with pytest.raises(RunHalted):
            runs[0].result(10)
        assert not runs[1].done()
        runtime.let_go()
        assert runs[1].result(10)["p"].tolist() == [1.0]


def test_a_clock_moves_when_it_is_told_to() -> None:
    clock = FakeClock()
    before = clock()
    assert clock() == before
    clock.advance(2.5)
    assert clock() == before + 2.5
