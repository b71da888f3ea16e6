"""Opens a model file on the runtime that it is for, by what the file says of itself; its name says nothing.

For whoever makes releases. The service serves ONNX alone, and asks for that by name."""

from __future__ import annotations

from importlib.util import find_spec

from cloud_service.backend import Backend
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.repository.serving import Instances
from nearfar_wire.errors import MissingExtra
from nearfar_wire.tflite import is_tflite

__all__ = ["open_backend", "require_runtime"]


def open_backend(content: bytes, instances: Instances | None = None) -> Backend:
    """Return the model file `content`, loaded.

    Raises UnservableModel: where its runtime refuses it. Raises MissingExtra: see require_runtime."""
    if not is_tflite(content):
        return OnnxBackend(content, instances or Instances())
    require_runtime(content)
    from cloud_service.backends.litert import LitertBackend

    return LitertBackend(content, instances or Instances())


def require_runtime(content: bytes) -> None:
    """Raise MissingExtra where the runtime that the model file `content` is for is not installed."""
    if is_tflite(content) and find_spec("ai_edge_litert") is None:
        raise MissingExtra("running a .tflite file", "litert")
