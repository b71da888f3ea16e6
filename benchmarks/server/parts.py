"""What is measured of one model: throughput in turns, a lone caller, memory, and twice the load that fits."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from benchmarks.server.contenders import (
    ECHO,
    ECHO_MESSAGES,
    LEAST,
    MLSERVERS,
    NEARFAR,
    NEARFAR_2,
    Contender,
    Place,
    Server,
    echo_holding,
    memory_bytes,
    serving,
)
from benchmarks.server.limit import Way, lone_ms, rows_per_second, ways
from benchmarks.server.load import WARM_UP_S, bench, started
from benchmarks.server.models import Model

__all__ = ["CALLERS", "Plan", "Results", "measure"]

CALLERS: Final = 32
# A hundredth of the live requests decides, and of a tenth of the traffic there are few.
_OVERLOAD_TURNS: Final = 4
_STARTS_S: Final = 2.0
"""So long the load generator takes to start, and"""
_LOADS_S: Final = 3.0
"""so long a bare process, generously."""
# The batch class offers what makes it twice the peak together with this share of live traffic.
_LIVE_SHARE: Final = 0.1
_LIVE: Final = "1"
_BATCH: Final = "3"

Results = dict[str, Any]  # Any: JSON: figures by part and contender


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each turn lasts, how many rounds there are, and which parts are wanted."""

    seconds: float
    rounds: int
    parts: Sequence[str]


def measure(place: Place, model: Model, plan: Plan) -> Results:
    """Measure one model and return the figures: medians, with the values of each round beside them."""
    results: Results = {"model": model.name, "about": model.about}
    contenders = [NEARFAR, NEARFAR_2, ECHO, ECHO_MESSAGES, *(MLSERVERS if place.mlserver else ())]
    if model.name == "mlp":  # it blocks the event loop, which is no way to serve what takes long
        contenders.append(LEAST)
    best = _best_ways(place, model)
    with contextlib.ExitStack() as stack:
        servers = {}
        for contender in contenders:
            print(f"    starting {contender.name}", flush=True)
            servers[contender] = stack.enter_context(serving(contender, place, model))
        if "throughput" in plan.parts:
            results["throughput_rps"] = _throughput(place, model, plan, servers, best)
        if "lone" in plan.parts:
            results["lone_p50_ms"] = _lone(place, model, plan, servers)
        if "memory" in plan.parts:
            bench(servers[NEARFAR], model.name, 1.0, "--concurrency", str(CALLERS))
            results["memory_mib"] = {"nearfar": round(memory_bytes(servers[NEARFAR]) / 2**20, 1)}
            # Compared with the same sessions, which is the service's to choose.
            lone = "a session of its own" in servers[NEARFAR].log.read_text(encoding="utf-8")
            results["lone_session"] = lone
    if "memory" in plan.parts:
        results["memory_mib"]["bare"] = _bare_memory(place, model, best[0].rows, lone=lone)
    if "overload" in plan.parts:
        results["overload"] = _overload(place, model, plan)
    return results


def _best_ways(place: Place, model: Model) -> list[Way]:
    """Return the two best ways to run the bare model, found by short trials."""
    tried = {way: rows_per_second(place.file(model), model, way, 0.5) for way in ways(os.cpu_count() or 1, CALLERS)}
    return sorted(tried, key=lambda way: -tried[way])[:2]


def _throughput(
    place: Place, model: Model, plan: Plan, servers: dict[Contender, Server], best: Sequence[Way]
) -> dict[str, Any]:  # Any: JSON
    turns = {"limit": partial(_limit, place, model, best, plan.seconds)}
    for contender, server in servers.items():
        flags = ("--concurrency", str(CALLERS), "--connections", str(contender.connections))
        turns[contender.name] = partial(_rps, server, model, plan.seconds, flags)
    measured: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(plan.rounds):
        for name, turn in turns.items():
            measured[name].append(round(turn(), 1))
            print(f"    round {number + 1}: {name} {measured[name][-1]:,.0f}/s", flush=True)
        if model.name != "mlp":
            rate = _beside_an_echo(place, model, best[0], plan.seconds, servers[ECHO_MESSAGES], measured["limit"][-1])
            measured.setdefault("limit beside an echo", []).append(round(rate, 1))
            print(f"    round {number + 1}: limit beside an echo {rate:,.0f}/s", flush=True)
    return {name: {"median": statistics.median(values), "rounds": values} for name, values in measured.items()}


def _limit(place: Place, model: Model, best: Sequence[Way], seconds: float) -> float:
    return max(rows_per_second(place.file(model), model, way, seconds / len(best)) for way in best)


def _beside_an_echo(place: Place, model: Model, way: Way, seconds: float, echo: Server, limit: float) -> float:
    """Return how many rows a second the bare loop runs while as many requests a second go to an echo and back.

    The cores that load, receive and answer are those that infer: a server that cost nothing but its messages would
    reach this. The loop slows in proportion to the echo's rate, so one rate tells where the two meet."""
    rate = 0.8 * limit
    load = ("--rate", str(rate), "--arrivals", "constant")
    beside = _bare_beside(place, model, way, seconds, echo, (load,))
    return limit / (1 + (limit - beside) / rate)


def _bare_beside(
    place: Place, model: Model, way: Way, seconds: float, echo: Server, loads: Sequence[Sequence[str]]
) -> float:
    """Return how many rows a second the bare loop runs while such loads go to an echo and back."""
    running = [started(echo, model.name, seconds + _STARTS_S + _LOADS_S, *flags) for flags in loads]
    time.sleep(_STARTS_S + WARM_UP_S)
    beside = rows_per_second(place.file(model), model, way, seconds)
    for load in running:
        load.report()
    return beside


def _rps(server: Server, model: Model, seconds: float, flags: Sequence[str]) -> float:
    report = bench(server, model.name, seconds, *flags)
    if report["errors"]:
        print(f"      errors: {report['errors_by_code']}", flush=True)
    return float(report["throughput_rps"])


def _lone(place: Place, model: Model, plan: Plan, servers: dict[Contender, Server]) -> dict[str, Any]:  # Any: JSON
    alone = {contender: server for contender, server in servers.items() if contender is not NEARFAR_2}
    measured: dict[str, list[float]] = {"bare": [], **{contender.name: [] for contender in alone}}
    for _ in range(plan.rounds):
        measured["bare"].append(lone_ms(place.file(model), model, plan.seconds / 2))
        for contender, server in alone.items():
            report = bench(server, model.name, plan.seconds / 2, "--concurrency", "1")
            measured[contender.name].append(report["p50_ms"])
    return {
        name: {"median": round(statistics.median(values), 3), "rounds": [round(value, 3) for value in values]}
        for name, values in measured.items()
    }


def _bare_memory(place: Place, model: Model, rows: int, *, lone: bool) -> float:
    with serving(echo_holding(place.file(model), rows, os.cpu_count() or 1, lone=lone), place, model) as server:
        return round(memory_bytes(server) / 2**20, 1)


def _overload(place: Place, model: Model, plan: Plan) -> dict[str, Any]:  # Any: JSON
    """Offer twice what fits, a tenth of the peak of it live, and compare with each alone; and with what bare runs
    reach beside as many messages, since the cores that infer are those that offer, receive and refuse."""
    with serving(NEARFAR, place, model) as server:
        seconds = _OVERLOAD_TURNS * plan.seconds
        load = partial(bench, server, model.name, seconds)
        peak = float(load("--concurrency", str(CALLERS))["throughput_rps"])
        live = ("--rate", str(_LIVE_SHARE * peak), "--priority", _LIVE)
        unloaded = load(*live)
        batch = ("--rate", str((2 - _LIVE_SHARE) * peak), "--priority", _BATCH)
        running = started(server, model.name, seconds, *batch)
        loaded = load(*live)
        flood = running.report()
    with serving(ECHO_MESSAGES, place, model) as echo:
        beside = _bare_beside(place, model, _best_ways(place, model)[0], plan.seconds, echo, (live, batch))
    return {
        "peak_rps": peak,
        "offered_rps": 2 * peak,
        "answered_rps": round(loaded["throughput_rps"] + flood["throughput_rps"], 1),
        "bare_beside_rps": round(beside, 1),
        "live_p99_unloaded_ms": unloaded["p99_ms"],
        "live_p99_ms": loaded["p99_ms"],
        "live_p50_unloaded_ms": unloaded["p50_ms"],
        "live_p50_ms": loaded["p50_ms"],
        "live_requests": loaded["requests"],
        "live_errors": loaded["errors_by_code"],
        "batch_p50_ms": flood["p50_ms"],
        "batch_errors": flood["errors_by_code"],
        "one_batch_ms": round(1e3 * _batch_s(place, model), 1),
    }


def _batch_s(place: Place, model: Model) -> float:
    """Return how long the longest batch takes that is worth running: the best bare one on one core."""
    way = max(_best_ways(place, model), key=lambda way: way.rows)
    return way.rows * way.processes * way.threads / rows_per_second(place.file(model), model, way, 1.0)
