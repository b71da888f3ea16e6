"""`make bench`: every benchmark of the router, the agent and of preparing, or those named on the command line.

`python -m benchmarks backtest [--seconds N] [--json FILE]` and `python -m benchmarks fleet [--requests N ...]` are each
one for itself: they take minutes, and options."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from typing import Final

from benchmarks import (
    deciding,
    drifting,
    fleet,
    importing,
    installed_size,
    judging,
    learning,
    links,
    overhead,
    preparing,
    promise,
    routing,
    sampling,
    shadowing,
    simulating,
    tuning,
    values,
)

_ALL: Final[dict[str, Callable[[], object]]] = {
    "overhead": overhead.main,
    "deciding": deciding.main,
    "learning": learning.main,
    "importing": importing.main,
    "size": installed_size.main,
    "values": values.main,
    "judging": judging.main,
    "promise": promise.main,
    "drifting": drifting.main,
    "preparing": preparing.main,
    "sampling": sampling.main,
    "shadowing": shadowing.main,
    "simulating": simulating.main,
    "links": links.main,
    "routing": routing.main,
    "tuning": tuning.main,
}


def _backtest(arguments: list[str]) -> int:
    from benchmarks.backtest.run import main as backtest  # wants what `nearfar[demo]` brings along

    return backtest(arguments)


_ALONE: Final[dict[str, Callable[[list[str]], int]]] = {"backtest": _backtest, "fleet": fleet.main}


def main(names: list[str]) -> int:
    if names and names[0] in _ALONE:
        return _ALONE[names[0]](names[1:])
    unknown = sorted(set(names) - set(_ALL))
    if unknown:
        known = f"{', '.join(_ALL)}; and, each by itself, {', '.join(_ALONE)}"
        print(f"no benchmark {unknown[0]!r}; there are: {known}", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    print("Each figure is a median, with its quartiles over rounds in which the contenders take turns.")
    for name in names or list(_ALL):
        print()
        _ALL[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
