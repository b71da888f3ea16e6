"""How far long work is, drawn over itself on a terminal, and nothing at all elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Self, TextIO, TypeVar

__all__ = ["Progress"]

T = TypeVar("T")
_WIDTH: Final = 24
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """A bar for work of so many steps. Used in a `with` statement, which leaves the line empty."""

    def __init__(self, stream: TextIO, steps: int) -> None:
        self._stream = stream
        self._steps = max(1, steps)
        self._done = 0
        self._shown = stream.isatty()

    def through(self, work: Iterable[T], name: Callable[[T], str]) -> Iterator[T]:
        """Return the pieces of work, each shown while it is being done; each is one step."""
        for piece in work:
            self._draw(name(piece))
            yield piece
            self._done += 1

    def _draw(self, name: str) -> None:
        if self._shown:
            filled = _WIDTH * self._done // self._steps
            bar = "#" * filled + "-" * (_WIDTH - filled)
            self._stream.write(f"{_CLEAR}[{bar}] {self._done} of {self._steps}: {name}")
            self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
