"""Credentials that are no longer good: a name a line, whatever it is the name of - a token's subject or id (sub, jti),
or a name in a certificate. Empty lines and those that start with # say nothing."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_FILE_BYTES", "Revoked", "read_names"]

MAX_FILE_BYTES: Final = 16 << 20
"""Some 400,000 names."""


def read_names(document: bytes) -> frozenset[str]:
    """Return the names of a file. Raises ValueError: where it is no UTF-8."""
    lines = (line.strip() for line in document.decode("utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


class Revoked:
    """The names as they were last read."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def use(self, names: frozenset[str]) -> None:
        """Go on with other names."""
        self._names = names

    def any_of(self, *names: str) -> bool:
        """Tell whether one of the names was revoked."""
        return not self._names.isdisjoint(names)
