"""How far long work is, drawn over itself on a terminal, and nothing at all elsewhere."""

from __future__ import annotations

from typing import Final, Self, TextIO

__all__ = ["Progress"]

_WIDTH: Final = 24
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """A bar for work of so many steps. Used in a `with` statement, which leaves the line empty."""

    def __init__(self, stream: TextIO, steps: int) -> None:
        self._stream = stream
        self._steps = max(1, steps)
        self._begun = 0
        self._shown = stream.isatty()

    def step(self, name: str) -> None:
        """The next step begins, and is called so."""
        if self._shown:
            filled = _WIDTH * self._begun // self._steps
            bar = "#" * filled + "-" * (_WIDTH - filled)
            self._stream.write(f"{_CLEAR}[{bar}] {self._begun} of {self._steps}: {name}")
            self._stream.flush()
        self._begun += 1

    def reach(self, done: int, name: str) -> None:
        """So many steps are done."""
        self._begun = min(done, self._steps)
        self.step(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Leave the line empty, for somebody who writes there; the next step draws the bar again."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
