"""Every way of making a model smaller, by its name. Run by trial.py, in a process of its own: the tools run the model,
print, log and keep what they were given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cloud_service.publish.candidates import layers, lighter, quantized
from cloud_service.publish.candidates.candidate import Unsuited
from cloud_service.publish.columns import Array

__all__ = ["make", "same_ports"]


def make(
    way: str,
    content: bytes,
    calibration: Mapping[str, Array],
    arguments: Mapping[str, Any],  # Any: each way has its own
) -> bytes:
    """Return the model `content` made smaller; `calibration` are its inputs, one row an example.

    Raises Unsuited: where this way does not apply. Raises whatever the tool does that meets a strange graph."""
    given = {"calibration": calibration} if way == "static" else {}
    return same_ports(content, _WAYS[way](content, **given, **arguments))


def same_ports(content: bytes, made: bytes) -> bytes:
    """Return `made`, which takes and gives what `content` does, by name and type. Raises Unsuited: if not."""
    if _ports(made) != _ports(content):
        raise Unsuited("it would take or give something else than the model does")
    return made


def _ports(content: bytes) -> list[tuple[str, int]]:
    """Return names and types of what a model takes and gives, which apps and the other end rely on."""
    import onnx

    graph = onnx.load_model_from_string(content).graph
    weights = {tensor.name for tensor in graph.initializer}
    ports = [value for value in (*graph.input, *graph.output) if value.name not in weights]
    return [(value.name, value.type.tensor_type.elem_type) for value in ports]


_WAYS: Final[Mapping[str, Callable[..., bytes]]] = {
    "simplified": lighter.simplified,
    "half": lighter.half,
    "weight_only": lighter.weight_only,
    "dynamic": quantized.dynamic,
    "static": quantized.static,
    "drop_layers": layers.drop_layers,
}
