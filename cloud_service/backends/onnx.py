"""ONNX models on onnxruntime, on the CPU.

Loads from bytes whose digest the caller has taken, never from a path: what was hashed is what runs, and a model cannot
reach for files beside it. What the bytes ask for is looked at before onnxruntime sees them. Providers are named, so
nothing runs on hardware, or at a remote endpoint, that was not chosen. What onnxruntime says may hold a caller's
values: it is kept out of messages and its own log is off.
A model whose input declares no rank is seen as taking a scalar: onnxruntime does not tell the two apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any, Final

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from cloud_service.backend import Array, Traits
from cloud_service.errors import InvalidInput, RunFailed, UnservableModel
from cloud_service.repository.serving import Instances
from nearfar_wire.datatypes import BYTES
from nearfar_wire.errors import ModelFileError
from nearfar_wire.onnx_file import scan
from nearfar_wire.onnx_types import DATATYPE_OF, bytes_of, shape_of, text_of
from nearfar_wire.specs import TensorSpec

__all__ = ["OnnxBackend"]

_PROVIDERS: Final = ["CPUExecutionProvider"]
_LOG_FATAL_ONLY: Final = 4
_ONE: Final = Instances()

_SCALES_BY_BATCH: Final = ("DynamicQuantizeLinear", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul")
_TIME_BY_VALUE: Final = (
    "Loop", "Scan", "SequenceMap", "Range", "Tile", "Expand", "ConstantOfShape", "Resize", "Pad"
)  # fmt: skip


class OnnxBackend:
    """One or several sessions, which runs share; onnxruntime allows that."""

    def __init__(self, content: bytes, instances: Instances = _ONE) -> None:
        """Load the model file `content`, once for each session of `instances`.

        Raises UnservableModel: where it asks for what no model may, onnxruntime refuses it, or the protocol cannot
        carry its tensors."""
        try:
            operators = scan(content).operators
        except ModelFileError as error:
            raise UnservableModel(f"the model file is refused: {error}") from error
        opened = [_open(content, instances.threads_per_run) for _ in range(instances.sessions)]
        self._opened: Final = opened
        self._sessions = cycle(opened)
        self.inputs: Final[Sequence[TensorSpec]] = tuple(_spec("input", arg) for arg in opened[0].get_inputs())
        self.outputs: Final[Sequence[TensorSpec]] = tuple(_spec("output", arg) for arg in opened[0].get_outputs())
        self.traits: Final = Traits(
            scales_by_batch=any(name in operators for name in _SCALES_BY_BATCH),
            time_by_value=any(name in operators for name in _TIME_BY_VALUE),
        )
        self._texts: Final = [spec.name for spec in self.inputs if spec.datatype == BYTES]
        self._free: Final = [spec.name for spec in self.inputs if spec.shape and spec.shape[0] < 0]

    def new_run(self) -> OnnxRun:
        """Return a run that has not begun."""
        return OnnxRun(next(self._sessions), self._texts, self._free)

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        """See backend.Backend."""
        for session in self._opened:
            run = OnnxRun(session, self._texts, self._free)
            run.shrink()
            # What ran before runs again; if not, nothing is given back, and whoever calls next is told why.
            with suppress(InvalidInput, RunFailed):
                run.execute(tensors, [spec.name for spec in self.outputs])


class OnnxRun:
    """See backend.Run."""

    __slots__ = ("_free", "_options", "_session", "_texts")

    def __init__(self, session: onnxruntime.InferenceSession, texts: Sequence[str], free: Sequence[str]) -> None:
        """`texts` are inputs of BYTES, `free` those of as many rows as a caller likes."""
        self._session = session
        self._texts = texts
        self._free = free
        self._options = onnxruntime.RunOptions()
        self._options.log_severity_level = _LOG_FATAL_ONLY

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """See backend.Run."""
        feeds = tensors
        if self._texts:
            feeds = {**tensors, **{name: _to_text(name, tensors[name]) for name in self._texts}}
        try:
            results: list[Any] = self._session.run(list(outputs), feeds, self._options)  # Any: checked by _from_runtime
        except ort_errors.InvalidArgument:
            # Not chained and not quoted: it names the offending element.
            raise InvalidInput(
                "the model refuses these inputs although each fits its contract; check that they fit each other"
            ) from None
        except Exception as error:  # onnxruntime raises its own dozen classes and Python's
            if not self._options.terminate:
                _require_rows({name: tensors[name] for name in self._free})
            raise RunFailed from error
        return {name: _from_runtime(result) for name, result in zip(outputs, results, strict=True)}

    def shrink(self) -> None:
        """Have the session's arena, at the end of this run, give back what it does not hold."""
        self._options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def stop(self) -> None:
        """See backend.Run. onnxruntime looks at this between two nodes."""
        self._options.terminate = True


def _open(content: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that spins while it waits for its like takes the core that the next run, or the event loop, would have.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _LOG_FATAL_ONLY
    try:
        session = onnxruntime.InferenceSession(content, options, providers=_PROVIDERS)
    except Exception as error:  # a damaged file raises whatever its parser met
        raise UnservableModel(
            f"onnxruntime cannot load the model file ({type(error).__name__}); check it with onnx.checker"
        ) from error
    if session.get_providers() != _PROVIDERS:
        raise UnservableModel(f"onnxruntime put the model on {session.get_providers()}, not on {_PROVIDERS}")
    return session


def _spec(kind: str, arg: Any) -> TensorSpec:  # Any: onnxruntime publishes no types
    try:
        name, shape = arg.name, shape_of(arg.shape)
    except UnicodeDecodeError as error:
        raise UnservableModel(
            f"the name of an {kind} of the model file, or of one of its axes, is not UTF-8; export it again"
        ) from error
    datatype = DATATYPE_OF.get(arg.type)
    if datatype is None:
        raise UnservableModel(
            f"the model file's {kind} {name!r} is {arg.type}, which the protocol cannot carry; "
            "export the model with plain tensors"
        )
    return TensorSpec(name, datatype, shape)


def _require_rows(tensors: Mapping[str, Array]) -> None:
    """Find what is likeliest the caller's fault, of inputs on which a model failed. Raises InvalidInput."""
    # Many models take no rows, or one row for all: only where a run failed is it known that this one does not.
    rows = {len(tensor) for tensor in tensors.values()}
    if 0 in rows:
        raise InvalidInput("the model fails on inputs without rows; send one at least") from None
    if len(rows) > 1:
        raise InvalidInput("the model fails on inputs of unlike numbers of rows; send as many of each") from None


def _to_text(name: str, tensor: Array) -> Array:
    try:
        return text_of(tensor)
    except UnicodeDecodeError:
        raise InvalidInput(f"input {name!r} holds an element that is not UTF-8, which the model needs") from None


def _from_runtime(result: Any) -> Array:  # Any: whatever the runtime returned
    if not isinstance(result, np.ndarray):
        raise RunFailed from TypeError(f"onnxruntime returned {type(result).__name__}, not an array")
    return bytes_of(result) if result.dtype.kind == "O" else result
