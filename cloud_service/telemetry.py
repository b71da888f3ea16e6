"""OpenTelemetry, where its SDK is installed (the extra `otel`) and the environment names an exporter.

The exporter, its address, the sampler and the service's name are set as everywhere with OpenTelemetry, by OTEL_*
variables. The provider is ours and not the process's: two services can live in one process."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from cloud_service.errors import SettingsError
from nearfar_wire.build import build_version
from nearfar_wire.trace_context import TraceContext

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer as OtelTracer

__all__ = ["OpenTelemetry", "telemetry"]

_LOG: Final = logging.getLogger(__name__)

_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_EXPORTERS: Final = "opentelemetry_traces_exporter"
# A collector that is away must not hold up the end of the process.
_LAST_EXPORT_S: Final = 3.0


@contextmanager
def telemetry(environment: Mapping[str, str] = os.environ) -> Iterator[OpenTelemetry | None]:
    """Yield what spans are told to; None where nobody asked for them. What is left is exported at the end.

    Raises SettingsError: naming an exporter that is not installed."""
    wanted = environment.get(_EXPORTER, "none")
    names = [name.strip() for name in wanted.split(",") if name.strip() not in ("", "none")]
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or not names:
        yield None
    elif not _installed():
        # Clusters set the variable for everything that runs there.
        _LOG.warning("%s is set, and nothing is traced: pip install 'nearfar[otel]'", _EXPORTER)
        yield None
    else:
        tracing = OpenTelemetry([_exporter(name) for name in names])
        try:
            yield tracing
        finally:
            tracing.close()


def _installed() -> bool:
    # To look for a module is to import the package around it, which is not there either.
    try:
        return find_spec("opentelemetry.sdk") is not None
    except ModuleNotFoundError:
        return False


def _exporter(name: str) -> SpanExporter:
    for entry in entry_points(group=_EXPORTERS, name=name):
        factory: Callable[[], SpanExporter] = entry.load()
        return factory()
    known = ", ".join(sorted(entry.name for entry in entry_points(group=_EXPORTERS)))
    raise SettingsError(_EXPORTER, f"no exporter {name!r} is installed; there are: {known}, none")


class OpenTelemetry:
    """A tracer of calls. `exporters` get the spans in a thread of their own; what they cannot take is dropped."""

    def __init__(self, exporters: list[SpanExporter]) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        name = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "nearfar-cloud"}
        # The process ends what it started: atexit would come after the log is closed.
        self._provider = TracerProvider(resource=Resource.create(name), shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer: OtelTracer = self._provider.get_tracer("nearfar.cloud_service", build_version())

    def start(self, name: str, parent: TraceContext | None) -> _Recorded:
        """Begin a server's span, below the caller's where it named one."""
        from opentelemetry.trace import SpanKind

        context = None if parent is None else _remote(parent)
        return _Recorded(self._tracer.start_span(name, context=context, kind=SpanKind.SERVER))

    def close(self) -> None:
        """Export what is left, within a bound."""
        last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(_LAST_EXPORT_S)


class _Recorded:
    __slots__ = ("_span",)

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        return f"{self._span.get_span_context().trace_id:032x}"

    def end(self, code: str, attributes: Mapping[str, str | int | float]) -> None:
        from opentelemetry.trace import StatusCode

        if self._span.is_recording():
            self._span.set_attributes({**attributes, "nearfar.code": code})
            # A refusal is the caller's to look into; a server's span is at fault where the server is.
            if code == "INTERNAL":
                self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _remote(parent: TraceContext) -> Any:  # Any: OpenTelemetry's Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

    return set_span_in_context(
        NonRecordingSpan(
            SpanContext(
                trace_id=int(parent.trace_id, 16),
                span_id=int(parent.parent_id, 16),
                is_remote=True,
                trace_flags=TraceFlags(int(parent.sampled)),
                trace_state=TraceState.from_header([parent.state]) if parent.state else None,
            )
        )
    )
