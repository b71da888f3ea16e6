"""The process that runs one model for an agent: `python -m edge_agent.runtimes.worker`, started by process.py alone.

It opens the model that comes through its standard input, runs what comes after, and ends with that input: an agent that
was killed leaves no process behind. Whatever the native code under the model does, it does it to this process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Final

from edge_agent.config import DeviceConfig
from edge_agent.runtimes import CannotLoad, Halt, LocalRuntime, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.frames import BrokenFrame, read_frame, write_frame
from edge_agent.runtimes.opening import open_runtime
from nearfar_wire.errors import WireError
from nearfar_wire.manifest import DeviceSide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["main"]

MODEL: Final = "model"


class _Worker:
    """Runs go to threads, so that a halt is read while they last. Replies are written one at a time."""

    def __init__(self, runtime: LocalRuntime, replies: IO[bytes]) -> None:
        self._runtime = runtime
        self._replies = replies
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._halts: dict[int, Halt] = {}

    def serve(self, requests: IO[bytes], workers: int) -> None:
        """Carry out what is asked until nobody can ask any more."""
        threads = ThreadPoolExecutor(workers, "nearfar-run")
        while (frame := read_frame(requests)) is not None:
            header, inputs = frame
            number = header["id"]
            if header["kind"] == "run":
                with self._lock:
                    self._halts[number] = self._runtime.new_halt()
                threads.submit(self._run, number, inputs)
                del inputs
            elif header["kind"] == "halt":
                with self._lock:
                    halt = self._halts.get(number)
                if halt is not None:
                    halt.halt()

    def _run(self, number: int, inputs: Arrays) -> None:
        kind, why, outputs = "done", "", dict[str, Any]()
        try:
            outputs = self._runtime.run(inputs, self._halts[number])
            self._reply({"kind": kind, "id": number}, outputs)
        except RunHalted:
            kind = "halted"
        except (OutOfMemory, MemoryError) as error:
            kind, why = "out_of_memory", str(error)
        except (RunFailed, WireError) as error:
            kind, why = "failed", str(error)
        except OSError:
            os._exit(0)  # nobody reads our replies any more
        except Exception as error:  # noqa: BLE001  a boundary: whoever waits is told, without foreign words
            kind, why = "failed", f"the runtime failed ({type(error).__name__})"
        finally:
            with self._lock:
                del self._halts[number]
        if kind != "done":
            self._reply({"kind": kind, "id": number, "why": why})

    def _reply(self, header: dict[str, Any], outputs: Arrays | None = None) -> None:
        with self._writing:
            write_frame(self._replies, header, outputs or {})


def main(open_model: Callable[[DeviceSide, bytes, DeviceConfig], LocalRuntime] = open_runtime) -> int:
    """Serve an agent at the other end of standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key pressed is the app's to act on; we end with our input
    requests, replies = sys.stdin.buffer, _replies()
    first = read_frame(requests)
    if first is None:
        return 0
    header, tensors = first
    side, device = DeviceSide.model_validate(header["side"]), DeviceConfig.model_validate(header["device"])
    try:
        runtime = open_model(side, tensors.pop(MODEL).tobytes(), device)
    except (CannotLoad, WireError) as error:
        write_frame(replies, {"kind": "refused", "why": str(error)})
        return 0
    opened = {
        "kind": "opened",
        "provider": runtime.provider,
        "inputs": [(spec.name, spec.datatype, spec.shape) for spec in runtime.inputs],
        "outputs": [(spec.name, spec.datatype, spec.shape) for spec in runtime.outputs],
    }
    write_frame(replies, opened)
    try:
        _Worker(runtime, replies).serve(requests, header["workers"])
    except BrokenFrame:
        return 1
    return 0


def _replies() -> IO[bytes]:
    """Return what was standard output, which from now on is nowhere: a library's words must not end up among ours."""
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return replies


if __name__ == "__main__":
    # At once, whatever still runs: it would run for nobody.
    os._exit(main())
