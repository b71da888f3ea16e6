from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence

import numpy as np
import pytest

from cloud_service.backend import Array, Backend, Run
from cloud_service.batching.lane import Lane
from cloud_service.batching.planner import Rules
from cloud_service.batching.timing import Timing
from cloud_service.errors import DeadlineExceeded, InvalidInput, RunFailed
from cloud_service.observer import Unobserved
from cloud_service.workers import Workers
from tests.builders.backends import EchoBackend, HeldBackend
from tests.builders.waiting import eventually


class _Gated(EchoBackend):
    """Each run notes its rows and waits to be let go; runs that hold 13 are refused, those that hold 666 fail."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.sizes: list[int] = []

    def new_run(self) -> Run:
        return _GatedRun(self)

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        pass


class _GatedRun:
    def __init__(self, backend: _Gated) -> None:
        self._backend = backend

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        x = tensors["x"]
        self._backend.sizes.append(len(x))
        assert self._backend.go.wait(10)
        if 13 in x:
            raise InvalidInput("thirteen")
        if 666 in x:
            raise RunFailed
        return dict.fromkeys(outputs, x * 2)

    def stop(self) -> None:
        pass


def _with_lane(
    main: Callable[[Lane], Coroutine[None, None, None]],
    backend: Backend,
    *,
    rules: Rules = Rules(max_batch=8),  # noqa: B008 - frozen
    run_s_of: Mapping[int, float] | None = None,
    threads: int = 1,
) -> None:
    workers = Workers(threads=threads)

    async def run() -> None:
        timing = Timing(run_s_of or {})
        await main(Lane("m", backend, workers, Unobserved(), rules=rules, timing=timing, runs=threads, stacks=True))

    try:
        asyncio.run(run())
    finally:
        assert workers.close(within_s=10)


async def _ask(lane: Lane, *values: float, outputs: Sequence[str] = ("y",), left_s: float = 10) -> list[float]:
    x = {"x": np.array(values, np.float32)}
    passage = lane.enter(x, outputs, rank=1, deadline=time.monotonic() + left_s)
    answer = await passage.outputs()
    return [float(value) for value in answer["y"]]


async def _until(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, condition)


def test_calls_that_waited_run_together_and_each_gets_its_own_rows() -> None:
    backend = _Gated()

    async def main(lane: Lane) -> None:
        first = asyncio.create_task(_ask(lane, 0))
        await _until(lambda: backend.sizes == [1])
        others = [asyncio.create_task(_ask(lane, *range(n))) for n in (1, 2, 3)]
        await _until(lambda: lane.waiting == 3)
        backend.go.set()
        assert await asyncio.gather(first, *others) == [[0], [0], [0, 2], [0, 2, 4]]
        assert backend.sizes == [1, 6]

    _with_lane(main, backend)


@pytest.mark.parametrize(("bad", "error"), [(13, InvalidInput), (666, RunFailed)], ids=["refused", "failed"])
def test_one_call_that_fails_does_not_fail_its_mates(bad: int, error: type[Exception]) -> None:
    backend = _Gated()

    async def main(lane: Lane) -> None:
        first = asyncio.create_task(_ask(lane, 0))
        await _until(lambda: backend.sizes == [1])
        others = [asyncio.create_task(_ask(lane, value)) for value in (1, bad, 3)]
        await _until(lambda: lane.waiting == 3)
        backend.go.set()
        results = await asyncio.gather(first, *others, return_exceptions=True)
        assert [results[0], results[1], results[3]] == [[0], [2], [6]]
        assert isinstance(results[2], error)
        assert backend.sizes == [1, 3, 1, 1, 1]

    _with_lane(main, backend)


def test_who_is_gone_before_its_run_is_not_run() -> None:
    backend = _Gated()

    async def main(lane: Lane) -> None:
        first = asyncio.create_task(_ask(lane, 0))
        await _until(lambda: backend.sizes == [1])
        others = [asyncio.create_task(_ask(lane, value)) for value in (1, 2)]
        await _until(lambda: lane.waiting == 2)
        others[0].cancel()
        await _until(lambda: lane.waiting == 1)
        backend.go.set()
        assert await first == [0]
        assert await others[1] == [4]
        assert backend.sizes == [1, 1]

    _with_lane(main, backend)


def test_a_batch_ends_when_the_last_of_its_callers_is_gone_and_not_before() -> None:
    held = HeldBackend()

    async def main(lane: Lane) -> None:
        blocker = asyncio.create_task(_ask(lane, 0))
        await _until(lambda: held.running == 1)
        pair = [asyncio.create_task(_ask(lane, value)) for value in (1, 2)]
        await _until(lambda: lane.waiting == 2)
        blocker.cancel()
        await _until(lambda: held.running == 1 and lane.waiting == 0)
        pair[0].cancel()
        await asyncio.gather(pair[0], return_exceptions=True)
        assert held.stopped == 1, "the blocker's"
        pair[1].cancel()
        await _until(lambda: held.stopped == 2 and not lane.busy)

    _with_lane(main, held)


def test_a_call_that_is_late_in_the_queue_is_told_at_its_deadline_and_leaves() -> None:
    backend = _Gated()

    async def main(lane: Lane) -> None:
        first = asyncio.create_task(_ask(lane, 0))
        await _until(lambda: backend.sizes == [1])
        with pytest.raises(DeadlineExceeded):
            await _ask(lane, 1, left_s=0.02)
        assert lane.waiting == 0
        backend.go.set()
        assert await first == [0]
        assert backend.sizes == [1]

    _with_lane(main, backend)


def test_a_call_that_would_be_late_is_refused_without_a_run_and_the_doubt_about_that_is_bounded() -> None:
    backend = EchoBackend()

    async def main(lane: Lane) -> None:
        with pytest.raises(DeadlineExceeded):
            await _ask(lane, 1, left_s=5)
        for _ in range(20):
            try:
                answer = await _ask(lane, 1, left_s=5)
            except DeadlineExceeded:
                continue
            assert answer == [1]
            return
        raise AssertionError("nobody tried whether it still takes so long")

    _with_lane(main, backend, run_s_of={1: 20})


def test_a_call_whose_inputs_disagree_about_its_rows_runs_alone() -> None:
    backend = _Gated()

    async def main(lane: Lane) -> None:
        first = asyncio.create_task(_ask(lane, 0))
        await _until(lambda: backend.sizes == [1])
        others = [asyncio.create_task(_ask(lane, *values)) for values in ((), (1,), ())]
        await _until(lambda: lane.waiting == 3)
        backend.go.set()
        assert await asyncio.gather(first, *others) == [[0], [], [2], []]
        assert sorted(backend.sizes[1:]) == [0, 0, 1]

    _with_lane(main, backend)


def test_a_delay_lets_a_call_wait_for_a_mate() -> None:
    backend = _Gated()
    backend.go.set()

    async def main(lane: Lane) -> None:
        assert list(await asyncio.gather(_ask(lane, 1), _ask(lane, 2))) == [[2], [4]]
        assert backend.sizes == [2]
        assert await _ask(lane, 3) == [6], "alone, once the delay is over"

    _with_lane(main, backend, rules=Rules(max_batch=2, max_queue_delay_s=0.05), threads=2)
