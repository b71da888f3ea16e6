"""Credentials that are no longer good: a name a line, whatever it is the name of - a token's subject or id (sub, jti),
or a name in a certificate. Empty lines and those that start with # say nothing."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_FILE_BYTES", "read_names"]

MAX_FILE_BYTES: Final = 16 << 20
"""Some 400,000 names."""


def read_names(document: bytes) -> frozenset[str]:
    """Return the names of a file. Raises ValueError: where it is no UTF-8."""
    lines = (line.strip() for line in document.decode("utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))
