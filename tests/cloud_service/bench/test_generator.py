from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Iterator

import grpc
import pytest

from cloud_service.bench.arrivals import Arrivals, Rhythm
from cloud_service.bench.generator import Order, generate
from cloud_service.bench.tally import NOT_SENT, UNANSWERED, Tally
from cloud_service.bench.target import Endpoint
from nearfar_wire import inference_pb2 as pb
from tests.builders.echo_servers import EchoServer, echo, echo_server

pytestmark = pytest.mark.wide


@pytest.fixture
def server() -> Iterator[EchoServer]:
    with echo_server() as running:
        yield running


def _order(server: EchoServer, load: int | Arrivals, **changes: object) -> Order:
    request = pb.ModelInferRequest(model_name="echo", raw_input_contents=[bytes(16)])
    request.inputs.add(name="x", datatype="FP32", shape=[1, 4])
    order = Order(
        endpoint=Endpoint(server.target),
        messages=[request.SerializeToString()],
        load=load,
        warm_up_s=0,
        seconds=0.5,
        deadline_s=None,
        connections=1,
    )
    return dataclasses.replace(order, **changes)  # type: ignore[arg-type]  # each field's own


def _generate(order: Order, *, stop: threading.Event | None = None) -> Tally:
    async def run() -> Tally:
        go, stopped = asyncio.Event(), asyncio.Event()
        go.set()
        if stop is not None:
            asyncio.get_running_loop().run_in_executor(None, stop.wait, 30).add_done_callback(lambda _: stopped.set())
        return await generate(order, go=go, stop=stopped, progress=lambda _answered, _errors: None)

    return asyncio.run(run())


def test_every_caller_of_a_closed_loop_asks_again_when_answered(server: EchoServer) -> None:
    tally = _generate(_order(server, 4))
    assert tally.requests > 40
    assert tally.requests - 4 <= tally.answered <= tally.requests
    assert tally.latency.count == tally.requests
    assert not tally.errors
    assert tally.seconds == pytest.approx(0.5)


def test_an_open_loop_offers_its_rate(server: EchoServer) -> None:
    tally = _generate(_order(server, Arrivals(200, Rhythm.CONSTANT)))
    assert tally.requests == 100


def test_what_happens_in_the_warm_up_is_not_counted(server: EchoServer) -> None:
    tally = _generate(_order(server, Arrivals(200, Rhythm.CONSTANT), warm_up_s=0.5))
    assert tally.requests == 100
    assert len(server.requests) == 200


def test_an_open_loop_counts_the_wait_behind_a_server_that_pauses(server: EchoServer) -> None:
    """Counting from the sending instead would show one slow request and hide those that had to wait behind it."""
    pause = iter([True])

    def answer(request: pb.ModelInferRequest, context: grpc.ServicerContext) -> pb.ModelInferResponse:
        with lock:
            if next(pause, False):
                server.go.wait(0.3)
        return echo(request, context)

    lock = threading.Lock()
    server.answer = answer
    tally = _generate(_order(server, Arrivals(200, Rhythm.CONSTANT)))
    median_s = tally.latency.quantile(0.5)
    assert median_s is not None
    assert median_s > 0.02


def test_errors_are_counted_by_status_and_have_no_latency(server: EchoServer) -> None:
    def refuse(_request: pb.ModelInferRequest, context: grpc.ServicerContext) -> pb.ModelInferResponse:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
        raise AssertionError

    server.answer = refuse
    tally = _generate(_order(server, 2))
    assert set(tally.errors) == {"RESOURCE_EXHAUSTED"}
    assert tally.errors.total() == tally.requests
    assert tally.answered == 0
    assert tally.latency.count == 0


def _hang(server: EchoServer) -> None:
    def answer(request: pb.ModelInferRequest, context: grpc.ServicerContext) -> pb.ModelInferResponse:
        server.go.wait(30)
        return echo(request, context)

    server.answer = answer


def test_a_deadline_ends_each_request(server: EchoServer) -> None:
    _hang(server)
    tally = _generate(_order(server, 1, deadline_s=0.1))
    assert tally.errors["DEADLINE_EXCEEDED"] == tally.requests > 1


def test_a_request_without_an_end_is_an_error(server: EchoServer) -> None:
    _hang(server)
    tally = _generate(_order(server, 3, grace_s=0.1))
    assert tally.errors == {UNANSWERED: 3}
    assert tally.requests == 3


def test_what_was_measured_until_a_stop_counts_and_what_waits_then_does_not(server: EchoServer) -> None:
    stop = threading.Event()

    def answer(request: pb.ModelInferRequest, context: grpc.ServicerContext) -> pb.ModelInferResponse:
        if len(server.requests) > 5:
            stop.set()
            server.go.wait(30)
        return echo(request, context)

    server.answer = answer
    tally = _generate(_order(server, 1, seconds=60), stop=stop)
    assert (tally.requests, tally.answered) == (5, 5)
    assert 0 < tally.seconds < 30


def test_a_generator_that_cannot_keep_up_says_so(server: EchoServer) -> None:
    _hang(server)
    tally = _generate(_order(server, Arrivals(200, Rhythm.CONSTANT), deadline_s=0.5, most_under_way=10))
    assert tally.requests == 100
    assert tally.errors[NOT_SENT] >= 80


def test_a_server_that_is_gone_is_an_error_of_each_request() -> None:
    with echo_server() as gone:
        pass
    tally = _generate(_order(gone, Arrivals(20, Rhythm.CONSTANT), deadline_s=1.0, connect_s=0.1))
    assert tally.errors == {"UNAVAILABLE": tally.requests}
