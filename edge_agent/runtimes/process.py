"""A model that runs in a process of its own, as worker.py does it, behind the seam of one that runs here.

One process a model: a crash has one model to blame, and takes no other along. It has one life: when it has ended, every
run ends with Crashed, `on_end` is told, and whoever wants the model opens it anew (renewable.py). A run that is halted
gives its caller back at once; the process has a second to come to terms with it, and is ended then.

Tensors go through the process's own pipes: no name that others could open, no shared memory that a crash would leave
behind, and nothing to clean up on any system."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BufferedReader, BufferedWriter
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from edge_agent.config import DeviceConfig
from edge_agent.device.watchdog import Watchdog
from edge_agent.runtimes import CannotLoad, Crashed, Halt, NotReady, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.frames import BrokenFrame, read_frame, write_frame
from edge_agent.runtimes.interpreter import NO_WINDOW, NoInterpreter, command, environment
from nearfar_wire.digest import verify
from nearfar_wire.errors import TensorError
from nearfar_wire.manifest import DeviceSide
from nearfar_wire.specs import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CrashedWhileOpening", "ProcessRuntime"]

_WORKER: Final = ("-m", "edge_agent.runtimes.worker")
# What was never handed over, because the process no longer reads, is not worth waiting for.
_UNSENT_S: Final = 0.03
# onnxruntime needs up to half a second to stop at a node's end; what takes longer is not going to.
_PATIENCE_S: Final = 1.0
_LEAVING_S: Final = 1.0
# A large model on a slow device. Longer, and an agent would never start.
_OPENING_S: Final = 60.0

_LIVING: weakref.WeakSet[ProcessRuntime] = weakref.WeakSet()


class CrashedWhileOpening(Crashed, CannotLoad):
    """Its process ended while it opened the model: for who opens one, the same as a model that cannot be loaded."""


class _Reply:
    """What a caller waits for. Whoever takes its number out of the waiting ones sets it, once."""

    __slots__ = ("_there", "header", "sent", "tensors")

    def __init__(self) -> None:
        self.sent = False
        self._there = threading.Lock()
        self._there.acquire()
        self.header: dict[str, Any] = {}  # Any: JSON
        self.tensors: dict[str, NDArray[Any]] = {}

    def set(self, header: dict[str, Any], tensors: dict[str, NDArray[Any]] | None = None) -> None:  # Any: as above
        self.header = header
        self.tensors = tensors or {}
        self._there.release()

    def wait(self) -> None:
        self._there.acquire()


class _ProcessHalt:
    """Gives the caller of one run back at once, and the process a while."""

    __slots__ = ("_halted", "_lock", "_run")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._halted = False
        self._run: Callable[[], None] | None = None

    def halt(self) -> None:
        with self._lock:
            self._halted = True
            run = self._run
        if run is not None:
            run()

    def applies_to(self, run: Callable[[], None]) -> bool:
        """Have `run` called when halted; False where that was before."""
        with self._lock:
            self._run = run
            return not self._halted


class _EndProcess:
    """What the watchdog does where a process does not let go of a run."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def halt(self) -> None:
        self._end()


class ProcessRuntime:
    """See the module. `run` may be called from several threads; as many run at a time as the device has workers."""

    def __init__(
        self, side: DeviceSide, content: bytes, device: DeviceConfig, *, launch: Sequence[str] = _WORKER
    ) -> None:
        """Start the process and have it open `content`; `launch` is what Python is told to run.

        Raises DigestMismatch: before there is a process. Raises CannotLoad: as the runtime does, and
        CrashedWhileOpening."""
        verify(side.file, content, side.digest)
        self._file = side.file
        self._numbers = itertools.count()
        self._waiting: dict[int, _Reply] = {}
        self._late: dict[int, _EndProcess] = {}
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._closed = False
        self._crashed = False
        self._why_ended = ""
        self._tell: Callable[[str], None] | None = None
        self._watchdog = Watchdog(time.monotonic, name="nearfar-process-watchdog")
        self._process = _start(launch)
        self._requests = cast(BufferedWriter, self._process.stdin)
        self._replies = cast(BufferedReader, self._process.stdout)
        _LIVING.add(self)
        opened = self._open(side, content, device)
        self.provider: str = opened["provider"]
        self.inputs = _specs(opened["inputs"])
        self.outputs = _specs(opened["outputs"])
        self._reader = threading.Thread(target=self._read, name="nearfar-process", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's."""
        return self._process.pid

    def run(self, inputs: Mapping[str, NDArray[Any]], halt: Halt | None = None) -> dict[str, NDArray[Any]]:
        """See LocalRuntime. Raises Crashed."""
        if self._why_ended:
            raise NotReady(self._why_ended)
        number, reply = next(self._numbers), _Reply()
        self._waiting[number] = reply
        if self._why_ended:
            self._give(number, {"kind": "ended"})
        if isinstance(halt, _ProcessHalt) and not halt.applies_to(lambda: self._halt(number)):
            self._take(number)
            raise RunHalted("the run was stopped on request")
        try:
            with self._writing:
                write_frame(self._requests, {"kind": "run", "id": number}, inputs)
            reply.sent = True
        except TensorError as error:
            self._take(number)
            raise RunFailed(str(error)) from None
        except (OSError, ValueError):  # it reads no more: the reader of its replies says why
            pass
        reply.wait()
        return self._answer(number, reply)

    def new_halt(self) -> Halt:
        """See LocalRuntime."""
        return _ProcessHalt()

    def on_end(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called, with the reason, when the process ends without having been asked to; at once, if it has.

        From another thread, and once."""
        with self._lock:
            self._tell = tell
            ended = self._why_ended if self._crashed else ""
        if ended:
            tell(ended)

    def close(self) -> None:
        """See LocalRuntime. The process ends within two seconds, by itself or not."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._watchdog.stop()
        # To close its input would wait for whoever is just writing there, which may be for ever.
        if self._writing.acquire(timeout=_LEAVING_S):
            try:
                self._requests.close()
            except OSError:
                pass
            finally:
                self._writing.release()
        else:
            self._process.kill()
        self._reader.join(_LEAVING_S)
        if self._reader.is_alive():
            self._process.kill()
            self._reader.join(_LEAVING_S)

    def _open(self, side: DeviceSide, content: bytes, device: DeviceConfig) -> dict[str, Any]:  # Any: JSON
        settings = device.model_copy(update={"process": False})
        header = {
            "kind": "open",
            "side": side.model_dump(include={"file", "digest", "runtime"}),
            "device": settings.model_dump(),
            "workers": device.workers,
        }
        hurry = threading.Timer(_OPENING_S, self._process.kill)
        hurry.daemon = True
        hurry.start()
        frame = None
        try:
            write_frame(self._requests, header, {"model": np.frombuffer(content, np.uint8)})
            frame = read_frame(self._replies)
        except (BrokenFrame, OSError):
            pass  # told below
        finally:
            hurry.cancel()
            if frame is None or frame[0]["kind"] != "opened":
                self._process.kill()
                self._leave()
        if frame is None:
            raise CrashedWhileOpening(f"{self._file}: its process ended while it opened the model ({self._ending()})")
        if frame[0]["kind"] == "refused":
            raise CannotLoad(frame[0]["why"])
        return frame[0]

    def _read(self) -> None:
        """Hand out replies until there are no more, then tell everybody who waits."""
        try:
            while (frame := read_frame(self._replies)) is not None:
                header, tensors = frame
                self._give(header["id"], header, tensors)
        except (BrokenFrame, KeyError, MemoryError):
            pass  # what says such things is not to be trusted with more
        self._process.kill()
        self._leave()
        why = f"{self._file}: its process ended ({self._ending()})"
        with self._lock:
            self._why_ended, self._crashed = why, not self._closed
            tell = self._tell if self._crashed else None
        if tell is not None:
            tell(why)
        for number in list(self._waiting):
            self._give(number, {"kind": "ended"})

    def _leave(self) -> None:
        self._process.wait()
        self._watchdog.stop()
        for stream in (self._requests, self._replies):
            with suppress(OSError):  # what could not be written any more
                stream.close()
        _LIVING.discard(self)

    def _give(
        self, number: int, header: dict[str, Any], tensors: dict[str, NDArray[Any]] | None = None
    ) -> None:  # Any: JSON; each tensor's datatype
        reply = self._take(number)
        if reply is not None:
            reply.set(header, tensors)

    def _take(self, number: int) -> _Reply | None:
        """Return who waits for the run, if still anybody does; the process has come to terms with it."""
        with self._lock:
            late = self._late.pop(number, None)
            reply = self._waiting.pop(number, None)
        if late is not None:
            self._watchdog.forget(late)
        return reply

    def _answer(self, number: int, reply: _Reply) -> dict[str, NDArray[Any]]:  # Any: as above
        kind = reply.header["kind"]
        if kind == "done":
            return reply.tensors
        if kind == "halted":
            self._ask_to_halt(number)
            raise RunHalted("the run was stopped on request")
        if kind == "ended":
            raise Crashed(self._why_ended) if self._crashed else NotReady("the model was closed")
        raise (OutOfMemory if kind == "out_of_memory" else RunFailed)(reply.header["why"])

    def _halt(self, number: int) -> None:
        """Called from any thread, which must not have to wait."""
        with self._lock:
            reply = self._waiting.pop(number, None)
            if reply is None:
                return
            late = self._late[number] = _EndProcess(self._process.kill)
            self._watchdog.watch(late, time.monotonic() + (_PATIENCE_S if reply.sent else _UNSENT_S))
        reply.set({"kind": "halted"})

    def _ask_to_halt(self, number: int) -> None:
        # Who holds the lock for longer waits for a process that does not read, and would not read this either.
        if not self._writing.acquire(timeout=_UNSENT_S):
            return
        try:
            write_frame(self._requests, {"kind": "halt", "id": number})
        except (OSError, ValueError):
            pass  # it has ended, and so has the run
        finally:
            self._writing.release()

    def _ending(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            try:
                return signal.Signals(-code).name
            except ValueError:
                pass
        return f"exit code {code}"


def _start(launch: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        started = command(*launch)
    except NoInterpreter as error:
        raise CannotLoad(
            f"a process of its own needs a Python interpreter to run it: {error}; leave device.process out"
        ) from None
    try:
        return subprocess.Popen(  # noqa: S603  our own interpreter, and our own module
            started,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What native code says on its way down may quote inputs.
            stderr=subprocess.DEVNULL,
            env=environment(),
            creationflags=NO_WINDOW,
        )
    except OSError as error:
        raise CannotLoad(f"no process can be started for it: {error.strerror or error}") from error


def _specs(described: Sequence[tuple[str, str, Sequence[int]]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(name, datatype, tuple(shape)) for name, datatype, shape in described)


def _forked() -> None:
    """A fork must not keep the pipes of its parent's processes open, which would outlive their agent through it."""
    for runtime in list(_LIVING):
        for stream in (runtime._requests, runtime._replies):
            with suppress(OSError):
                stream.raw.close()  # not the stream itself, whose lock another thread may have held
    _LIVING.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
