"""Which build of nearfar this is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

__all__ = ["build_version", "version_of"]


@cache
def build_version() -> str:
    """Return the installed version; "0+source" where the code runs from a tree that is not installed."""
    return version_of("nearfar") or "0+source"


def version_of(distribution: str) -> str:
    """Return the version of a distribution; nothing where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
