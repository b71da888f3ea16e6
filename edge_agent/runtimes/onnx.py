"""ONNX models on onnxruntime.

A model is loaded from bytes whose digest was verified, on providers and threads that are named, never on what the
library would pick by itself: that would take every core of the host app, and may call remote endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from edge_agent.runtimes import CPU, CannotLoad, Halt, NotReady, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.library import load_onnxruntime
from nearfar_wire.datatypes import BYTES
from nearfar_wire.digest import verify
from nearfar_wire.errors import ModelFileError, quoted
from nearfar_wire.onnx_file import scan
from nearfar_wire.onnx_types import DATATYPE_OF, bytes_of, shape_of, text_of
from nearfar_wire.specs import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OnnxRuntime", "offered_providers"]

# How onnxruntime, and C++ under it, say that memory could not be had; there is no type for it.
_NO_MEMORY: Final = ("Failed to allocate memory", "bad_alloc", "bad allocation")
# Calls remote endpoints from inside a model; nothing leaves the device but by the agent's own door.
_REFUSED_PROVIDERS: Final = frozenset({"AzureExecutionProvider"})


class _RunHalt:
    """A run's options, whose `terminate` another thread may set."""

    __slots__ = ("options",)

    def __init__(self, options: Any) -> None:  # Any: onnxruntime publishes no types
        self.options = options

    def halt(self) -> None:
        self.options.terminate = True


class OnnxRuntime:
    """One session; `run` may be called from several threads."""

    def __init__(
        self,
        name: str,
        content: bytes,
        digest: str,
        *,
        providers: Sequence[str] = (CPU,),
        threads: int = 1,
        require_accelerator: bool = False,
    ) -> None:
        """Load `content`, whose digest is `digest`; `name` is for messages.

        Raises DigestMismatch before anything is parsed. Raises CannotLoad: for a model that asks for what none may, and
        never reaches onnxruntime; for what that refuses, a provider that is missing where `require_accelerator`, or a
        type that tensors cannot have."""
        verify(name, content, digest)
        try:
            scan(content)
        except ModelFileError as error:
            raise CannotLoad(f"{name}: {error}") from error
        ort = load_onnxruntime()  # loads with the first model
        self._run_options: Any = ort.RunOptions  # Any: as above
        self._session: Any = _open_session(ort, name, content, providers, threads, require_accelerator)
        self.provider: str = self._session.get_providers()[0]
        try:
            self.inputs = _specs(name, self._session.get_inputs())
            self.outputs = _specs(name, self._session.get_outputs())
        except UnicodeDecodeError as error:
            raise CannotLoad(f"{name}: the name of an input, an output or an axis is not UTF-8") from error
        self._output_names = [spec.name for spec in self.outputs]
        self._texts = [spec.name for spec in self.inputs if spec.datatype == BYTES]
        self._gives_text = any(spec.datatype == BYTES for spec in self.outputs)

    def run(self, inputs: Mapping[str, NDArray[Any]], halt: Halt | None = None) -> dict[str, NDArray[Any]]:
        """See LocalRuntime."""
        options = halt.options if isinstance(halt, _RunHalt) else None
        if self._texts:
            inputs = {**inputs, **{name: _to_text(name, inputs[name]) for name in self._texts}}
        session = self._session
        if session is None:
            raise NotReady("the model was closed")
        try:
            values = session.run(self._output_names, inputs, options)
        except Exception as error:  # noqa: BLE001  # onnxruntime raises a dozen unrelated types; translated here
            if options is not None and options.terminate:
                raise RunHalted("the run was stopped on request") from None
            if isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY):
                raise OutOfMemory("onnxruntime did not get the memory that the run wants") from None
            # Not the library's text: it may quote shapes and values of the input.
            raise RunFailed(f"onnxruntime refused the run ({type(error).__name__})") from None
        if self._gives_text:
            values = [bytes_of(value) if value.dtype.kind == "O" else value for value in values]
        return dict(zip(self._output_names, values, strict=True))

    def new_halt(self) -> Halt:
        """See LocalRuntime."""
        return _RunHalt(self._run_options())

    def close(self) -> None:
        """See LocalRuntime. The session goes when the last run on it has ended."""
        self._session = None


def offered_providers(name: str, wanted: Sequence[str]) -> list[str]:
    """Return the execution providers that this machine has; `name` is for messages.

    Raises CannotLoad: where one is wanted that calls remote endpoints."""
    refused = sorted(_REFUSED_PROVIDERS.intersection(wanted))
    if refused:
        raise CannotLoad(f"{name}: provider {refused[0]} may call remote endpoints; take it off the list")
    available: list[str] = load_onnxruntime().get_available_providers()
    return [provider for provider in available if provider not in _REFUSED_PROVIDERS]


def _open_session(
    ort: Any, name: str, content: bytes, providers: Sequence[str], threads: int, require_accelerator: bool
) -> Any:  # Any: as above
    offered = offered_providers(name, providers)
    if require_accelerator and providers[0] not in offered:
        raise CannotLoad(f"{name}: provider {providers[0]} is required and this machine offers {', '.join(offered)}")
    wanted = [provider for provider in providers if provider in offered]
    if CPU not in wanted:
        wanted.append(CPU)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: its warnings go to the host app's stderr and quote the model
    # Idle worker threads would spin, which warms the device for nothing between two requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(content, options, providers=wanted)
    except Exception as error:  # a damaged model raises anything; translated here
        raise CannotLoad(f"{name}: onnxruntime cannot load it ({type(error).__name__})") from error
    if require_accelerator and session.get_providers()[0] != providers[0]:
        raise CannotLoad(
            f"{name}: provider {providers[0]} is required, but the session runs on {session.get_providers()}"
        )
    return session


def _specs(name: str, nodes: Sequence[Any]) -> tuple[TensorSpec, ...]:  # Any: as above
    specs: list[TensorSpec] = []
    for node in nodes:
        datatype = DATATYPE_OF.get(node.type)
        if datatype is None:
            raise CannotLoad(f"{name}: {node.name!r} is of type {node.type}, which cannot be sent or received")
        specs.append(TensorSpec(node.name, datatype, shape_of(node.shape)))
    return tuple(specs)


def _to_text(name: str, array: NDArray[Any]) -> NDArray[Any]:
    try:
        return text_of(array)
    except UnicodeDecodeError:
        raise RunFailed(f"input {quoted(name)} holds an element that is not UTF-8, which the model needs") from None
