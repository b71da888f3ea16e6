"""How far long work is: a bar drawn over itself on a terminal, and elsewhere a line now and then.

Elsewhere nothing at all is told of what does not take long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self, TextIO

__all__ = ["Progress"]

_WIDTH: Final = 24
_CLEAR: Final = "\r\x1b[K"
_EVERY_S: Final = 20.0
"""Between two lines of a log; whoever reads one wants to know that it goes on, and when it will end."""


class Progress:
    """A bar for work of so many steps. Used in a `with` statement, which leaves the line empty."""

    def __init__(
        self,
        stream: TextIO,
        steps: int,
        *,
        every_s: float = _EVERY_S,
        clock: Callable[[], float] = time.monotonic,
        platform: str = sys.platform,
    ) -> None:
        self._stream = stream
        self._steps = max(1, steps)
        self._begun = 0
        self._name = ""
        self._shown = stream.isatty()
        # Many a console of Windows shows the word for "clear the line" instead of obeying it.
        self._obeyed = platform != "win32"
        self._drawn = 0
        """Letters of the line as it stands, where it is not."""
        self._every_s = every_s
        self._clock = clock
        self._started_s = clock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def step(self, name: str) -> None:
        """The next step begins, and is called so."""
        self._name = name
        if self._shown:
            filled = _WIDTH * self._begun // self._steps
            bar = "#" * filled + "-" * (_WIDTH - filled)
            self._draw(f"[{bar}] {self._begun} of {self._steps}: {name}")
        self._begun += 1

    def reach(self, done: int, name: str) -> None:
        """So many steps are done."""
        self._begun = min(done, self._steps)
        self.step(name)

    def tell(self) -> None:
        """Write a line of how far it is, and for how long it will take at that pace."""
        done = max(0, self._begun - 1)
        taken_s = self._clock() - self._started_s
        left = f"; about {_lasting(taken_s / done * (self._steps - done))} left" if done else ""
        self._stream.write(f"{done} of {self._steps}: {self._name}{left}\n")
        self._stream.flush()

    def _tell_now_and_then(self) -> None:
        with suppress(OSError, ValueError):  # nobody reads any more, and that is for the command to find out
            while not self._ended.wait(self._every_s):
                self.tell()

    def __enter__(self) -> Self:
        if not self._shown:
            # A thread, as one step may take minutes. It ends with the command, whatever becomes of that.
            self._thread = threading.Thread(target=self._tell_now_and_then, name="nearfar-progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self.clear()

    def clear(self) -> None:
        """Leave the line empty, for somebody who writes there; the next step draws the bar again."""
        if self._shown:
            self._draw("")

    def _draw(self, line: str) -> None:
        if self._obeyed:
            self._stream.write(f"{_CLEAR}{line}")
        else:
            self._stream.write(f"\r{' ' * self._drawn}\r{line}")
            self._drawn = len(line)
        self._stream.flush()


def _lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
