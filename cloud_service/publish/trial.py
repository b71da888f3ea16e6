"""A process that runs candidates on behalf of measure.py: `python -m cloud_service.publish.trial FOLDER`.

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

from cloud_service.backend import Array
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.repository.serving import Instances

__all__ = ["main"]

_WARM_UP: Final = 3


def main(folder: Path) -> None:
    """Do the job in `folder`: "answer" runs one model on every row, "time" runs several in turns."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    _bound_memory(job["memory_limit_bytes"])
    done = _answer(folder, job) if job["kind"] == "answer" else _time(folder, job)
    (folder / "done.json").write_text(json.dumps(done), "utf-8")


def _answer(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:  # Any, here and below: JSON
    rows = _rows(folder / job["inputs"])
    before = _peak_bytes()
    backend = OnnxBackend((folder / job["model"]).read_bytes(), Instances(threads_per_run=job["threads"]))
    answers = [backend.new_run().execute(row, [job["output"]])[job["output"]] for row in rows]
    after = _peak_bytes()
    np.save(folder / "answers.npy", np.concatenate(answers), allow_pickle=False)
    return {"memory_bytes": None if before is None or after is None else max(0, after - before)}


def _time(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """Candidates take turns, so that whatever else the machine does hits all of them alike."""
    opened = []
    for model in job["models"]:
        backend = OnnxBackend((folder / model["model"]).read_bytes(), Instances(threads_per_run=job["threads"]))
        opened.append((backend, _rows(folder / model["inputs"]), [model["output"]]))
    for backend, rows, outputs in opened:
        for row in rows[:_WARM_UP]:
            backend.new_run().execute(row, outputs)
    taken: list[list[float]] = [[] for _ in opened]
    began = time.perf_counter()
    turn = 0
    while turn < job["turns"] and time.perf_counter() - began < job["seconds"]:
        for place, (backend, rows, outputs) in enumerate(opened):
            row = rows[turn % len(rows)]
            started = time.perf_counter()
            backend.new_run().execute(row, outputs)
            taken[place].append(time.perf_counter() - started)
        turn += 1
    return {"seconds": taken}


def _rows(path: Path) -> list[dict[str, Array]]:
    with np.load(path, allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    columns = {name: column.astype(object) if column.dtype.kind == "S" else column for name, column in columns.items()}
    count = len(next(iter(columns.values())))
    return [{name: column[index : index + 1] for name, column in columns.items()} for index in range(count)]


def _peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _bound_memory(limit_bytes: int | None) -> None:
    if limit_bytes is None or sys.platform in ("win32", "darwin"):  # neither heeds RLIMIT_AS
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
