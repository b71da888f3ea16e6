"""What certified thresholds leave on the device, and how often the promise is broken, on the data under NEARFAR_DATA.

`python -m benchmarks.promise --json FILE --redraws 300`; a few minutes on two cores."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.certifying import intents, pictures
from benchmarks.certifying.outcomes import Pair, Progress
from benchmarks.certifying.redraws import CERTIFIED, DELTA, Point, Setting, best_fixed, points
from cloud_service.publish.terminal import watch
from router.cascade.learn import Method

__all__ = ["lines", "main"]

_REDRAWS: Final = 300
_ALPHAS: Final = (0.01, 0.02, 0.05)
_PAIRS: Final[dict[str, tuple[Callable[[Path, Progress], Pair], tuple[tuple[int, tuple[float, ...]], ...]]]] = {
    "cifar10": (pictures.cifar10, tuple((n, _ALPHAS) for n in (500, 1000, 2000))),
    "clinc150": (intents.clinc150, tuple((n, _ALPHAS) for n in (500, 1000, 2000))),
    # Five hundred pictures in all: what is left of them bears no small alpha.
    "imagenet": (pictures.imagenet, ((200, (0.05, 0.1, 0.2)),)),
}


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promise", description=__doc__)
    parser.add_argument("--pairs", nargs="+", choices=list(_PAIRS), default=list(_PAIRS))
    parser.add_argument("--redraws", type=int, default=_REDRAWS)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args(arguments)
    data = os.environ.get("NEARFAR_DATA")
    if not data:
        print("what a promise is worth: left out, as NEARFAR_DATA names no folder of models and data")
        return 0
    print(
        f"what a promise of at most alpha, with a confidence of {1 - DELTA:g}, is worth: {given.redraws} calibrations"
    )
    print(
        "escalated: share that is, mean and deviation over calibrations; broken: share of calibrations that lose more"
    )
    found: list[Point] = []
    for name in given.pairs:
        make, sizes = _PAIRS[name]
        settings = [Setting(method, n, alphas) for method in Method for n, alphas in sizes]
        with watch() as progress:
            pair = make(Path(data), progress)
            told = points(pair, settings, given.redraws, progress, processes=os.cpu_count() or 1)
        print(f"\n{pair.name}: {pair.about}, {len(pair)} examples", flush=True)
        print("\n".join(lines(told)), flush=True)
        found += told
    if given.json:
        given.json.write_text(json.dumps([_told(point) for point in found], indent=2) + "\n", encoding="utf-8")
    return 0


def lines(told: Sequence[Point]) -> Iterator[str]:
    """Yield a table: a row a method, size and alpha."""
    yield (
        f"  {'method':10}{'n':>6}{'alpha':>7}  {'escalated':>13}{'broken':>8}{'may be':>8}{'by betting':>12}"
        f"  {'best fixed confidence':>29}{'broken':>8}  {'ahead':>16}  {'hindsight':>9}"
    )
    for point in told:
        fixed = best_fixed(point)
        betting = next((share for name, share in point.escalated.items() if "betting" in name), None)
        mine = f"{point.escalated[CERTIFIED]:.3f} ({point.deviation[CERTIFIED]:.3f})"
        theirs = f"{fixed} {point.escalated[fixed]:.3f} ({point.deviation[fixed]:.3f})"
        ahead = f"{point.ahead[fixed]:+.3f} ± {2 * point.unsure[fixed]:.3f}"
        marks = "" if point.broken[CERTIFIED] <= point.bound else "  BROKEN"
        marks += "  BEHIND" if point.ahead[fixed] < -2 * point.unsure[fixed] else ""
        yield (
            f"  {point.setting.method.value:10}{point.setting.n:6}{point.alpha:7.0%}  {mine:>13}"
            f"{point.broken[CERTIFIED]:8.3f}{point.bound:8.3f}{'' if betting is None else f'{betting:.3f}':>12}"
            f"  {theirs:>29}{point.broken[fixed]:8.3f}  {ahead:>16}  {point.hindsight:9.3f}{marks}"
        )


def _told(point: Point) -> dict[str, Any]:  # Any: JSON
    return {**asdict(point), "bound": point.bound, "best_fixed": best_fixed(point)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
