from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine

import numpy as np
import pytest

from cloud_service.account import Account, Duration, Observed, Statistics
from cloud_service.backend import Backend
from cloud_service.batching.profile import Profile
from cloud_service.catalogue import EVICTED, UNLOADED, Catalogue
from cloud_service.errors import DeadlineExceeded, InvalidInput, ModelNotFound, ModelNotReady, RunFailed
from cloud_service.exchange import InferAnswer, InferCall
from cloud_service.repository.serving import Batching, Serving
from cloud_service.servable import Servable, form_of
from cloud_service.service import Service
from cloud_service.workers import Workers
from nearfar_wire.errors import TensorError
from tests.builders.backends import EchoBackend, HeldBackend, RaisingBackend
from tests.builders.gates import open_gate_of
from tests.builders.waiting import eventually


def _x(rows: int) -> dict[str, np.ndarray]:
    return {"x": np.ones(rows, np.float32)}


def _as_it_is(answer: InferAnswer) -> InferAnswer:
    return answer


def _servable(backend: Backend, *, max_batch: int = 1, version: int = 1) -> Servable:
    profile = Profile(batches=max_batch > 1, max_batch=max_batch)
    serving = Serving(batching=Batching(enabled=True))
    return Servable(
        "m", version, f"sha256:{version}", backend, form_of(None, backend), profile=profile, serving=serving
    )


def _with_service(main: Callable[[Service], Coroutine[None, None, None]], *servables: Servable) -> None:
    catalogue = Catalogue()
    for servable in servables:
        catalogue.put(servable.model, servable.version, servable)
    workers = Workers(threads=1)
    try:
        service = Service(catalogue, workers, gate=open_gate_of(8), longest_call_s=10)
        asyncio.run(main(service))
    finally:
        assert workers.close(within_s=10)


def test_an_answered_call_is_told_of_in_its_parts_which_are_no_more_than_the_whole() -> None:
    async def main(service: Service) -> None:
        for rows in (2, 2, 3):
            await service.infer(InferCall("m", lambda rows=rows: _x(rows)), _as_it_is)  # type: ignore[misc]
        (told,) = service.statistics("m")
        assert (told.model, told.version, told.rows, told.runs) == ("m", "1", 7, 3)
        parts = (told.queue, told.read, told.run, told.written)
        assert [part.count for part in (told.success, *parts)] == [3, 3, 3, 3, 3]
        assert 0 < sum(part.seconds for part in parts) <= told.success.seconds
        assert [(batch.rows, batch.run.count, batch.read.count) for batch in told.batches] == [(2, 2, 2), (3, 1, 1)]
        assert sum(batch.read.seconds for batch in told.batches) == pytest.approx(told.read.seconds)
        assert 0 < sum(batch.run.seconds for batch in told.batches) <= told.run.seconds
        assert told.fail == Duration()

    _with_service(main, _servable(EchoBackend(), max_batch=4))


def test_calls_that_ran_together_are_one_run_and_as_many_rows_as_they_had() -> None:
    held = HeldBackend()

    async def main(service: Service) -> None:
        first = asyncio.create_task(service.infer(InferCall("m", lambda: _x(1)), _as_it_is))
        await asyncio.to_thread(eventually, lambda: held.running == 1)
        mates = [asyncio.create_task(service.infer(InferCall("m", lambda: _x(1)), _as_it_is)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.to_thread(eventually, lambda: service.crowds()[0].waiting == 3)
        held.go.set()
        await asyncio.gather(first, *mates)
        (told,) = service.statistics()
        assert (told.rows, told.runs, told.success.count) == (4, 2, 4)
        assert [(batch.rows, batch.run.count) for batch in told.batches] == [(1, 1), (3, 1)]
        assert told.queue.seconds > 0

    _with_service(main, _servable(held, max_batch=4))


def test_where_calls_run_alone_each_is_one_whatever_its_tensors_length() -> None:
    async def main(service: Service) -> None:
        await service.infer(InferCall("m", lambda: _x(5)), _as_it_is)
        (told,) = service.statistics("m", "1")
        assert (told.rows, told.runs, [batch.rows for batch in told.batches]) == (1, 1, [1])

    _with_service(main, _servable(EchoBackend()))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(InferCall("m", dict), TensorError, id="refused for its input"),
        pytest.param(InferCall("m", lambda: _x(1), outputs=lambda: ["z"]), InvalidInput, id="for an output"),
        pytest.param(InferCall("m", lambda: _x(1), deadline=0.0), DeadlineExceeded, id="too late"),
    ],
)
def test_a_call_without_an_answer_is_a_failure_and_no_run(call: InferCall, error: type[Exception]) -> None:
    async def main(service: Service) -> None:
        with pytest.raises(error):
            await service.infer(call, _as_it_is)
        (told,) = service.statistics("m")
        assert (told.fail.count, told.success.count, told.runs, told.rows) == (1, 0, 0, 0)
        assert (told.last_utc_ms, told.batches) == (0, [])

    _with_service(main, _servable(EchoBackend()))


def test_a_run_that_fails_is_no_run_and_a_caller_who_left_no_answer() -> None:
    held = HeldBackend()

    async def main(service: Service) -> None:
        with pytest.raises(RunFailed):
            await service.infer(InferCall("m", lambda: _x(1), version="1"), _as_it_is)
        gone = asyncio.create_task(service.infer(InferCall("m", lambda: _x(1), version="2"), _as_it_is))
        await asyncio.to_thread(eventually, lambda: held.running == 1)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        raised, left = service.statistics("m")
        assert [(t.fail.count, t.runs, t.success.count) for t in (raised, left)] == [(1, 0, 0), (1, 0, 0)]
        assert left.fail.seconds > 0

    _with_service(main, _servable(RaisingBackend(RunFailed())), _servable(held, version=2))


def test_statistics_are_of_every_model_of_one_or_of_one_version() -> None:
    async def main(service: Service) -> None:
        def versions(model: str = "", version: str = "") -> list[str]:
            return [told.version for told in service.statistics(model, version)]

        assert (versions(), versions("m"), versions("m", "2")) == (["1", "2"], ["1", "2"], ["2"])
        for model, version, error in (
            ("n", "", ModelNotFound),
            ("m", "3", ModelNotFound),
            ("", "1", InvalidInput),
            ("m" * 129, "", InvalidInput),
        ):
            with pytest.raises(error):
                service.statistics(model, version)

    _with_service(main, _servable(EchoBackend()), _servable(EchoBackend(), version=2))


def test_whoever_looks_at_statistics_brings_no_model_back_and_keeps_none() -> None:
    catalogue, missed = Catalogue(now=lambda: 5.0), []
    catalogue.missed = lambda model, version: missed.append((model, version))
    catalogue.put("m", 1, _servable(EchoBackend()))
    catalogue.put("m", 2, EVICTED)
    catalogue.put("away", 1, UNLOADED)
    assert [servable.version for servable in catalogue.answering("m")] == [1]
    for model, version in (("m", "2"), ("away", "")):
        with pytest.raises(ModelNotReady):
            catalogue.answering(model, version)
    assert missed == []
    assert catalogue.last_asked("m", 1) == -np.inf


def test_a_caller_who_sends_batches_of_ever_other_lengths_has_the_first_of_them_kept_and_takes_nobody_s_place() -> None:
    account = Account(rows_of="x", largest=300)
    for rows in (500, *range(1000, 3000), 1, 300, 500):
        account.ran(rows, 0.5)
    told = account.statistics("m", "1")
    lengths = {batch.rows: batch.run.count for batch in told.batches}
    assert (told.runs, len(lengths), max(lengths)) == (2004, 258, 1254)
    assert (lengths[1], lengths[300], lengths[500]) == (1, 1, 2)


def test_what_was_read_for_a_batch_that_was_run_again_call_by_call_counts_where_the_call_ran() -> None:
    account = Account(rows_of="x")
    account.ran(2, 0.5)
    account.answered(2, 5, 4, 1, 0.25, 2, 0.125)
    (batch,) = account.statistics("m", "1").batches
    assert (batch.rows, batch.read, batch.written) == (2, Duration(1, 0.25), Duration(1, 0.125))


def test_the_last_inference_is_the_latest_whatever_the_clock_does_afterwards() -> None:
    times = iter([1700000000.5, 1699999999.0])
    account = Account(utc=lambda: next(times))
    account.ran(1, 0.1)
    account.ran(1, 0.1)
    assert account.statistics("m", "1").last_utc_ms == 1_700_000_000_500


def test_runs_in_many_threads_are_all_counted() -> None:
    account = Account(rows_of="x")
    run = Observed(EchoBackend(), account).new_run()

    def runs() -> None:
        for _ in range(500):
            run.execute(_x(2), ["y"])

    threads = [threading.Thread(target=runs) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told: Statistics = account.statistics("m", "1")
    assert (told.runs, [(batch.rows, batch.run.count) for batch in told.batches]) == (2000, [(2, 2000)])


def test_a_duration_is_told_in_nanoseconds() -> None:
    assert Duration(3, 1.25e-6).ns == 1250
