from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine

import numpy as np
import pytest

from cloud_service.backend import Backend
from cloud_service.catalogue import LOADING, Catalogue
from cloud_service.errors import DeadlineExceeded, Draining, InvalidInput, ModelNotFound, Overloaded, RunFailed
from cloud_service.exchange import InferAnswer, InferCall
from cloud_service.load import Crowd
from cloud_service.servable import Servable, form_of
from cloud_service.service import Service
from cloud_service.workers import Workers
from nearfar_wire.errors import TensorError
from nearfar_wire.specs import TensorSpec
from tests.builders.backends import EchoBackend, HeldBackend, RaisingBackend
from tests.builders.gates import open_gate_of
from tests.builders.waiting import eventually

_X = {"x": np.array([1, 2], np.float32)}


def _as_it_is(answer: InferAnswer) -> InferAnswer:
    return answer


def _with_service(
    main: Callable[[Service], Coroutine[None, None, None]],
    *backends: Backend,
    longest_call_s: float = 10,
    now: float | None = None,
) -> None:
    """Run `main` on a service whose model m has one version a backend, numbered from 1."""
    catalogue = Catalogue()
    for version, backend in enumerate(backends, start=1):
        catalogue.put("m", version, Servable("m", version, f"sha256:{version}", backend, form_of(None, backend)))
    workers = Workers(threads=1)
    gate = open_gate_of(4)
    try:
        if now is None:
            service = Service(catalogue, workers, gate=gate, longest_call_s=longest_call_s)
        else:
            service = Service(catalogue, workers, gate=gate, longest_call_s=longest_call_s, now=lambda: now)
        asyncio.run(main(service))
    finally:
        assert workers.close(within_s=10)


def test_an_answer_says_which_version_and_file_it_is_from() -> None:
    async def main(service: Service) -> None:
        answer = await service.infer(InferCall("m", lambda: _X), _as_it_is)
        assert (answer.model, answer.version, answer.digest) == ("m", "2", "sha256:2")
        assert answer.outputs["y"].tolist() == [1, 2]
        older = await service.infer(InferCall("m", lambda: _X, version="1"), _as_it_is)
        assert (older.version, older.digest) == ("1", "sha256:1")

    _with_service(main, EchoBackend(), EchoBackend())


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(InferCall("n", lambda: _X), ModelNotFound, id="unknown model"),
        pytest.param(InferCall("m", lambda: _X, version="9"), ModelNotFound, id="unknown version"),
        pytest.param(InferCall("m" * 129, lambda: _X), InvalidInput, id="name too long"),
        pytest.param(InferCall("m", lambda: _X, version="1" * 129), InvalidInput, id="version too long"),
        pytest.param(InferCall("m", lambda: _X, outputs=lambda: ["z"]), InvalidInput, id="unknown output"),
        pytest.param(InferCall("m", dict), TensorError, id="missing input"),
        pytest.param(InferCall("m", lambda: _X | {"z": _X["x"]}), TensorError, id="extra input"),
        pytest.param(InferCall("m", lambda: {"x": np.array([1, 2])}), TensorError, id="wrong datatype"),
        pytest.param(InferCall("m", lambda: {"x": np.ones((1, 1), np.float32)}), TensorError, id="wrong rank"),
    ],
)
def test_a_call_that_contradicts_the_contract_is_refused(call: InferCall, error: type[Exception]) -> None:
    async def main(service: Service) -> None:
        with pytest.raises(error):
            await service.infer(call, _as_it_is)
        assert (await service.infer(InferCall("m", lambda: _X), _as_it_is)).model == "m"

    _with_service(main, EchoBackend())


def test_a_deadline_in_the_past_runs_nothing() -> None:
    def never(_: np.ndarray) -> np.ndarray:
        raise AssertionError("ran past its deadline")

    async def main(service: Service) -> None:
        with pytest.raises(DeadlineExceeded):
            await service.infer(InferCall("m", lambda: _X, deadline=99.9), _as_it_is)

    _with_service(main, EchoBackend(compute=never), now=100.0)


def test_no_call_lasts_longer_than_the_service_lets_any() -> None:
    held = HeldBackend()

    async def main(service: Service) -> None:
        with pytest.raises(DeadlineExceeded):
            await service.infer(InferCall("m", lambda: _X), _as_it_is)

    _with_service(main, held, longest_call_s=0.05)
    assert held.stopped == 1


_LARGE = 1 << 20


@pytest.mark.parametrize(
    ("size_bytes", "count", "in_the_loop"),
    [
        pytest.param(1000, 2, True, id="small"),
        pytest.param(_LARGE, _LARGE // 4, False, id="large"),
        pytest.param(0, _LARGE // 4, False, id="nobody knows how large"),
    ],
)
def test_small_messages_are_read_and_written_in_the_loop_and_others_off_it(
    size_bytes: int, count: int, in_the_loop: bool
) -> None:
    """A message of 16 MiB took seconds to decode, in the event loop."""
    threads: list[threading.Thread] = []
    x = {"x": np.ones(count, np.float32)}

    def read() -> dict[str, np.ndarray]:
        threads.append(threading.current_thread())
        return x

    def write(answer: InferAnswer) -> InferAnswer:
        threads.append(threading.current_thread())
        return answer

    async def main(service: Service) -> None:
        await service.infer(InferCall("m", read, size_bytes=size_bytes), write)

    _with_service(main, EchoBackend())
    assert [thread is threading.main_thread() for thread in threads] == [in_the_loop] * 2


def test_nothing_is_read_of_a_call_that_is_not_let_in() -> None:
    held = HeldBackend()

    def never() -> dict[str, np.ndarray]:
        raise AssertionError("was read")

    async def main(service: Service) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(service.infer(InferCall("m", lambda: _X), _as_it_is))
            await asyncio.to_thread(eventually, lambda: held.running)
            with pytest.raises(Overloaded):
                await service.infer(InferCall("m", never), _as_it_is)
            held.go.set()

    _with_service(main, held)


def test_a_failed_run_is_an_error_of_its_own_and_the_next_call_is_answered() -> None:
    async def main(service: Service) -> None:
        with pytest.raises(RunFailed):
            await service.infer(InferCall("m", lambda: _X, version="1"), _as_it_is)
        assert (await service.infer(InferCall("m", lambda: _X), _as_it_is)).version == "2"

    _with_service(main, RaisingBackend(RunFailed()), EchoBackend())


def test_draining_refuses_new_inferences_and_lets_those_in_work_finish() -> None:
    held = HeldBackend()

    async def main(service: Service) -> None:
        in_work = asyncio.create_task(service.infer(InferCall("m", lambda: _X), _as_it_is))
        await asyncio.to_thread(eventually, lambda: held.running)
        service.drain()
        with pytest.raises(Draining):
            await service.infer(InferCall("m", lambda: _X), _as_it_is)
        assert not service.model_ready("m")
        idle = asyncio.create_task(service.idle())
        assert not idle.done()
        held.go.set()
        assert (await in_work).model == "m"
        await idle

    _with_service(main, held)


def test_how_crowded_a_model_is_is_known_before_its_first_call_and_while_one_is_in_work() -> None:
    """A limit of 0 was told of models whose calls never wait, and what a wait had made of it long after."""
    held = HeldBackend()

    async def main(service: Service) -> None:
        assert service.crowds() == [Crowd("m", limit=4, in_flight=0, waiting=0)]
        calls = [asyncio.create_task(service.infer(InferCall("m", lambda: _X), _as_it_is)) for _ in range(2)]
        await asyncio.to_thread(eventually, lambda: held.running == 1)
        assert service.crowds() == [Crowd("m", limit=4, in_flight=2, waiting=1)]
        held.go.set()
        await asyncio.gather(*calls)
        assert service.crowds() == [Crowd("m", limit=4, in_flight=0, waiting=0)]

    _with_service(main, held)


def test_a_description_names_every_version_that_can_answer() -> None:
    async def main(service: Service) -> None:
        description = service.describe("m")
        assert (description.name, description.versions) == ("m", ["1", "2"])
        assert description.digest == "sha256:2"
        assert description.inputs == (TensorSpec("x", "FP32", (-1,)),)

    _with_service(main, EchoBackend(), EchoBackend())


@pytest.mark.parametrize(
    ("model", "version", "ready"), [("m", "", True), ("m", "1", True), ("m", "2", False), ("n", "", False)]
)
def test_a_model_is_ready_when_an_inference_would_find_it_so(model: str, version: str, ready: bool) -> None:
    async def main(service: Service) -> None:
        assert service.model_ready(model, version) is ready

    _with_service(main, EchoBackend())


def test_a_service_is_ready_when_each_of_its_models_can_answer_and_it_is_not_stopping() -> None:
    backend = EchoBackend()
    catalogue = Catalogue()
    workers = Workers(threads=1)
    service = Service(catalogue, workers, gate=open_gate_of(1), longest_call_s=1)
    assert not service.readiness().ready, "it has no model"
    catalogue.put("m", 1, Servable("m", 1, "sha256:1", backend, form_of(None, backend)))
    assert service.readiness().ready
    catalogue.put("m", 2, LOADING)
    assert service.readiness().ready, "version 1 answers"
    catalogue.put("n", 1, LOADING)
    assert not service.readiness().ready, "n cannot answer"
    assert service.readiness().models == {"m": True, "n": False}
    catalogue.put("n", 1, Servable("n", 1, "sha256:1", backend, form_of(None, backend)))
    service.drain()
    assert not service.readiness().ready, "it is stopping"
    assert workers.close(within_s=1)
