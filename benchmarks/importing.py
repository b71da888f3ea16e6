"""`import edge_agent` against `import onnxruntime`, each in fresh processes that take turns."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.timing import spread

__all__ = ["main"]

_ROUNDS = 9


def main() -> None:
    statements = {"python alone": "pass", "onnxruntime": "import onnxruntime", "edge_agent": "import edge_agent"}
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(_ROUNDS):
        for name, statement in statements.items():
            times[name].append(_seconds(statement))
    alone = spread(times["python alone"]).median
    print("import, milliseconds beyond the interpreter's own start")
    for name in ("onnxruntime", "edge_agent"):
        print(f"    {name:14} {spread([(t - alone) * 1000 for t in times[name]]):.0f}")
    ratios = [mine / theirs for mine, theirs in zip(times["edge_agent"], times["onnxruntime"], strict=True)]
    print(f"    ratio of the whole processes: {spread(ratios):.2f}")
    loaded = subprocess.run(
        [sys.executable, "-c", "import edge_agent, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    for module in ("onnxruntime", "grpc", "pydantic", "prometheus_client", "psutil", "numpy", "google"):
        print(f"    {module:18} {'loads with it' if module in loaded else 'waits until it is needed'}")


def _seconds(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - started
