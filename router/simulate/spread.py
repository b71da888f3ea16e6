"""Runs that know nothing of one another, and who carries them out. Pure.

Here it is one after the other. Whoever has several processors hands in another `Spread` (router/cli/workers.py): what
comes of each task does not depend on where it runs, nor on what runs beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

__all__ = ["Spread", "Watch", "in_turn", "nobody"]

T = TypeVar("T")
Watch = Callable[[str], None]
"""Is told the name of each run before its result is waited for."""


class Spread(Protocol):
    """Carries out tasks, and yields what comes of them in their order. Tasks can be pickled, and so can results."""

    def __call__(self, tasks: Sequence[Callable[[], T]]) -> Iterator[T]: ...


def in_turn(tasks: Sequence[Callable[[], T]]) -> Iterator[T]:
    """Carry out each task when its result is asked for."""
    for task in tasks:
        yield task()


def nobody(name: str) -> None:
    """Nobody watches."""
