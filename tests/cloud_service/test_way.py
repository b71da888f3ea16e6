from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from cloud_service.backend import Array
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.batching.profile import Profile
from cloud_service.observer import Unobserved
from cloud_service.repository.serving import Batching, Instances, Serving
from cloud_service.servable import Servable, form_of
from cloud_service.way import is_light, way_of
from cloud_service.workers import Workers
from tests.builders.backends import EchoBackend, HeldBackend
from tests.builders.onnx_models import softmax_mlp
from tests.builders.waiting import eventually


@pytest.mark.parametrize(
    ("batches", "of_the_service", "of_the_model", "together"),
    [
        pytest.param(True, True, None, True, id="as measured"),
        pytest.param(True, False, None, False, id="off in the service"),
        pytest.param(True, False, True, True, id="the model's file has the last word"),
        pytest.param(True, True, False, False, id="both ways"),
        pytest.param(False, True, True, False, id="but cannot make rows of what has none"),
    ],
)
def test_whether_calls_run_together(
    batches: bool, of_the_service: bool, of_the_model: bool | None, together: bool
) -> None:
    sizes = _sizes_of_calls(
        Profile(batches=batches, max_batch=8), Serving(batching=Batching(enabled=of_the_model)), of_the_service
    )
    assert (max(sizes) > 1) is together


@pytest.mark.parametrize(
    ("preferred", "sizes"),
    [
        pytest.param((), [1, 2, 2], id="as measured"),
        pytest.param((4,), [1, 4], id="what the operator prefers is sent whole"),
    ],
)
def test_how_many_run_together_while_urgent_calls_come(preferred: tuple[int, ...], sizes: list[int]) -> None:
    profile = Profile(batches=True, max_batch=8, max_beside_urgent=2)
    serving = Serving(batching=Batching(preferred=preferred))
    assert _sizes_of_calls(profile, serving, True, ranks=(1, 2, 2, 2, 2)) == sizes


def test_a_model_has_no_more_runs_at_once_than_its_file_says() -> None:
    held = HeldBackend()
    servable = Servable("m", 1, "sha256:1", held, form_of(None, held), serving=Serving(instances=Instances(runs=1)))
    workers = Workers(threads=2)

    async def main() -> None:
        lane = way_of(servable, workers, Unobserved(), batching=True).lane
        x = {"x": np.ones(1, np.float32)}
        loop = asyncio.get_running_loop()
        passages = [lane.enter(x, ["y"], rank=1, deadline=loop.time() + 10) for _ in range(2)]
        await asyncio.to_thread(eventually, lambda: held.running == 1)
        assert (lane.waiting, workers.free) == (1, 1)
        held.go.set()
        await asyncio.gather(*(passage.outputs() for passage in passages))

    asyncio.run(main())
    assert workers.close(within_s=10)


def test_sessions_and_threads_are_as_the_models_file_says() -> None:
    backend = OnnxBackend(softmax_mlp(), Instances(threads_per_run=2, sessions=3))
    sessions = [backend.new_run()._session for _ in range(6)]
    assert len({id(session) for session in sessions}) == 3
    assert {session.get_session_options().intra_op_num_threads for session in sessions} == {2}


@pytest.mark.parametrize(
    ("outputs", "light"),
    [
        pytest.param(np.zeros(1000, np.float32), True, id="numbers"),
        pytest.param(np.zeros(1 << 20, np.float32), False, id="many numbers"),
        pytest.param(np.array([b"a"] * 100, object), True, id="some texts"),
        pytest.param(np.array([b"a"] * 1000, object), False, id="a thousand texts"),
    ],
)
def test_only_what_is_quickly_written_is_written_in_the_loop(outputs: Array, light: bool) -> None:
    assert is_light({"y": outputs}) is light


def _sizes_of_calls(
    profile: Profile, serving: Serving, batching: bool, *, ranks: tuple[int, ...] = (1, 1, 1)
) -> list[int]:
    """Ask some times, the others while the only thread is busy, and return how many rows each run had."""
    sizes: list[int] = []
    go = threading.Event()

    def compute(x: Array) -> Array:
        sizes.append(len(x))
        assert go.wait(10)
        return x

    backend = EchoBackend(compute=compute)
    servable = Servable("m", 1, "sha256:1", backend, form_of(None, backend), profile=profile, serving=serving)
    workers = Workers(threads=1)

    async def main() -> None:
        lane = way_of(servable, workers, Unobserved(), batching=batching).lane
        x = {"x": np.ones(1, np.float32)}
        loop = asyncio.get_running_loop()
        passages = [lane.enter(x, ["y"], rank=rank, deadline=loop.time() + 10) for rank in ranks]
        await asyncio.to_thread(eventually, lambda: sizes)
        go.set()
        await asyncio.gather(*(passage.outputs() for passage in passages))

    asyncio.run(main())
    assert workers.close(within_s=10)
    return sizes
