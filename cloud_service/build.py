"""Which build of nearfar this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["build_version"]


def build_version() -> str:
    """Return the installed version; "0+source" where the code runs from a tree that is not installed."""
    try:
        return version("nearfar")
    except PackageNotFoundError:
        return "0+source"
