"""The report of `nearfar-policy simulate --html`: gathers what router.report wants, and writes the page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, TextIO

from router.cli.outputs import write
from router.cli.progress import Progress
from router.cli.whole import whole
from router.report.page import Dress, page
from router.report.study import MOST_POINTS, combinations, examine, fewer_than, steps
from router.rules.policy import Policy
from router.simulate.comparison import Comparison
from router.simulate.scenario import Scenario
from router.simulate.spread import Spread

__all__ = ["takes_report", "write_report"]

# Seven stops of each weight, which is more than anybody waits for.
_MOST_POINTS: Final = 2401


def takes_report(parser: argparse.ArgumentParser) -> None:
    """Add the options that ask for a report."""
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write a report there: one page that needs no network to be read; -: print it",
    )
    parser.add_argument(
        "--points",
        type=whole(0, _MOST_POINTS),
        metavar="N",
        help=f"with --html: run the first policy with up to so many other weights, which the report's sliders show"
        f" (0 to {_MOST_POINTS}; default: {MOST_POINTS}; fewer where there are many requests, so that the report takes"
        " some two minutes, or a quarter of an hour where N is given)",
    )


def write_report(
    path: Path,
    scenario: Scenario,
    policies: Sequence[Policy],
    seed: int,
    compared: Comparison,
    *,
    most_points: int | None,
    spread: Spread,
    out: TextIO,
) -> None:
    """Look into what was compared, and write the page; tell on `out` where it is less than one might expect. Raises
    OSError."""
    requests = compared.static.requests
    wished = fewer_than(requests, most_points)
    if wished is not None:
        tried = combinations(policies[0], requests, most_points)
        more = f"; --points {wished} asks for more, and takes longer" if most_points is None else ""
        print(f"\nreport: {tried} other weights in place of up to {wished}, for {requests:,} requests{more}", file=out)
    out.flush()  # what follows takes longer than the table did
    with Progress(sys.stderr, steps(policies, requests, most_points)) as progress:
        study = examine(scenario, policies, seed, compared, most_points=most_points, watch=progress.step, spread=spread)
    write(path, page(study, _dress()))


def _dress() -> Dress:
    room = files("router.report")
    return Dress(*(room.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")))
