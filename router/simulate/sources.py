"""What a scenario names and somebody else reads: files beside it, and the catalogue. Whoever simulates hands it in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

__all__ = ["Described", "Sources"]

Described = Literal["device", "radio", "server"]


class Sources(Protocol):
    """Where the words of a scenario lead. Raises OSError where something is there and cannot be read, and EOFError
    where it is packed and cut off."""

    def lines(self, name: str) -> Iterable[bytes] | None:
        """Return the lines of a file beside the scenario, none longer than traces.lines.MAX_LINE_BYTES + 1; None where
        there is no such file."""
        ...

    def document(self, kind: Described, name: str) -> bytes | None:
        """Return a document: of a file beside the scenario where `name` ends in .toml, else of the catalogue."""
        ...

    def known(self, kind: Described) -> Iterable[str]:
        """Return the names that the catalogue has."""
        ...
