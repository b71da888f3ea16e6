"""A fleet in one run: two hundred phones and the server that they share, for as long as so many requests take. What a
request costs, whether that is linear in them, and what memory it takes. Linux only.

    python -m benchmarks fleet [--requests N ...] [--devices N]

One for itself: a million requests take minutes. Each size is run in a process of its own, so that the memory of one is
not the other's."""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from router.cli.collecting import collected_rarely
from router.cli.scenario_files import find_scenario
from router.rules.compile import built_in_policy
from router.simulate.fleet import simulate_fleet

__all__ = ["main"]

_SIZES: Final = (10_000, 100_000, 1_000_000)
_PER_DEVICE_AND_S: Final = 0.5
"""As the scenario has it."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks fleet", description="Simulate a fleet of phones.")
    parser.add_argument("--requests", type=int, nargs="+", default=list(_SIZES), metavar="N", help="sizes to run")
    parser.add_argument("--devices", type=int, default=200, metavar="N", help="default: %(default)s")
    given = parser.parse_args(arguments)
    if given.devices < 1 or min(given.requests) < 1:
        parser.error("it takes a device and a request at least")
    print(f"router.simulate: a fleet of {given.devices:,} phones and their server (processor time)")
    spawn = multiprocessing.get_context("spawn")
    for requests in given.requests:
        with ProcessPoolExecutor(1, spawn) as alone:
            made, taken_s, before_mb, after_mb = alone.submit(_run, requests, given.devices).result()
        print(
            f"    {made:9,} requests: {taken_s:7.1f} s, {made / taken_s:7,.0f} a second, {taken_s / made * 1e6:4.0f} us"
            f" each; {after_mb - before_mb:4.0f} MB beyond the {before_mb:.0f} MB of the program"
        )
    return 0


def _run(requests: int, devices: int) -> tuple[int, float, float, float]:
    setting = find_scenario("stampede").setting
    setting = replace(setting, duration_s=requests / devices / _PER_DEVICE_AND_S)
    policy, before_mb = built_in_policy(), _peak_mb()
    started = time.process_time()
    with collected_rarely():
        ran = simulate_fleet(setting, policy, 1, devices)
    return ran.outcomes.requests, time.process_time() - started, before_mb, _peak_mb()


def _peak_mb() -> float:
    # Not getrusage: what a process was started from counts there as its own.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmHWM:"))
