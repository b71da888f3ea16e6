"""LiteRT models (.tflite), for whoever makes a release of them; the service itself serves ONNX.

The same reading, types and numbers as on the device: a quantized input or output is FP32, the real numbers that its
whole ones stand for, and an input may be handed over in the file's own datatype. See nearfar_wire.tflite.

One interpreter, and one run at a time: whoever finds another waits for it. A run that has begun cannot be stopped."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from cloud_service.backend import Array, Traits
from cloud_service.errors import InvalidInput, RunFailed, UnservableModel
from cloud_service.repository.serving import Instances
from nearfar_wire.errors import ModelFileError, TensorError
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tflite import TfliteFile, read_tflite

__all__ = ["LitertBackend"]

_ONE: Final = Instances()


class LitertBackend:
    """See backend.Backend."""

    def __init__(self, content: bytes, instances: Instances = _ONE) -> None:
        """Load the model file `content`; of `instances` the threads of a run count.

        Raises UnservableModel: for a damaged or refused file, and what LiteRT refuses."""
        try:
            file = read_tflite(content)
        except ModelFileError as error:
            raise UnservableModel(f"the model file cannot be used: {error}") from error
        self._opened: Final = _Opened(file, content, instances.threads_per_run)
        self.inputs: Final[Sequence[TensorSpec]] = tuple(port.spec for port in file.inputs)
        self.outputs: Final[Sequence[TensorSpec]] = tuple(port.spec for port in file.outputs)
        self.traits: Final = Traits()

    def new_run(self) -> LitertRun:
        """Return a run that has not begun."""
        return LitertRun(self._opened)

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        """See backend.Backend."""
        self._opened.run(tensors)


class LitertRun:
    """See backend.Run."""

    __slots__ = ("_opened", "_stopped")

    def __init__(self, opened: _Opened) -> None:
        self._opened = opened
        self._stopped = False

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """See backend.Run."""
        if self._stopped:
            raise RunFailed from InterruptedError("the run was stopped before it began")
        made = self._opened.run(tensors)
        return {name: made[name] for name in outputs}

    def stop(self) -> None:
        """See backend.Run. A run that has begun ends by itself."""
        self._stopped = True


class _Opened:
    """The library's interpreter, and what the file says of its tensors."""

    def __init__(self, file: TfliteFile, content: bytes, threads: int) -> None:
        self._file = file
        self._turn = threading.Lock()
        try:
            self._interpreter: Any = Interpreter(model_content=content, num_threads=threads)  # Any: it has no types
            self._interpreter.allocate_tensors()
        except Exception as error:  # a damaged file raises whatever its parser met
            raise UnservableModel(
                f"LiteRT cannot load the model file ({type(error).__name__}); export it again"
            ) from error

    def run(self, tensors: Mapping[str, Array]) -> dict[str, Array]:
        """Return every output. Raises InvalidInput, RunFailed."""
        try:
            stored = {port.index: port.stored(tensors[port.name]) for port in self._file.inputs}
        except TensorError as error:
            raise InvalidInput(str(error)) from None
        with self._turn:
            try:
                return self._invoke(stored)
            except Exception as error:
                raise RunFailed from error

    def _invoke(self, stored: Mapping[int, Array]) -> dict[str, Array]:
        interpreter = self._interpreter
        held = {detail["index"]: tuple(detail["shape"].tolist()) for detail in interpreter.get_input_details()}
        shapes = {index: tensor.shape for index, tensor in stored.items()}
        if shapes != held:
            for index, shape in shapes.items():
                interpreter.resize_tensor_input(index, np.array(shape, np.int32))
            interpreter.allocate_tensors()
        if self._file.remembers:
            interpreter.reset_all_variables()
        for index, tensor in stored.items():
            interpreter.set_tensor(index, tensor)
        interpreter.invoke()
        return {port.name: port.outside(interpreter.get_tensor(port.index)) for port in self._file.outputs}
