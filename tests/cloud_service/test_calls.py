from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from cloud_service.calls import Calls, current_call
from cloud_service.metrics import Metrics
from nearfar_wire.trace_context import TraceContext

_TRACE, _PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
_HEADERS = {"traceparent": f"00-{_TRACE}-{_PARENT}-01", "authorization": "Bearer canary"}


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class _Spans:
    """A tracer that keeps what it is told."""

    def __init__(self) -> None:
        self.started: list[tuple[str, TraceContext | None]] = []
        self.ended: list[tuple[str, Mapping[str, str | int | float]]] = []
        self.trace_id = "ab" * 16

    def start(self, name: str, parent: TraceContext | None) -> _Spans:
        self.started.append((name, parent))
        return self

    def end(self, code: str, attributes: Mapping[str, str | int | float]) -> None:
        self.ended.append((code, attributes))


def _fail() -> dict[str, str]:
    raise AssertionError("nobody wanted the headers")


def test_a_call_is_counted_with_its_time_and_its_bytes_and_costs_no_headers() -> None:
    registry, clock = CollectorRegistry(), _Clock()
    calls = Calls(Metrics(registry), clock=clock)
    call = calls.begin("ModelInfer", _fail)
    assert registry.get_sample_value("nearfar_cloud_requests_in_flight") == 1
    clock.now += 0.2
    call.end("OK", received_bytes=10, sent_bytes=20)
    labels = {"method": "ModelInfer"}
    assert registry.get_sample_value("nearfar_cloud_requests_in_flight") == 0
    assert registry.get_sample_value("nearfar_cloud_requests_total", {**labels, "code": "OK"}) == 1
    assert registry.get_sample_value("nearfar_cloud_request_seconds_sum", labels) == pytest.approx(0.2)
    assert registry.get_sample_value("nearfar_cloud_request_seconds_bucket", {**labels, "le": "0.25"}) == 1
    assert registry.get_sample_value("nearfar_cloud_request_seconds_bucket", {**labels, "le": "0.1"}) == 0
    assert registry.get_sample_value("nearfar_cloud_received_bytes_total", labels) == 10
    assert registry.get_sample_value("nearfar_cloud_sent_bytes_total", labels) == 20


def test_the_access_log_has_a_line_for_each_call_and_no_word_of_the_caller_s(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cloud_service.access")
    clock = _Clock()
    call = Calls(Metrics(CollectorRegistry()), access_log=True, tenants={"acme"}, clock=clock).begin(
        "ModelInfer", lambda: _HEADERS
    )
    call.model, call.version, call.queue_s, call.rows, call.tenant = "digits", "1", 0.004, 8, "acme"
    clock.now += 0.25
    call.end("OK", received_bytes=1)
    (record,) = caplog.records
    assert record.fields == {  # type: ignore[attr-defined]  # what `extra` set
        "method": "ModelInfer",
        "code": "OK",
        "seconds": 0.25,
        "queue_s": 0.004,
        "model": "digits",
        "version": "1",
        "tenant": "acme",
        "rows": 8,
    }
    assert "canary" not in caplog.text
    assert call.trace_id == _TRACE


def test_a_tenant_that_the_operator_never_named_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cloud_service.access")
    call = Calls(Metrics(CollectorRegistry()), access_log=True, tenants={"acme"}).begin("ModelInfer", dict)
    call.tenant = "canary"
    call.end("OVERLOADED")
    assert "tenant" not in caplog.records[0].fields  # type: ignore[attr-defined]  # what `extra` set


def test_without_the_access_log_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    Calls(Metrics(CollectorRegistry())).begin("ModelInfer", _fail).end("OK")
    assert not caplog.records


def test_a_span_is_the_child_of_the_caller_s_and_says_how_it_ended() -> None:
    spans = _Spans()
    call = Calls(Metrics(CollectorRegistry()), tracer=spans).begin("rest.ModelInfer", lambda: _HEADERS)
    call.model, call.rows = "digits", 2
    call.end("OVERLOADED")
    assert spans.started == [("rest.ModelInfer", TraceContext(_TRACE, _PARENT, sampled=True))]
    assert spans.ended == [("OVERLOADED", {"rpc.system": "http", "nearfar.model": "digits", "nearfar.batch_rows": 2})]
    assert call.trace_id == spans.trace_id, "the sampled trace, also where the caller named none"


def test_a_task_knows_its_own_call_alone() -> None:
    calls = Calls(Metrics(CollectorRegistry()))

    async def answer(name: str) -> str:
        calls.begin(name, dict)
        await asyncio.sleep(0)
        call = current_call()
        assert call is not None
        return call.method

    async def both() -> list[str]:
        return list(await asyncio.gather(answer("a"), answer("b")))

    assert asyncio.run(both()) == ["a", "b"]


def test_what_a_call_has_started_belongs_to_no_call_once_that_has_ended() -> None:
    calls = Calls(Metrics(CollectorRegistry()))

    async def main() -> None:
        call = calls.begin("ModelInfer", _fail)
        ended = asyncio.Event()

        async def queue() -> object:
            await ended.wait()
            return current_call()

        started = asyncio.create_task(queue())
        assert current_call() is call
        call.end("OK")
        ended.set()
        assert await started is None

    asyncio.run(main())
