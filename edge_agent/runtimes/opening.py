"""Opens the device's model on the runtime that its release names. Each library loads with the first model it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from edge_agent.config import DeviceConfig
from edge_agent.runtimes import CPU, LocalRuntime
from nearfar_wire.manifest import DeviceSide

__all__ = ["library", "offered", "on_processor", "open_runtime"]


def open_runtime(side: DeviceSide, content: bytes, device: DeviceConfig) -> LocalRuntime:
    """Return the model of `side`, whose file holds `content`, ready to run.

    Raises DigestMismatch: before anything is parsed. Raises CannotLoad: for what cannot be run here."""
    if device.process:
        from edge_agent.runtimes.process import ProcessRuntime

        return ProcessRuntime(side, content, device)
    opened: Callable[..., LocalRuntime]  # both take the same
    if side.runtime == "litert":
        from edge_agent.runtimes.litert import LitertRuntime as opened
    else:
        from edge_agent.runtimes.onnx import OnnxRuntime as opened
    return opened(
        side.file,
        content,
        side.digest,
        providers=device.providers,
        threads=device.threads,
        require_accelerator=device.require_accelerator,
    )


def offered(side: DeviceSide, wanted: Sequence[str]) -> list[str]:
    """Return the execution providers that this machine has for `side`.

    Raises CannotLoad: where one is wanted that must not be used."""
    if side.runtime == "litert":
        return [CPU]
    from edge_agent.runtimes.onnx import offered_providers

    return offered_providers(side.file, wanted)


def library(side: DeviceSide) -> str:
    """Return name and version of the library that runs `side`: another one may do otherwise."""
    if side.runtime == "litert":
        try:
            return f"ai-edge-litert {version('ai-edge-litert')}"
        except PackageNotFoundError:  # then nothing is opened with it either
            return "ai-edge-litert"
    from edge_agent.runtimes.library import load_onnxruntime

    return f"onnxruntime {load_onnxruntime().__version__}"


def on_processor(device: DeviceConfig) -> DeviceConfig:
    """Return `device` without its accelerators: what is left where they crash."""
    return device.model_copy(update={"providers": [CPU], "require_accelerator": False})
