"""Whether a lone call gets a session of all cores: asked for, or worth it; and never beside another run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cloud_service.backend import Array, Backend
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.batching.profile import Profile
from cloud_service.errors import RunFailed
from cloud_service.observer import Unobserved
from cloud_service.repository.load import load
from cloud_service.repository.lone import open_lone
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Instances, Serving
from cloud_service.servable import Servable, form_of
from cloud_service.way import way_of
from cloud_service.workers import Workers
from tests.builders.backends import EchoBackend, HeldBackend
from tests.builders.onnx_models import softmax_mlp
from tests.builders.repositories import write_repository
from tests.builders.waiting import eventually

SAMPLE = {"x": np.ones(1, np.float32)}


class _Hand:
    """A clock that runs of a model move on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def model(self, seconds: float) -> EchoBackend:
        def compute(x: Array) -> Array:
            self.now += seconds
            return x

        return EchoBackend(compute=compute)


def _opened(
    lone_s: float, beside_s: float, instances: Instances, *, threads: int = 2, sample: bool = True
) -> tuple[Backend | None, list[Instances]]:
    hand, asked = _Hand(), []
    lone = hand.model(lone_s)

    def open_backend(wanted: Instances) -> Backend:
        asked.append(wanted)
        return lone

    made = open_lone(
        open_backend, hand.model(beside_s), instances, SAMPLE if sample else None, threads=threads, clock=hand
    )
    assert made in (None, lone)
    return made, asked


@pytest.mark.parametrize(
    ("lone_s", "beside_s", "there"),
    [
        pytest.param(0.006, 0.010, True, id="two fifths quicker"),
        pytest.param(0.0079, 0.010, True, id="a fifth"),
        pytest.param(0.0085, 0.010, False, id="less than a fifth"),
        pytest.param(0.012, 0.010, False, id="slower"),
        pytest.param(0.0006, 0.001, False, id="too quick to be worth a copy"),
    ],
)
def test_where_nobody_said_it_is_there_if_it_makes_a_lone_run_a_fifth_quicker(
    lone_s: float, beside_s: float, there: bool
) -> None:
    made, asked = _opened(lone_s, beside_s, Instances())
    assert (made is not None) is there
    assert asked == [Instances(threads_per_run=2)]


@pytest.mark.parametrize(
    ("instances", "threads", "there"),
    [
        pytest.param(Instances(lone_threads=0), 2, False, id="not wanted"),
        pytest.param(Instances(), 1, False, id="no thread to spare"),
        pytest.param(Instances(threads_per_run=2), 2, False, id="runs have as many anyhow"),
        pytest.param(Instances(lone_threads=3), 1, True, id="asked for, so neither measured nor counted"),
    ],
)
def test_what_is_said_holds(instances: Instances, threads: int, there: bool) -> None:
    made, asked = _opened(0.01, 0.01, instances, threads=threads)
    assert (made is not None) is there
    assert asked == ([Instances(threads_per_run=3)] if there else [])


def test_a_model_whose_inputs_nobody_knows_gets_one_only_if_asked_for() -> None:
    assert _opened(0.001, 0.01, Instances(), sample=False)[0] is None
    assert _opened(0.001, 0.01, Instances(lone_threads=2), sample=False)[0] is not None


def test_one_that_fails_is_not_used() -> None:
    def fail(_: Array) -> Array:
        raise RunFailed

    made = open_lone(lambda _: EchoBackend(compute=fail), EchoBackend(), Instances(), SAMPLE, threads=2)
    assert made is None


@pytest.mark.parametrize(("said", "wanted"), [(0, None), (2, 2)])
def test_its_threads_are_as_the_models_file_says(tmp_path: Path, said: int, wanted: int | None) -> None:
    write_repository(tmp_path, {"tiny": {1: softmax_mlp()}}, {})
    serving = Serving(instances=Instances(lone_threads=said))
    lone = load(OnnxBackend, Found("tiny", 1, tmp_path / "tiny" / "1"), serving, threads=2).lone
    threads = None if lone is None else lone.new_run()._session.get_session_options().intra_op_num_threads  # type: ignore[attr-defined]
    assert threads == wanted


def _in_a_lane(main: Callable[[HeldBackend, HeldBackend, Callable[[], object]], object]) -> None:
    """Run `main` with a model that runs beside others, the same for lone calls, and what enters a call."""
    beside, lone = HeldBackend(), HeldBackend()
    servable = Servable("m", 1, "sha256:1", beside, form_of(None, beside), profile=Profile(), lone=lone)
    workers = Workers(threads=2)

    async def run() -> None:
        lane = way_of(servable, workers, Unobserved(), batching=True).lane
        loop = asyncio.get_running_loop()
        passages = []

        def enter() -> object:
            passages.append(lane.enter(SAMPLE, ["y"], rank=1, deadline=loop.time() + 10))
            return passages[-1]

        await asyncio.to_thread(lambda: None)
        await main(beside, lone, enter)  # type: ignore[misc]
        beside.go.set()
        lone.go.set()
        await asyncio.gather(*(passage.outputs() for passage in passages))

    asyncio.run(run())
    assert workers.close(within_s=10)


def test_a_call_beside_which_nothing_runs_has_all_cores_and_the_next_one_has_its_own() -> None:
    async def main(beside: HeldBackend, lone: HeldBackend, enter: Callable[[], object]) -> None:
        enter()
        await asyncio.to_thread(eventually, lambda: lone.running == 1)
        enter()
        await asyncio.to_thread(eventually, lambda: beside.running == 1)
        assert lone.running == 1

    _in_a_lane(main)


def test_a_copy_that_is_asked_for_is_counted_and_one_that_is_not_is_not() -> None:
    assert Instances(sessions=2, lone_threads=4).copies == 3
    assert Instances(sessions=2).copies == 2
    assert Instances(sessions=2, lone_threads=0).copies == 2
    assert Instances(threads_per_run=4, lone_threads=4).copies == 1
