"""How busy the service is, told at the end of a call with ORCA's names. Pure.

Over gRPC it is the trailing metadata LOAD_KEYS, over HTTP the header LOAD_HEADER. What is read comes from whoever
answered: a report is believed as far as it is finite and plausible, or it is none at all. A report of another server,
which does not tell how long its calls wait, is none either: unknown is not zero."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from nearfar_wire.orca_pb2 import OrcaLoadReport

__all__ = ["LOAD_FORMAT_HEADER", "LOAD_HEADER", "LOAD_KEYS", "LoadReport", "decode_load", "encode_load", "load_text"]

LOAD_KEYS: Final = ("endpoint-load-metrics-bin", "nearfar-load-bin")
"""Both with the same bytes: the first is ORCA's, for balancers. gRPC's C core, and with it Python, reads that one for
its own policies and does not hand it to the application; our agent finds the second."""
LOAD_HEADER: Final = "endpoint-load-metrics"
LOAD_FORMAT_HEADER: Final = "endpoint-load-metrics-format"
"""What a caller over HTTP asks for a report with: `text` or `json`."""

_QUEUE_WAIT: Final = "queue_wait_s"
_LIMIT: Final = "limit"
_STAY_LOCAL: Final = "stay_local_s"
_UTILISATION: Final = "application_utilization"

# Ours has some 90 bytes; a stranger's names a dozen metrics.
_MAX_BYTES: Final = 2048
_MAX_WAIT_S: Final = 3600.0
_MAX_UTILISATION: Final = 1000.0
_MAX_LIMIT: Final = 1 << 31
# Whoever could keep a device away for longer could keep it away for good.
_MAX_STAY_LOCAL_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class LoadReport:
    """`utilisation` is the calls in work in proportion to `limit`. `stay_local_s` of 0 means that calls are welcome."""

    queue_wait_s: float
    utilisation: float
    limit: int
    stay_local_s: float = 0.0


def encode_load(report: LoadReport) -> bytes:
    """Return the bytes of ORCA's message."""
    message = OrcaLoadReport(application_utilization=report.utilisation)
    message.named_metrics.update(_named(report))
    return message.SerializeToString()


def decode_load(content: bytes) -> LoadReport | None:
    """Return what ORCA's message says; None for what is damaged, contradicts itself or tells nothing of the queue."""
    if len(content) > _MAX_BYTES:
        return None
    try:
        message = OrcaLoadReport.FromString(content)
    except DecodeError:
        return None
    named = message.named_metrics
    if _QUEUE_WAIT not in named or _LIMIT not in named:
        return None
    stay_local_s = named.get(_STAY_LOCAL, 0.0)
    numbers = (named[_QUEUE_WAIT], message.application_utilization, named[_LIMIT], stay_local_s)
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        return None
    return LoadReport(
        queue_wait_s=min(numbers[0], _MAX_WAIT_S),
        utilisation=min(numbers[1], _MAX_UTILISATION),
        limit=int(min(numbers[2], _MAX_LIMIT)),
        stay_local_s=min(numbers[3], _MAX_STAY_LOCAL_S),
    )


def load_text(report: LoadReport, wanted: str) -> str | None:
    """Return the header's value in the format that is `wanted`, in any case; None for a format that there is not."""
    match wanted.strip().lower():
        case "text":
            named = ", ".join(f"named_metrics.{name}={value:.6g}" for name, value in _named(report).items())
            return f"TEXT {_UTILISATION}={report.utilisation:.6g}, {named}"
        case "json":
            return "JSON " + json.dumps({_UTILISATION: report.utilisation, "named_metrics": _named(report)})
        case _:
            return None


def _named(report: LoadReport) -> dict[str, float]:
    named = {_QUEUE_WAIT: report.queue_wait_s, _LIMIT: float(report.limit)}
    if report.stay_local_s:
        named[_STAY_LOCAL] = report.stay_local_s
    return named
