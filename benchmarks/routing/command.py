"""`python -m benchmarks.routing`: see README.md beside this file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.routing.days import names, recorded
from benchmarks.routing.measuring import Day, measure, runs
from benchmarks.routing.picture import drawn
from benchmarks.routing.table import as_json, day_lines, summary_lines
from router.cli.outputs import page, refuse_early, write
from router.cli.progress import Progress
from router.cli.workers import Workers, cores

__all__ = ["main"]


def main(arguments: Sequence[str] = ()) -> int:
    known = names()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=__doc__)
    parser.add_argument("days", nargs="*", metavar="DAY", help=f"{', '.join(known)}, or a file (default: all)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="so many seeds of each day, from 1")
    parser.add_argument("--policy", type=Path, action="append", default=[], metavar="FILE", help="run this one as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the scores there")
    parser.add_argument("--workers", type=int, default=cores(), metavar="N", help="so many runs at a time")
    given = parser.parse_args(list(arguments))
    if given.seeds < 1 or given.workers < 1:
        parser.error("--seeds and --workers are at least 1")
    for name in given.days:
        if name not in known and not name.endswith(".toml"):
            parser.error(f"there is no day {name}; there are {', '.join(known)}")
    refuse_early((given.json, given.svg), [*given.policy, *map(Path, given.days)])
    out = page(given.json, given.svg)
    chosen, seeds = given.days or known, list(range(1, given.seeds + 1))
    if not recorded():
        print("(recorded links are left out: NEARFAR_DATA is not set)", file=out)
    measured: list[Day] = []
    with Progress(sys.stderr, runs(chosen, given.seeds, given.policy)) as progress:
        for day in measure(chosen, seeds, given.policy, progress.step, Workers(given.workers)):
            measured.append(day)
            progress.clear()
            print("\n".join(day_lines(day)), end="\n\n", flush=True, file=out)
    print("\n".join(summary_lines(measured)), file=out)
    if given.json is not None:
        write(given.json, json.dumps(as_json(measured), indent=2) + "\n")
    if given.svg is not None:
        write(given.svg, drawn(measured))
    return 0
