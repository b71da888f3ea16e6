"""Opens the device's model on the runtime that its release names. Each library loads with the first model it runs."""

from __future__ import annotations

from edge_agent.config import DeviceConfig
from edge_agent.runtimes import LocalRuntime
from nearfar_wire.manifest import DeviceSide

__all__ = ["open_runtime"]


def open_runtime(side: DeviceSide, content: bytes, device: DeviceConfig) -> LocalRuntime:
    """Return the model of `side`, whose file holds `content`, ready to run.

    Raises DigestMismatch: before anything is parsed. Raises CannotLoad: for what cannot be run here."""
    if side.runtime == "litert":
        from edge_agent.runtimes.litert import LitertRuntime

        return LitertRuntime(
            side.file,
            content,
            side.digest,
            providers=device.providers,
            threads=device.threads,
            require_accelerator=device.require_accelerator,
        )
    from edge_agent.runtimes.onnx import OnnxRuntime

    return OnnxRuntime(
        side.file,
        content,
        side.digest,
        providers=device.providers,
        threads=device.threads,
        require_accelerator=device.require_accelerator,
    )
