"""ONNX models on onnxruntime, on the CPU.

Loads from bytes whose digest the caller has taken, never from a path: what was hashed is what runs, and a model cannot
reach for files beside it. Providers are named, so nothing runs on hardware, or at a remote endpoint, that was not
chosen. What onnxruntime says may hold a caller's values: it is kept out of messages and its own log is off.
A model whose input declares no rank is seen as taking a scalar: onnxruntime does not tell the two apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from cloud_service.backend import Array
from cloud_service.errors import InvalidInput, RunFailed, UnservableModel
from nearfar_wire.datatypes import BYTES
from nearfar_wire.onnx_types import DATATYPE_OF, bytes_of, shape_of, text_of
from nearfar_wire.specs import TensorSpec

__all__ = ["OnnxBackend"]

_PROVIDERS: Final = ["CPUExecutionProvider"]
# Runs beside each other keep the cores busy; the default, every core for each run, makes them wait for each other.
_THREADS_PER_RUN: Final = 1
_LOG_FATAL_ONLY: Final = 4


class OnnxBackend:
    """One session, shared by all runs; onnxruntime allows that."""

    def __init__(self, content: bytes) -> None:
        """Load the model file `content`.

        Raises UnservableModel: where onnxruntime refuses it, or the protocol cannot carry its tensors."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _THREADS_PER_RUN
        options.inter_op_num_threads = _THREADS_PER_RUN
        options.log_severity_level = _LOG_FATAL_ONLY
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=_PROVIDERS)
        except Exception as error:  # a damaged file raises whatever its parser met
            raise UnservableModel(
                f"onnxruntime cannot load the model file ({type(error).__name__}); check it with onnx.checker, "
                "and that it holds its weights itself: external data is not read"
            ) from error
        if self._session.get_providers() != _PROVIDERS:
            raise UnservableModel(f"onnxruntime put the model on {self._session.get_providers()}, not on {_PROVIDERS}")
        self.inputs: Final[Sequence[TensorSpec]] = tuple(_spec("input", arg) for arg in self._session.get_inputs())
        self.outputs: Final[Sequence[TensorSpec]] = tuple(_spec("output", arg) for arg in self._session.get_outputs())

    def new_run(self) -> OnnxRun:
        """Return a run that has not begun."""
        return OnnxRun(self._session, self.inputs)


class OnnxRun:
    """See backend.Run."""

    def __init__(self, session: onnxruntime.InferenceSession, inputs: Sequence[TensorSpec]) -> None:
        self._session = session
        self._texts = [spec.name for spec in inputs if spec.datatype == BYTES]
        self._options = onnxruntime.RunOptions()
        self._options.log_severity_level = _LOG_FATAL_ONLY

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """See backend.Run."""
        feeds = {**tensors, **{name: _to_text(name, tensors[name]) for name in self._texts}}
        try:
            results: list[Any] = self._session.run(list(outputs), feeds, self._options)  # Any: checked by _from_runtime
        except ort_errors.InvalidArgument:
            # Not chained and not quoted: it names the offending element.
            raise InvalidInput(
                "the model refuses these inputs although each fits its contract; check that they fit each other"
            ) from None
        except Exception as error:  # onnxruntime raises its own dozen classes and Python's
            raise RunFailed from error
        return {name: _from_runtime(result) for name, result in zip(outputs, results, strict=True)}

    def stop(self) -> None:
        """See backend.Run. onnxruntime looks at this between two nodes."""
        self._options.terminate = True


def _spec(kind: str, arg: Any) -> TensorSpec:  # Any: onnxruntime publishes no types
    datatype = DATATYPE_OF.get(arg.type)
    if datatype is None:
        raise UnservableModel(
            f"the model file's {kind} {arg.name!r} is {arg.type}, which the protocol cannot carry; "
            "export the model with plain tensors"
        )
    return TensorSpec(arg.name, datatype, shape_of(arg.shape))


def _to_text(name: str, tensor: Array) -> Array:
    try:
        return text_of(tensor)
    except UnicodeDecodeError:
        raise InvalidInput(f"input {name!r} holds an element that is not UTF-8, which the model needs") from None


def _from_runtime(result: Any) -> Array:  # Any: whatever the runtime returned
    if not isinstance(result, np.ndarray):
        raise RunFailed from TypeError(f"onnxruntime returned {type(result).__name__}, not an array")
    return bytes_of(result) if result.dtype.kind == "O" else result
