"""Calls of different callers in one run: what one of them sends, leaves or breaks is never another's answer or loss.

Every test lets one call hold the only thread until its mates wait together, so that the next run is theirs."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from cloud_service.backend import Array, Backend, Run, Traits
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.errors import RunFailed
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.status import Code, code_from_status
from nearfar_wire.tensors import decode_response, encode_request
from tests.builders.clouds import RunningCloud, running_cloud
from tests.builders.onnx_models import gather, identity, softmax_mlp
from tests.builders.repositories import write_repository
from tests.builders.rest import infer_json
from tests.builders.tokens import Issuer, bearer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_BOUND_S = 30
_MANY = "[batching]\nenabled = true\nmax_batch = 64\n"


class Turnstile:
    """A model whose runs for callers wait to be let through, one by one; `batches` are the rows of each."""

    def __init__(self, model: bytes) -> None:
        self._inner = OnnxBackend(model)
        self.inputs, self.outputs = self._inner.inputs, self._inner.outputs
        # How long it takes is not for its shapes to say, so that it is never run in the event loop.
        self.traits = Traits(time_by_value=True)
        self.batches: list[int] = []
        self.stopped = 0
        self.gave: list[weakref.ref[Array]] = []
        self._open = threading.Semaphore(0)

    def new_run(self) -> Run:
        return _TurnstileRun(self, self._inner.new_run())

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        pass

    def let(self, runs: int = 1000) -> None:
        self._open.release(runs)

    def passed(self) -> bool:
        return self._open.acquire(timeout=0.002)


class _TurnstileRun:
    def __init__(self, turnstile: Turnstile, inner: Run) -> None:
        self._turnstile = turnstile
        self._inner = inner
        self._told = threading.Event()

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        if threading.current_thread().name.startswith("model-run"):
            self._turnstile.batches.append(len(next(iter(tensors.values()))))
            for _ in range(_BOUND_S * 500):
                if self._told.is_set():
                    self._turnstile.stopped += 1
                    raise RunFailed
                if self._turnstile.passed():
                    break
        made = self._inner.execute(tensors, outputs)
        self._turnstile.gave += [weakref.ref(array) for array in made.values()]
        return made

    def stop(self) -> None:
        self._told.set()


@contextmanager
def _held(
    folder: Path, model: bytes, serving: str = _MANY, **settings: Any
) -> Iterator[tuple[RunningCloud, Turnstile]]:
    turnstile = Turnstile(model)
    write_repository(folder, {"m": model})
    (folder / "m" / "serving.toml").write_text(serving)

    def backend(_: bytes, __: object) -> Backend:
        return turnstile

    with running_cloud(folder, open_backend=backend, threads=1, **settings) as cloud:
        try:
            yield cloud, turnstile
        finally:
            turnstile.let()


def _request(value: Array, name: str = "x", request_id: str = "") -> pb.ModelInferRequest:
    return encode_request("m", {name: value}, request_id=request_id)


def _ahead(cloud: RunningCloud, turnstile: Turnstile, value: Array, name: str = "x", **call: Any) -> Any:
    """Take the only thread with a call of its own, so that whoever comes now waits."""
    first = cloud.stub.ModelInfer.future(_request(value, name), **call)
    eventually(lambda: turnstile.batches)
    return first


def _waiting(cloud: RunningCloud, count: int) -> None:
    eventually(lambda: cloud.count("model_waiting", model="m") == count)


def _y(answer: pb.ModelInferResponse, name: str = "y") -> Array:
    return decode_response(answer)[name]


def test_two_tenants_in_one_run_over_grpc_and_rest_get_their_own_rows_and_not_a_byte_more(tmp_path: Path) -> None:
    issuer = Issuer()
    (tmp_path / "keys.pem").write_bytes(issuer.public_pem)
    model = identity(shape=("n", 2))
    with _held(tmp_path / "models", model, token_keys=tmp_path / "keys.pem") as (cloud, turnstile):
        ours, theirs = (bearer(issuer.token(sub=name, tenant=name)) for name in ("ours", "theirs"))
        values = [np.full((rows, 2), 1000.5 + rows, np.float32) for rows in (1, 2, 3)]
        document = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [3, 2], "data": values[2].tolist()}]}
        first = _ahead(cloud, turnstile, values[0], metadata=ours)
        with ThreadPoolExecutor(1) as pool:
            calls = [
                cloud.stub.ModelInfer.future(_request(value), metadata=who)
                for value, who in zip(values[:2], (ours, theirs), strict=True)
            ]
            rest = pool.submit(infer_json, cloud.app.rest_address, "m", document, authorization=theirs[0][1])
            _waiting(cloud, 3)
            turnstile.let()
            answers = [call.result(10) for call in (first, *calls)]
            told = json.loads(rest.result(10).body)
    assert turnstile.batches == [1, 6], "the three did run together"
    for value, answer in zip((values[0], *values[:2]), answers, strict=True):
        assert answer.raw_output_contents[0] == value.tobytes()
    assert told["outputs"][0]["data"] == values[2].reshape(-1).tolist()


def test_texts_keep_to_their_callers(tmp_path: Path) -> None:
    with _held(tmp_path, identity("BYTES")) as (cloud, turnstile):
        texts = [[b"", b"a" * 300], ["\u202etxet".encode()], [b"nul\0l"]]
        first = _ahead(cloud, turnstile, np.array([b"first"], object))
        calls = [cloud.stub.ModelInfer.future(_request(np.array(text, object))) for text in texts]
        _waiting(cloud, 3)
        turnstile.let()
        assert [_y(call.result(10)).tolist() for call in (first, *calls)] == [[b"first"], *texts]
        assert turnstile.batches == [1, 4]


def test_nothing_of_a_run_is_held_once_its_callers_are_answered(tmp_path: Path) -> None:
    """The thread that ran a batch remembered it, tensors and answers, until it was given the next one."""
    with _held(tmp_path, identity(shape=("n", 2))) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.zeros((1, 2), np.float32))
        calls = [cloud.stub.ModelInfer.future(_request(np.zeros((rows, 2), np.float32))) for rows in (1, 60)]
        _waiting(cloud, 2)
        turnstile.let()
        for call in (first, *calls):
            call.result(10)
        eventually(lambda: turnstile.gave and not any(held() is not None for held in turnstile.gave))


def test_C8_a_number_that_is_none_stays_with_whoever_sent_it(tmp_path: Path) -> None:
    clean, foul = np.ones((1, 4), np.float32), np.array([[np.nan, np.inf, -np.inf, 1e-45]], np.float32)
    with _held(tmp_path, softmax_mlp(pixels="FP32")) as (cloud, turnstile):
        alone = _ahead(cloud, turnstile, clean, "pixels")
        calls = [cloud.stub.ModelInfer.future(_request(value, "pixels")) for value in (clean, foul, clean)]
        _waiting(cloud, 3)
        turnstile.let()
        expected = _y(alone.result(10), "probabilities")
        before, its_own, after = (_y(call.result(10), "probabilities") for call in calls)
    assert turnstile.batches == [1, 3]
    assert np.isnan(its_own).all()
    np.testing.assert_allclose(before, expected, rtol=1e-5)
    np.testing.assert_allclose(after, expected, rtol=1e-5)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_call_that_fails_is_told_so_and_its_mates_are_answered(tmp_path: Path, place: int) -> None:
    values = [np.array([index]) for index in (0, 1, 0)]
    values[place] = np.array([987654])
    with _held(tmp_path, gather()) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.array([1]))
        calls = [cloud.stub.ModelInfer.future(_request(value)) for value in values]
        _waiting(cloud, 3)
        turnstile.let()
        first.result(10)
        for index, call in enumerate(calls):
            if index == place:
                code, details = _refusal(call)
                assert code is Code.INVALID_INPUT
                assert "987654" not in details
            else:
                assert _y(call.result(10)).tolist() == [values[index][0] + 1]


def test_C13_an_empty_call_among_others_gets_its_empty_answer(tmp_path: Path) -> None:
    with _held(tmp_path, identity(shape=("n", 2))) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.ones((1, 2), np.float32))
        calls = [cloud.stub.ModelInfer.future(_request(np.ones((rows, 2), np.float32))) for rows in (1, 0, 2)]
        _waiting(cloud, 3)
        turnstile.let()
        assert [_y(call.result(10)).shape for call in (first, *calls)] == [(1, 2), (1, 2), (0, 2), (2, 2)]


def test_C13_a_call_of_more_rows_than_a_batch_may_have_runs_by_itself_and_whole(tmp_path: Path) -> None:
    with _held(tmp_path, identity(), "[batching]\nenabled = true\nmax_batch = 2\n") as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.ones(1, np.float32))
        calls = [cloud.stub.ModelInfer.future(_request(np.arange(rows, dtype=np.float32))) for rows in (1, 5, 1)]
        _waiting(cloud, 3)
        turnstile.let()
        assert [len(_y(call.result(10))) for call in (first, *calls)] == [1, 1, 5, 1]
        assert turnstile.batches == [1, 1, 5, 1]


def test_C13_calls_of_unlike_shape_never_meet(tmp_path: Path) -> None:
    with _held(tmp_path, identity(shape=("n", "m"))) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.ones((1, 1), np.float32))
        calls = [cloud.stub.ModelInfer.future(_request(np.ones((1, width), np.float32))) for width in (2, 3, 2)]
        _waiting(cloud, 3)
        turnstile.let()
        assert [_y(call.result(10)).shape for call in (first, *calls)] == [(1, 1), (1, 2), (1, 3), (1, 2)]
        assert sorted(turnstile.batches) == [1, 1, 2]


def test_C12_two_calls_of_one_id_in_one_run_are_two_calls(tmp_path: Path) -> None:
    """An answer is made of its own request alone: an id is echoed, and neither remembered nor compared."""
    with _held(tmp_path, identity()) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.zeros(1, np.float32))
        calls = [
            cloud.stub.ModelInfer.future(_request(np.full(1, value, np.float32), request_id="again"))
            for value in (1, 2)
        ]
        _waiting(cloud, 2)
        turnstile.let()
        first.result(10)
        for value, call in zip((1, 2), calls, strict=True):
            answer = call.result(10)
            assert (answer.id, _y(answer).tolist()) == ("again", [value])
        replayed = cloud.stub.ModelInfer(_request(np.full(1, 3, np.float32), request_id="again"))
        assert _y(replayed).tolist() == [3]
        assert cloud.count("requests_total", method="ModelInfer", code="OK") == 4


@pytest.mark.parametrize("leaves", [0, 1], ids=["who came first", "who came last"])
def test_B14_mates_of_a_call_that_is_cancelled_are_answered(tmp_path: Path, leaves: int) -> None:
    with _held(tmp_path, identity()) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.zeros(1, np.float32))
        calls = [cloud.stub.ModelInfer.future(_request(np.full(1, value, np.float32))) for value in (1, 2)]
        _waiting(cloud, 2)
        turnstile.let(1)
        first.result(10)
        eventually(lambda: turnstile.batches == [1, 2])
        calls[leaves].cancel()
        eventually(lambda: cloud.count("requests_total", method="ModelInfer", code="CANCELLED") == 1)
        turnstile.let()
        assert _y(calls[1 - leaves].result(10)).tolist() == [2 - leaves]
        assert turnstile.stopped == 0


def test_B14_a_run_that_nobody_waits_for_any_more_is_stopped(tmp_path: Path) -> None:
    with _held(tmp_path, identity()) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.zeros(1, np.float32))
        calls = [cloud.stub.ModelInfer.future(_request(np.ones(1, np.float32))) for _ in range(3)]
        _waiting(cloud, 3)
        turnstile.let(1)
        first.result(10)
        eventually(lambda: turnstile.batches == [1, 3])
        for call in calls:
            call.cancel()
        eventually(lambda: turnstile.stopped == 1)
        eventually(lambda: cloud.count("model_in_flight", model="m") == 0)
        turnstile.let()
        assert cloud.stub.ModelInfer(_request(np.ones(1, np.float32)), timeout=10)


def test_B14_whoever_is_late_is_told_at_its_own_deadline_and_its_mate_is_answered(tmp_path: Path) -> None:
    with _held(tmp_path, identity()) as (cloud, turnstile):
        first = _ahead(cloud, turnstile, np.zeros(1, np.float32))
        hurried = cloud.stub.ModelInfer.future(_request(np.ones(1, np.float32)), timeout=2)
        patient = cloud.stub.ModelInfer.future(_request(np.full(1, 2, np.float32)), timeout=_BOUND_S)
        _waiting(cloud, 2)
        turnstile.let(1)
        first.result(10)
        eventually(lambda: turnstile.batches == [1, 2])
        assert _refusal(hurried)[0] is Code.DEADLINE_EXCEEDED
        assert not patient.done()
        turnstile.let()
        assert _y(patient.result(10)).tolist() == [2]


def _refusal(call: Any) -> tuple[Code, str]:
    error = call.exception(_BOUND_S)
    assert isinstance(error, grpc.RpcError) and isinstance(error, grpc.Call)
    trailing = [(key, value) for key, value in error.trailing_metadata() or ()]
    return code_from_status(error.code(), trailing, details=error.details()), error.details() or ""
