"""The figures as a table, beside what they have to reach. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Goal", "goals", "lines"]

Results = dict[str, Any]  # Any: JSON
_LEAST: Final = "reads, runs and writes alone"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure beside its bound."""

    what: str
    value: float
    bound: float
    at_least: bool

    @property
    def reached(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{'ok  ' if self.reached else 'MISS'} {self.what:58} {self.value:8.2f}  wanted {sign} {self.bound:.2f}"


def goals(results: Results) -> Iterator[Goal]:
    """Yield what one model's figures are held to, as far as it was measured."""
    if "throughput_rps" in results:
        yield from _throughput(results["model"], _medians(results["throughput_rps"]))
    if "lone_p50_ms" in results:
        alone = _medians(results["lone_p50_ms"])
        yield Goal("a lone caller's p50, ms beyond the bare run", alone["nearfar"] - alone["bare"], 0.9, False)
        if "mlserver in process" in alone:
            yield Goal("  by MLServer's in process", alone["nearfar"] / alone["mlserver in process"], 1.0, False)
    if "memory_mib" in results:
        memory = results["memory_mib"]
        yield Goal("memory by onnxruntime's and gRPC's alone", memory["nearfar"] / memory["bare"], 1.25, False)
    if "overload" in results:
        told = results["overload"]
        yield Goal("twice the load that fits: answers by the peak", told["answered_rps"] / told["peak_rps"], 0.9, True)
        if "bare_beside_rps" in told:
            share = told["answered_rps"] / told["bare_beside_rps"]
            yield Goal("  by bare onnxruntime beside an echo of as many messages", share, 0.9, True)
        bound = 1.5 * told["live_p99_unloaded_ms"] + told["one_batch_ms"]
        yield Goal("  p99 of live traffic, ms", told["live_p99_ms"], bound, False)


def _throughput(model: str, rps: dict[str, float]) -> Iterator[Goal]:
    ours = rps["nearfar"]
    if model == "mlp":
        yield Goal("throughput by the echo's", ours / rps["echo"], 0.8, True)
        if _LEAST in rps:
            yield Goal("  by that of one that reads, runs and writes alone", ours / rps[_LEAST], 0.8, True)
    else:
        yield Goal("throughput by onnxruntime's limit", ours / rps["limit"], 0.85, True)
        if "limit beside an echo" in rps:
            yield Goal(
                "  by that limit beside an echo of as many messages", ours / rps["limit beside an echo"], 0.85, True
            )
    if "mlserver" in rps:
        tuned = max(value for name, value in rps.items() if name.startswith("mlserver"))
        yield Goal("  by MLServer's best setting", ours / tuned, 1.15, True)
        yield Goal("  by MLServer's default", ours / rps["mlserver"], 2.5, True)


def lines(results: Results) -> Iterator[str]:
    """Yield the lines for one model."""
    yield f"{results['model']}: {results['about']}"
    for part, unit in (("throughput_rps", "requests/s"), ("lone_p50_ms", "ms, a lone caller's p50")):
        if part in results:
            yield f"  {unit}"
            for name, told in results[part].items():
                yield f"    {name:38} {told['median']:>12,.2f}   {_spread(told['rounds'])}"
    if "memory_mib" in results:
        memory = results["memory_mib"]
        yield f"  MiB: nearfar {memory['nearfar']:,.0f}, onnxruntime and gRPC alone {memory['bare']:,.0f}"
    if "overload" in results:
        yield "  twice the load that fits"
        for name, told in results["overload"].items():
            yield f"    {name:38} {told}"
    yield from (f"  {goal}" for goal in goals(results))


def _medians(told: dict[str, dict[str, Any]]) -> dict[str, float]:  # Any: JSON
    return {name: figures["median"] for name, figures in told.items()}


def _spread(rounds: Sequence[float]) -> str:
    return f"{min(rounds):,.2f} to {max(rounds):,.2f}" if len(rounds) > 1 else ""
