"""The keeper carries out what standing.py decides, counts it, says it once, and tells those who decide."""

from __future__ import annotations

import threading

import pytest

from edge_agent.runtimes import CannotLoad, Crashed, LocalRuntime
from edge_agent.runtimes.renewable import Renewable
from edge_agent.runtimes.standing import Trouble
from edge_agent.testing import FakeClock, FakeRuntime
from tests.builders.keepers import Kept, kept
from tests.builders.scenes import answering
from tests.builders.waiting import eventually


class _Opening:
    """Opens fake models; `fails` are what it raises instead, one after the other."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.on_cpu: list[bool] = []
        self.may_open = threading.Event()
        self.may_open.set()

    def __call__(self, on_cpu: bool) -> LocalRuntime:
        assert self.may_open.wait(10)
        self.on_cpu.append(on_cpu)
        if self.fails:
            raise self.fails.pop(0)
        return FakeRuntime(answering(1, 0, 0))


def _kept(opening: _Opening, clock: FakeClock, *, accelerated: bool = False) -> tuple[Kept, Renewable]:
    runtime = Renewable(FakeRuntime(answering(1, 0, 0)), opening, accelerated=accelerated)
    return kept(runtime, clock), runtime


def _told(keeper: Kept) -> dict[tuple[str, str], int]:
    return {(trouble, remedy): n for (_, trouble, remedy), n in keeper.metrics.counts().device_troubles.items()}


def test_a_run_out_of_memory_has_the_model_opened_anew_once_and_then_put_out(caplog: pytest.LogCaptureFixture) -> None:
    clock, opening = FakeClock(), _Opening()
    keeper, runtime = _kept(opening, clock)
    first = runtime.runtime
    keeper.troubled(Trouble.OUT_OF_MEMORY, keeper.standing.epoch)
    eventually(lambda: runtime.runtime is not None and runtime.runtime is not first)
    keeper.troubled(Trouble.OUT_OF_MEMORY, keeper.standing.epoch)
    eventually(lambda: runtime.runtime is None)
    assert _told(keeper) == {("out_of_memory", "open_anew"): 1, ("out_of_memory", "put_out"): 1}
    assert keeper.rests == [("tiny", clock() + 30, "its model ran out of memory and is out of use for a while")]
    assert [record.message for record in caplog.records] == [
        "model tiny ran out of memory; it is opened anew",
        "model tiny ran out of memory; it is out of use for 30 s",
    ]
    assert keeper.out_s() == 30


def test_a_model_that_comes_back_is_opened_by_the_first_request_and_tried_by_the_next() -> None:
    clock, opening = FakeClock(), _Opening()
    keeper, runtime = _kept(opening, clock)
    for _ in range(2):
        keeper.troubled(Trouble.RUNAWAY, keeper.standing.epoch)
    eventually(lambda: runtime.runtime is None)
    assert not keeper.admit()
    clock.advance(30.0)
    opening.may_open.clear()
    assert [keeper.admit() for _ in range(20)] == [False] * 20
    opening.may_open.set()
    eventually(lambda: runtime.runtime is not None)
    assert opening.on_cpu == [False], "opened more than once"
    assert keeper.admit()
    assert not keeper.admit(), "one run at a time"
    keeper.ended(keeper.standing.epoch, 0.001)
    keeper.let_go()
    assert keeper.rests[-1] == ("tiny", None, "")
    assert (keeper.out_s(), keeper.why, keeper.admit()) == (0.0, "", True)


def test_a_crash_loop_is_ended_on_the_processor_and_then_put_out() -> None:
    clock, opening = FakeClock(), _Opening()
    keeper, runtime = _kept(opening, clock, accelerated=True)
    for turn in range(7):
        keeper.troubled(Trouble.CRASH, keeper.standing.epoch)
        eventually(lambda turn=turn: len(opening.on_cpu) == turn + 1 and runtime.runtime is not None)
    keeper.troubled(Trouble.CRASH, keeper.standing.epoch)
    eventually(lambda: runtime.runtime is None)
    assert opening.on_cpu == [False] * 3 + [True] * 4
    assert _told(keeper) == {("crash", "open_anew"): 6, ("crash", "open_on_cpu"): 1, ("crash", "put_out"): 1}


def test_a_process_that_dies_while_it_opens_the_model_is_a_crash_like_any_other() -> None:
    clock, opening = FakeClock(), _Opening(Crashed("died"), Crashed("died"))
    keeper, runtime = _kept(opening, clock)
    keeper.troubled(Trouble.CRASH, keeper.standing.epoch)
    eventually(lambda: len(opening.on_cpu) == 3 and runtime.runtime is not None)
    assert _told(keeper) == {("crash", "open_anew"): 3}


def test_a_model_that_cannot_be_opened_anew_is_put_out_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    clock, opening = FakeClock(), _Opening(CannotLoad("small.onnx cannot be read"))
    keeper, _ = _kept(opening, clock)
    keeper.troubled(Trouble.OUT_OF_MEMORY, keeper.standing.epoch)
    eventually(lambda: keeper.rests)
    eventually(lambda: "could not be opened anew (small.onnx cannot be read)" in caplog.text)
    assert _told(keeper) == {("out_of_memory", "open_anew"): 1, ("cannot_open", "put_out"): 1}


def test_a_stopped_run_counts_only_where_it_took_far_longer_than_those_that_ended() -> None:
    keeper, _ = _kept(_Opening(), FakeClock())
    keeper.ended(0, 0.5)
    assert keeper.notable_s == 0.5
    assert [keeper.stopped(0, taken_s) for taken_s in (1.0, 6.0)] == [False, True]
    assert keeper.notable_s < 0, "the next run that ends has something to say"
    keeper.ended(0, 0.1)
    assert keeper.notable_s == 0.5


def test_a_closed_keeper_opens_nothing() -> None:
    clock, opening = FakeClock(), _Opening()
    keeper, runtime = _kept(opening, clock)
    keeper.close()
    keeper.close()
    keeper.troubled(Trouble.CRASH, keeper.standing.epoch)
    assert (runtime.runtime, opening.on_cpu, _told(keeper)) == (None, [], {})
