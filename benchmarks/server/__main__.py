"""`make bench-server`: see the package. BENCH_ARGS="--quick" for a look, some 20 minutes for the whole."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.server.contenders import ROOT, Place
from benchmarks.server.models import MODELS, write_models
from benchmarks.server.parts import Plan, measure
from benchmarks.server.table import goals, lines

_PARTS: Final = ("throughput", "lone", "memory", "overload")
_MLSERVER: Final = ROOT / ".venv-mlserver" / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each turn lasts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round of turns of two seconds")
    parser.add_argument("--mlserver", type=Path, default=_MLSERVER, help="a Python that has MLServer")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args()
    plan = Plan(2.0 if given.quick else given.seconds, 1 if given.quick else given.rounds, given.parts)
    models = ROOT / "build" / "bench-server" / "models"
    write_models(models)
    mlserver = given.mlserver if given.mlserver.exists() else None
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    if mlserver is None:
        print(f"MLServer is left out: there is no {given.mlserver}; `make bench-server` installs it")
    results = []
    with tempfile.TemporaryDirectory(dir=models.parent) as work:
        for name in given.models:
            print(f"\n{name}", flush=True)
            results.append(measure(Place(models, Path(work), mlserver), MODELS[name], plan))
            print("\n".join(lines(results[-1])), flush=True)
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    missed = sum(not goal.reached for told in results for goal in goals(told))
    print(f"\n{missed or 'no'} goal{'' if missed == 1 else 's'} missed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
