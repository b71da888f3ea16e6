"""One call from its arrival to its end, whatever the transport: counted, and where it is wanted logged and traced.

A transport begins a call and ends it. What is learnt in between (which model, how long in the queue) is noted on the
call that the event loop's task is about, so that the data plane needs no transport's word for it. Whatever nobody
asked for costs nothing: headers are read only where a trace or a log line wants them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from nearfar_wire.status import Code
from nearfar_wire.trace_context import TraceContext, read_trace_context

if TYPE_CHECKING:
    from cloud_service.metrics import Metrics

__all__ = ["Call", "Calls", "Span", "Tracer", "current_call"]

_ACCESS: Final = logging.getLogger("cloud_service.access")
# What a call is refused for that is no matter of load, whose refusals the data plane counts.
_REFUSED_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        Code.INVALID_INPUT: "malformed",
        Code.PERMISSION_DENIED: "permission",
        Code.TOO_LARGE: "too_large",
        Code.UNAUTHENTICATED: "identity",
    }
)
_CURRENT: Final[ContextVar[Call | None]] = ContextVar("nearfar_call", default=None)


class Span(Protocol):
    """A part of a trace that has begun."""

    @property
    def trace_id(self) -> str:
        """As hex."""

    def end(self, code: str, attributes: Mapping[str, str | int | float]) -> None:
        """Say how it ended."""


class Tracer(Protocol):
    """Whoever collects spans."""

    def start(self, name: str, parent: TraceContext | None) -> Span:
        """Begin a server's span, below the caller's where it named one."""


class Call:
    """See the module. Data plane and transport write the fields; `end` once.

    `model` and `version` are the catalogue's words, never the caller's own; `tenant` is the credential's, and `doubt`
    says why that does not count."""

    __slots__ = (
        "_calls",
        "_headers",
        "_span",
        "_started",
        "doubt",
        "ended",
        "method",
        "model",
        "queue_s",
        "rows",
        "tenant",
        "version",
    )

    def __init__(self, calls: Calls, method: str, headers: Callable[[], Mapping[str, str]], started: float) -> None:
        self._calls = calls
        self._headers = headers
        self._started = started
        self._span: Span | None = None
        self.ended = False
        self.method = method
        self.model = ""
        self.version = ""
        self.tenant = ""
        self.doubt = ""
        self.queue_s = 0.0
        self.rows = 0

    @property
    def trace_id(self) -> str:
        """The trace that the call is part of; empty where it is part of none."""
        if self._span is not None:
            return self._span.trace_id
        context = read_trace_context(self._headers())
        return "" if context is None else context.trace_id

    def end(self, code: str, *, received_bytes: int = 0, sent_bytes: int = 0) -> None:
        """Say how the call ended, with "OK" or one of the contract's codes, before the caller can know."""
        self._calls.end(self, code, self._started, received_bytes, sent_bytes)


class Calls:
    """Begins calls, and does with their end what the operator asked for."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        access_log: bool = False,
        tracer: Tracer | None = None,
        tenants: Container[str] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`tenants` are those whose names may be logged: the operator's own words."""
        self._metrics = metrics
        self._tenants = tenants
        self._access_log = access_log
        self._tracer = tracer
        self._clock = clock

    def begin(self, method: str, headers: Callable[[], Mapping[str, str]]) -> Call:
        """Begin a call of `method`; `headers` are by lower-case name, and asked for while the call is in work only."""
        call = Call(self, method, headers, self._clock())
        self._metrics.began()
        _CURRENT.set(call)
        if self._tracer is not None:
            call._span = self._tracer.start(method, read_trace_context(headers()))
        return call

    def end(self, call: Call, code: str, started: float, received_bytes: int, sent_bytes: int) -> None:
        """Called by Call.end."""
        seconds = self._clock() - started
        self._metrics.answered(call.method, code, seconds, received_bytes=received_bytes, sent_bytes=sent_bytes)
        if code in _REFUSED_FOR:
            self._metrics.refused(_REFUSED_FOR[code])
        if call.doubt:
            self._metrics.unidentified(call.doubt)
        if self._access_log:
            _ACCESS.info("%s %s", call.method, code, extra={"fields": self._line(call, code, seconds)})
        if call._span is not None:
            call._span.end(code, _attributes(call))
        call.ended = True

    def _line(self, call: Call, code: str, seconds: float) -> dict[str, str | int | float]:
        """Return what one line of the access log says. What is not known is left out; of a payload nothing is known."""
        line: dict[str, str | int | float] = {"method": call.method, "code": code, "seconds": round(seconds, 6)}
        if call.model:
            line |= {"model": call.model, "version": call.version}
        if call.doubt:
            line["doubt"] = call.doubt
        if call.tenant in self._tenants:
            line["tenant"] = call.tenant
        if call.rows:
            line |= {"rows": call.rows, "queue_s": round(call.queue_s, 6)}
        return line  # the trace is the log handler's to add, as to every line that is written during the call


def current_call() -> Call | None:
    """Return the call that this task answers; None outside of one.

    Also in what outlives the call that it was started by, such as a queue's own task."""
    call = _CURRENT.get()
    return None if call is None or call.ended else call


def _attributes(call: Call) -> dict[str, str | int | float]:
    known: dict[str, str | int | float] = {
        "rpc.system": "http" if call.method.startswith("rest.") else "grpc",
        "nearfar.model": call.model,
        "nearfar.version": call.version,
        "nearfar.batch_rows": call.rows,
        "nearfar.queue_s": call.queue_s,
    }
    return {name: value for name, value in known.items() if value}
