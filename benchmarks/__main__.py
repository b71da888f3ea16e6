"""`make bench`: every benchmark of the router, the agent and of preparing, or those named on the command line.

`python -m benchmarks backtest [--seconds N] [--json FILE]` and `python -m benchmarks fleet [--requests N ...]` are each
one for itself: they take minutes."""

from __future__ import annotations

import os
import platform
import sys

from benchmarks import (
    deciding,
    drifting,
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

_ALL = {
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


def main(names: list[str]) -> int:
    if names[:1] == ["backtest"]:
        from benchmarks.backtest.run import main as backtest  # wants what `nearfar[demo]` brings along

        return backtest(names[1:])
    if names[:1] == ["fleet"]:
        from benchmarks.fleet import main as fleet

        return fleet(names[1:])
    unknown = sorted(set(names) - set(_ALL))
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(_ALL)}, and backtest by itself", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    print("Each figure is a median, with its quartiles over rounds in which the contenders take turns.")
    for name in names or list(_ALL):
        print()
        _ALL[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
