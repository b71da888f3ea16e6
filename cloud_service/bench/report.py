"""What came of it, as a table for people and as JSON for machines. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloud_service.bench.options import Closed, Options
from cloud_service.bench.tally import Durations, Tally

__all__ = ["Report"]

_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
# A generator that was late so often by so much shows its own limit, not the server's.
_LATE_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Report:
    """`request_bytes` is the length of a request."""

    options: Options
    tally: Tally
    request_bytes: int
    interrupted: bool

    @property
    def throughput_rps(self) -> float | None:
        """Answers that came in the window, by its length; None where it was cut short before it began."""
        return self.tally.answered / self.tally.seconds if self.tally.seconds else None

    @property
    def late(self) -> bool:
        """Whether the generator, not the server, was what held requests up."""
        late_s = self.tally.lateness.quantile(0.99)
        return late_s is not None and late_s > _LATE_S and not isinstance(self.options.loop, Closed)

    def document(self) -> dict[str, Any]:  # Any: JSON
        """Return what --json writes. A figure that was not measured is null."""
        options, tally, loop = self.options, self.tally, self.options.loop
        closed = isinstance(loop, Closed)
        return {
            "target": str(options.target),
            "model": options.model,
            "version": options.version,
            "loop": "closed" if isinstance(loop, Closed) else f"open, {loop.rhythm}",
            "concurrency": loop.concurrency if isinstance(loop, Closed) else None,
            "offered_rps": None if isinstance(loop, Closed) else loop.rate,
            "rows": options.rows if options.input is None else None,
            "request_bytes": self.request_bytes,
            "priority": options.priority,
            "processes": options.processes,
            "connections": options.connections,
            "seconds": round(tally.seconds, 3),
            "interrupted": self.interrupted,
            "requests": tally.requests,
            "errors": tally.errors.total(),
            "errors_by_code": dict(sorted(tally.errors.items())),
            "throughput_rps": _rounded(self.throughput_rps),
            **{f"{name}_ms": _milliseconds(tally.latency, share) for name, share in _QUANTILES.items()},
            "mean_ms": _rounded(1e3 * tally.latency.total_s / tally.latency.count) if tally.latency.count else None,
            "sent_late_p99_ms": None if closed else _milliseconds(tally.lateness, 0.99),
        }

    def table(self) -> str:
        """Return the lines for people, the last with its end."""
        told = self.document()
        shown: Mapping[str, str] = {
            "target": f"{told['target']}, model {told['model']}"
            + (f" version {told['version']}" if told["version"] else ""),
            "load": f"{told['loop']}, "
            + (
                f"{told['concurrency']} callers"
                if told["concurrency"]
                else f"{told['offered_rps']:g} requests/s offered"
            )
            + f", {told['request_bytes']:,} bytes a request",
            "measured": f"{told['seconds']:g} s" + (", interrupted" if self.interrupted else ""),
            "requests": f"{told['requests']:,}",
            "throughput": _shown(told["throughput_rps"], "requests/s"),
            **{name: _shown(told[f"{name}_ms"], "ms") for name in _QUANTILES},
            "errors": f"{told['errors']:,}"
            + "".join(f"\n{'':12}{number:,} {code}" for code, number in told["errors_by_code"].items()),
        }
        lines = [f"{name:12}{value}\n" for name, value in shown.items()]
        if self.late:
            lines.append(
                f"The generator itself was {told['sent_late_p99_ms']:g} ms late at its 99th percentile: "
                "spread it with --processes, or give it cores of its own.\n"
            )
        return "".join(lines)


def _milliseconds(durations: Durations, share: float) -> float | None:
    seconds = durations.longest_s if share == 1 and durations.count else durations.quantile(share)
    return None if seconds is None else _rounded(seconds * 1e3)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _shown(value: float | None, unit: str) -> str:
    return "not measured" if value is None else f"{value:,.2f} {unit}"
