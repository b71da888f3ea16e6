"""OpenTelemetry's own SDK, with an exporter that keeps what it gets."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cloud_service.errors import SettingsError
from cloud_service.telemetry import OpenTelemetry, telemetry
from nearfar_wire.trace_context import TraceContext

_PARENT = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", sampled=True, state="rojo=1")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def test_a_call_becomes_a_server_span_below_the_caller_s(exporter: InMemorySpanExporter) -> None:
    tracing = OpenTelemetry([exporter])
    recorded = tracing.start("ModelInfer", _PARENT)
    assert recorded.trace_id == _PARENT.trace_id
    recorded.end("OK", {"nearfar.model": "digits", "nearfar.batch_rows": 2})
    tracing.close()
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind) == ("ModelInfer", SpanKind.SERVER)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == _PARENT.parent_id
    assert span.parent.trace_state.get("rojo") == "1"
    assert dict(span.attributes or {}) == {"nearfar.model": "digits", "nearfar.batch_rows": 2, "nearfar.code": "OK"}
    assert span.resource.attributes["service.name"] == "nearfar-cloud"


@pytest.mark.parametrize(("code", "status"), [("INTERNAL", StatusCode.ERROR), ("OVERLOADED", StatusCode.UNSET)])
def test_a_span_is_at_fault_where_the_server_is(exporter: InMemorySpanExporter, code: str, status: StatusCode) -> None:
    tracing = OpenTelemetry([exporter])
    tracing.start("ModelInfer", None).end(code, {})
    tracing.close()
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is status
    assert span.parent is None


def test_what_the_caller_did_not_sample_is_not_recorded(exporter: InMemorySpanExporter) -> None:
    tracing = OpenTelemetry([exporter])
    recorded = tracing.start("ModelInfer", TraceContext(_PARENT.trace_id, _PARENT.parent_id, sampled=False))
    recorded.end("OK", {})
    tracing.close()
    assert exporter.get_finished_spans() == ()
    assert recorded.trace_id == _PARENT.trace_id, "it is still the caller's trace, for the log"


@pytest.mark.parametrize(
    "environment",
    [{}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}],
    ids=["nothing said", "none", "disabled"],
)
def test_nobody_is_traced_who_did_not_ask(environment: dict[str, str]) -> None:
    with telemetry(environment) as tracing:
        assert tracing is None


def test_an_exporter_of_the_environment_is_used() -> None:
    with telemetry({"OTEL_TRACES_EXPORTER": "console"}) as tracing:
        assert tracing is not None


def test_an_exporter_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"OTEL_TRACES_EXPORTER: no exporter 'nosuch' .* console"):
        telemetry({"OTEL_TRACES_EXPORTER": "nosuch"}).__enter__()


def test_without_the_extra_a_service_that_is_told_to_trace_says_so_and_serves(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It ended with a traceback: to look for the SDK is to import the package that it would lie in."""
    monkeypatch.delitem(sys.modules, "opentelemetry.sdk")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with telemetry({"OTEL_TRACES_EXPORTER": "console"}) as tracing:
        assert tracing is None
    assert "pip install 'nearfar[otel]'" in caplog.text


@pytest.mark.wide
def test_a_service_that_traces_nothing_loads_nothing_of_it() -> None:
    assert find_spec("opentelemetry.sdk") is not None
    code = (
        "import sys; from cloud_service.telemetry import telemetry; telemetry({}).__enter__();"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
