"""LiteRT models (.tflite) on the processor, through LiteRT's interpreter and its XNNPACK kernels.

A model is loaded from bytes whose digest was verified, and which nearfar_wire.tflite has looked through: the library
ends the process on some damaged files, and a file that was made to hurt is best not loaded at all.

A quantized input or output is FP32 here, the real numbers that its whole ones stand for, by its scale and zero point:
so a manifest, a score and a certificate are about the same numbers for a quantized file and for its float twin. An
input that a manifest feeds in the file's own datatype, such as UINT8 pixels, is taken as it is.

An interpreter runs one request at a time. There are as many as run at once, made when they are first wanted, up to one
a processor; whoever finds none waits. A run that has begun cannot be stopped: the library's Python side has no way to.
A halt stops one that still waits; in a process of its own (`device.process`) that process is ended. The library's one
line about its kernels, on stderr, cannot be turned off."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_agent.runtimes import CPU, CannotLoad, Halt, NotReady, OutOfMemory, RunFailed, RunHalted
from nearfar_wire.digest import verify
from nearfar_wire.errors import ModelFileError, TensorError
from nearfar_wire.tflite import TfliteFile, read_tflite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LitertRuntime"]


class _RunHalt:
    """Stops a run that has not begun."""

    __slots__ = ("_changed", "halted")

    def __init__(self, changed: threading.Condition) -> None:
        self.halted = False
        self._changed = changed

    def halt(self) -> None:
        with self._changed:
            self.halted = True
            self._changed.notify_all()


class LitertRuntime:
    """One model; `run` may be called from several threads."""

    provider = CPU

    def __init__(
        self,
        name: str,
        content: bytes,
        digest: str,
        *,
        providers: Sequence[str] = (CPU,),
        threads: int = 1,
        require_accelerator: bool = False,
        at_once: int | None = None,
    ) -> None:
        """Load `content`, whose digest is `digest`; `name` is for messages. `at_once` None: one run a processor.

        Raises DigestMismatch before anything is parsed. Raises CannotLoad: for a damaged or refused file, without
        nearfar[litert], and where another provider than the processor is required."""
        verify(name, content, digest)
        if require_accelerator and providers[0] != CPU:
            raise CannotLoad(f"{name}: provider {providers[0]} is required, and LiteRT runs on the processor here")
        try:
            self._file = read_tflite(content)
        except ModelFileError as error:
            raise CannotLoad(f"{name}: {error}") from error
        self.inputs = tuple(port.spec for port in self._file.inputs)
        self.outputs = tuple(port.spec for port in self._file.outputs)
        self._opening = (name, content, threads)
        self._changed = threading.Condition()
        self._idle = [_Interpreter(self._file, *self._opening)]
        self._more = (os.cpu_count() or 1 if at_once is None else at_once) - 1
        self._closed = False

    def run(self, inputs: Mapping[str, NDArray[Any]], halt: Halt | None = None) -> dict[str, NDArray[Any]]:
        """See LocalRuntime."""
        try:
            stored = {port.index: port.stored(inputs[port.name]) for port in self._file.inputs}
        except TensorError as error:  # names, types and shapes; no values
            raise RunFailed(str(error)) from None
        except KeyError as error:
            raise RunFailed(f"input {error} is missing") from None
        interpreter = self._take(halt if isinstance(halt, _RunHalt) else None)
        try:
            made = interpreter.run(stored)
        except BaseException as error:
            self._lose()  # what it would do next is not known
            if isinstance(error, MemoryError):
                raise OutOfMemory("LiteRT did not get the memory that the run wants") from None
            if isinstance(error, Exception):
                # Not the library's text: it may quote shapes and values of the input.
                raise RunFailed(f"LiteRT refused the run ({type(error).__name__})") from None
            raise
        self._give_back(interpreter)
        return made

    def new_halt(self) -> Halt:
        """See LocalRuntime; the module says what it can stop."""
        return _RunHalt(self._changed)

    def close(self) -> None:
        """See LocalRuntime."""
        with self._changed:
            self._closed = True
            self._idle.clear()
            self._changed.notify_all()

    def _take(self, halt: _RunHalt | None) -> _Interpreter:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._idle or self._more or (halt is not None and halt.halted)
            )
            if halt is not None and halt.halted:
                raise RunHalted("the run was stopped on request")
            if self._closed:
                raise NotReady("the model was closed")
            if self._idle:
                return self._idle.pop()
            self._more -= 1
        try:
            return _Interpreter(self._file, *self._opening)
        except BaseException as error:
            self._lose()
            if isinstance(error, CannotLoad):
                raise RunFailed(str(error)) from None
            raise

    def _give_back(self, interpreter: _Interpreter) -> None:
        with self._changed:
            if not self._closed:
                self._idle.append(interpreter)
            self._changed.notify_all()  # who is woken alone may just have been halted

    def _lose(self) -> None:
        """Leave room for another in the place of one that is gone."""
        with self._changed:
            self._more += 1
            self._changed.notify_all()


class _Interpreter:
    """The library's interpreter, for one run at a time."""

    __slots__ = ("_file", "_interpreter", "_shapes")

    def __init__(self, file: TfliteFile, name: str, content: bytes, threads: int) -> None:
        """Open `content`, which was read as `file`. Raises CannotLoad."""
        try:
            from ai_edge_litert.interpreter import Interpreter  # loads with the first model
        except ImportError as error:
            raise CannotLoad(
                f"{name}: it is run by LiteRT, which is not installed; install it with: pip install 'nearfar[litert]'"
            ) from error
        self._file = file
        try:
            self._interpreter: Any = Interpreter(model_content=content, num_threads=threads)  # Any: it has no types
            self._interpreter.allocate_tensors()
            found = self._interpreter.get_input_details()
        except Exception as error:  # a damaged model raises anything; translated here
            raise CannotLoad(f"{name}: LiteRT cannot load it ({type(error).__name__})") from error
        self._shapes = {detail["index"]: tuple(detail["shape"].tolist()) for detail in found}

    def run(self, stored: Mapping[int, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return every output for `stored`, by the index of its tensor. Raises whatever the library does."""
        shapes = {index: tensor.shape for index, tensor in stored.items()}
        if shapes != self._shapes:
            for index, shape in shapes.items():
                self._interpreter.resize_tensor_input(index, np.array(shape, np.int32))
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        if self._file.remembers:
            self._interpreter.reset_all_variables()
        for index, tensor in stored.items():
            self._interpreter.set_tensor(index, tensor)
        self._interpreter.invoke()
        return {port.name: port.outside(self._interpreter.get_tensor(port.index)) for port in self._file.outputs}
