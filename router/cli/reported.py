"""The report of `nearfar-policy simulate --html`: gathers what router.report wants, and writes the page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from router.cli.outputs import write
from router.cli.progress import Progress
from router.cli.whole import whole
from router.report.page import Dress, page
from router.report.study import MOST_POINTS, examine, steps
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
        f" (0 to {_MOST_POINTS}; default: {MOST_POINTS}, and fewer where there are many requests)",
    )


def write_report(
    path: Path,
    scenario: Scenario,
    policies: Sequence[Policy],
    seed: int,
    compared: Comparison,
    *,
    most_points: int,
    spread: Spread,
) -> None:
    """Look into what was compared, and write the page. Raises OSError."""
    with Progress(sys.stderr, steps(policies, compared.static.requests, most_points)) as progress:
        study = examine(scenario, policies, seed, compared, most_points=most_points, watch=progress.step, spread=spread)
    write(path, page(study, _dress()))


def _dress() -> Dress:
    room = files("router.report")
    return Dress(*(room.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")))
