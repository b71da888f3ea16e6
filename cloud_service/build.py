"""Which runtime the service stands on."""

from __future__ import annotations

from functools import cache

from nearfar_wire.build import version_of

__all__ = ["runtime_version"]


@cache
def runtime_version() -> str:
    """Return the version of onnxruntime; "unknown" where another distribution stands in its place."""
    return version_of("onnxruntime") or "unknown"
