"""The process that sandbox.py starts: `python -m cloud_service.publish.trial FOLDER`.

In a process of its own a model that wants all memory, never ends or crashes the runtime takes nobody along. FOLDER
holds `job.json` and the files that it names; what comes of it is written beside them, and nothing elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from cloud_service.backend import Backend
from cloud_service.backends.opening import open_backend
from cloud_service.publish.columns import load_columns, row_of, rows_in, save_columns
from cloud_service.repository.serving import Instances

__all__ = ["main"]

_WARM_UP: Final = 3


def main(folder: Path) -> None:
    """Do the job in `folder`: "open" a model, "answer" with it, "time" several in turns, "make" a smaller one."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    jobs = {"open": _open, "answer": _answer, "time": _time, "make": _make}
    _bound_memory(job["memory_bytes"])
    try:
        done = jobs[job["kind"]](folder, job)
    except Exception as error:  # noqa: BLE001  (told to whoever started this process, which ends here)
        done = {"failed": _in_words(error, job)}
    (folder / "done.json").write_text(json.dumps(done), "utf-8")


def _open(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:  # Any, here and below: JSON
    backend = _backend(folder / job["model"], job)
    return {
        side: [(spec.name, spec.datatype, list(spec.shape)) for spec in specs]
        for side, specs in (("inputs", backend.inputs), ("outputs", backend.outputs))
    }


def _answer(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    columns = load_columns(folder / job["inputs"])
    before = _peak_bytes(anew=True)
    backend = _backend(folder / job["model"], job)
    outputs = job["outputs"] or [spec.name for spec in backend.outputs]
    made = [backend.new_run().execute(row_of(columns, index), outputs) for index in range(rows_in(columns))]
    after = _peak_bytes()
    save_columns(folder / job["answers"], {name: np.concatenate([one[name] for one in made]) for name in outputs})
    return {"memory_bytes": None if before is None or after is None else max(0, after - before)}


def _time(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """Candidates take turns, so that whatever else the machine does hits all of them alike."""
    opened = []
    for model in job["models"]:
        columns = load_columns(folder / model["inputs"])
        rows = [row_of(columns, index) for index in range(rows_in(columns))]
        opened.append((_backend(folder / model["model"], job), rows, [model["output"]]))
    for backend, rows, outputs in opened:
        for row in rows[:_WARM_UP]:
            backend.new_run().execute(row, outputs)
    taken: list[list[float]] = [[] for _ in opened]
    began = time.perf_counter()
    turn = 0
    while turn < job["turns"] and (turn == 0 or time.perf_counter() - began < job["seconds"]):
        for place, (backend, rows, outputs) in enumerate(opened):
            row = rows[turn % len(rows)]
            started = time.perf_counter()
            backend.new_run().execute(row, outputs)
            taken[place].append(time.perf_counter() - started)
        turn += 1
    return {"seconds": taken}


def _make(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    # The tools take a second to import, and only this job needs them.
    from cloud_service.publish.candidates.ways import make

    content = (folder / job["model"]).read_bytes()
    made = make(job["way"], content, load_columns(folder / job["inputs"]), job["arguments"])
    (folder / job["made"]).write_bytes(made)
    return {}


def _backend(path: Path, job: Mapping[str, Any]) -> Backend:
    return open_backend(path.read_bytes(), Instances(threads_per_run=job["threads"]))


def _in_words(error: BaseException, job: Mapping[str, Any]) -> str:
    """Say what went wrong by the error's type: its words may quote the model's author."""
    from cloud_service.publish.candidates.candidate import Unsuited

    if isinstance(error, Unsuited):
        return str(error)
    met: list[BaseException] = [error]
    while (cause := met[-1].__cause__ or met[-1].__context__) is not None:
        met.append(cause)
    if any(isinstance(one, MemoryError) or "alloc" in str(one).lower() for one in met):
        limit = "there is" if job["memory_bytes"] is None else f"{job['memory_bytes'] >> 20} MiB"
        return f"it wants more memory than {limit}"
    if job["kind"] != "make":
        return f"it does not run here ({type(met[-1]).__name__})"
    if isinstance(error, ImportError):
        return f"it takes {error.name}; install nearfar[publish]"
    return f"the tool that makes it gave up ({type(error).__name__})"


def _peak_bytes(*, anew: bool = False) -> int | None:
    """Return the most memory that this process had; `anew`: from now on, where the system can be asked that."""
    try:
        # Linux counts a process's own since it began, where getrusage's peak is also that of whoever started it.
        if anew:
            Path("/proc/self/clear_refs").write_text("5", "ascii")
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return _rusage_bytes()
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return None if line is None else int(line.split()[1]) << 10


def _rusage_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _bound_memory(memory_bytes: int | None) -> None:
    """Let this process have so much beyond what it has, which is Python's and the runtime's own."""
    if memory_bytes is None or sys.platform in ("win32", "darwin"):  # neither heeds RLIMIT_AS
        return
    import resource

    has = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + memory_bytes, has + memory_bytes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
