"""Which build of nearfar this is, and which runtime it stands on."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

__all__ = ["build_version", "runtime_version"]


@cache
def build_version() -> str:
    """Return the installed version; "0+source" where the code runs from a tree that is not installed."""
    return _version("nearfar") or "0+source"


@cache
def runtime_version() -> str:
    """Return the version of onnxruntime; "unknown" where another distribution stands in its place."""
    return _version("onnxruntime") or "unknown"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
