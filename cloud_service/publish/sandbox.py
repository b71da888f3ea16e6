"""Models are first run, and made smaller, in a process of their own: bounded in time and memory.

A file may ask for all memory, never end, or crash the runtime, and the tools that make it smaller run it too. Whatever
it does there, the process that prepares a release lives, and can say why there will be none. trial.py is the other
side; what it may print is nobody's business."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloud_service.publish.columns import Array, load_columns, save_columns
from nearfar_wire.specs import TensorSpec

__all__ = ["Answered", "Failed", "Ports", "Sandbox", "Timed"]

_MODEL: Final = "model"
_INPUTS: Final = "inputs.npz"
_ANSWERS: Final = "answers.npz"
_MADE: Final = "made.onnx"
_JOB: Final = "job.json"
_DONE: Final = "done.json"


class Failed(Exception):
    """What was tried did not come to its end; `why`, in words that quote nothing of the model's."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Ports:
    """What a model file takes and gives, as the runtime that opened it says."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """Outputs by name, one row an example; and what running took beyond what the runtime has without a model."""

    outputs: Mapping[str, Array]
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Timed:
    """A model to time, with the inputs that it is timed on."""

    content: bytes
    inputs: Mapping[str, Array]
    output: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What such a process may take. `memory_bytes` is what a model may have; the runtime's own comes on top."""

    threads: int = 1
    memory_bytes: int | None = 8 << 30
    limit_s: float = 300.0

    def ports(self, content: bytes) -> Ports:
        """Open a model. Raises Failed."""
        with _folder() as folder:
            (folder / _MODEL).write_bytes(content)
            done = self._run(folder, {"kind": "open", "model": _MODEL}, self.memory_bytes)
        inputs, outputs = (tuple(_spec(*port) for port in done[side]) for side in ("inputs", "outputs"))
        return Ports(inputs, outputs)

    def answers(self, content: bytes, inputs: Mapping[str, Array], outputs: Sequence[str] | None) -> Answered:
        """Run a model on each row of `inputs` by itself; `outputs` None: all of them. Raises Failed."""
        with _folder() as folder:
            (folder / _MODEL).write_bytes(content)
            save_columns(folder / _INPUTS, inputs)
            wanted = None if outputs is None else list(outputs)
            job = {"kind": "answer", "model": _MODEL, "inputs": _INPUTS, "outputs": wanted, "answers": _ANSWERS}
            done = self._run(folder, job, self.memory_bytes)
            return Answered(load_columns(folder / _ANSWERS), done["memory_bytes"])

    def times(self, models: Sequence[Timed], *, turns: int, seconds: float) -> list[list[float]]:
        """Return how many seconds each run of each model took, on a row at a time, in turns. Raises Failed.

        They are open at once, so each has its share of memory: the limit is one model's."""
        with _folder() as folder:
            listed: list[dict[str, str]] = []
            for index, model in enumerate(models):
                names = {"model": f"{index}.model", "inputs": f"{index}.npz", "output": model.output}
                (folder / names["model"]).write_bytes(model.content)
                save_columns(folder / names["inputs"], model.inputs)
                listed.append(names)
            job = {"kind": "time", "models": listed, "turns": turns, "seconds": seconds}
            memory_bytes = None if self.memory_bytes is None else self.memory_bytes * len(models)
            done = self._run(folder, job, memory_bytes)
        taken: list[list[float]] = done["seconds"]
        return taken

    def made(self, content: bytes, way: str, arguments: Mapping[str, Any], inputs: Mapping[str, Array]) -> bytes:
        """Return the model made smaller by `way`, of candidates/ways.py. Raises Failed."""
        with _folder() as folder:
            (folder / _MODEL).write_bytes(content)
            save_columns(folder / _INPUTS, inputs)
            job = {"kind": "make", "model": _MODEL, "inputs": _INPUTS, "way": way, "arguments": dict(arguments)}
            self._run(folder, {**job, "made": _MADE}, self.memory_bytes)
            return (folder / _MADE).read_bytes()

    def _run(
        self, folder: Path, job: Mapping[str, Any], memory_bytes: int | None
    ) -> dict[str, Any]:  # Any: JSON, here and above
        """Return what the process says. Raises Failed: with why it said nothing."""
        whole = {**job, "threads": self.threads, "memory_bytes": memory_bytes}
        (folder / _JOB).write_text(json.dumps(whole), "utf-8")
        # -P: a file beside the user that is called like a library of ours is not that library.
        command = [sys.executable, "-P", "-m", "cloud_service.publish.trial", str(folder)]
        try:
            ended = subprocess.run(  # noqa: S603  (our own module)
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                timeout=self.limit_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failed(f"it did not end within {self.limit_s:g} s") from None
        if ended.returncode < 0:
            raise Failed(f"the runtime crashed on it (signal {-ended.returncode})")
        try:
            done: dict[str, Any] = json.loads((folder / _DONE).read_text("utf-8"))
        except (OSError, ValueError):
            last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            # The type of the error alone: its words may be the model's author's.
            raise Failed(f"its process ended early ({last.partition(':')[0] or ended.returncode})") from None
        if "failed" in done:
            raise Failed(done["failed"])
        return done


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nearfar-") as name:
        yield Path(name)


def _spec(name: str, datatype: str, shape: list[int]) -> TensorSpec:
    return TensorSpec(name, datatype, tuple(shape))
