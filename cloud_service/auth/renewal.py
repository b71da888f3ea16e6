"""Files that are replaced while the service runs: looked at every few seconds, and used once they have changed.

What cannot be used is logged once and changes nothing: the service goes on with what it had."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from cloud_service.errors import SettingsError

__all__ = ["Renewal", "Watched"]

_LOG: Final = logging.getLogger(__name__)

# Within a few seconds a revoked credential has to be refused; a look costs some microseconds a file.
_INTERVAL_S: Final = 2.0

T = TypeVar("T")


class Watched(Generic[T]):
    """Files that are read together; `value` is what was last made of them."""

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[], T],
        *,
        replaces: Callable[[T, T], None] = lambda _old, _new: None,
        on_change: Callable[[T], None] = lambda _: None,
    ) -> None:
        """Read the files now. `read` raises SettingsError, and so does `replaces`, of the old and the new, where the
        old is to stay; `on_change` is told what is in use, from now on and always.

        Raises SettingsError: what `read` says of the files as they are now."""
        self._paths = paths
        self._read = read
        self._replaces = replaces
        self._on_change = on_change
        # Before reading, so that a change while it is read is a change.
        self._seen = _state(paths)
        self._value = read()
        on_change(self._value)

    def value(self) -> T:
        """Return what is in use."""
        return self._value

    def look(self) -> None:
        """Use the files as they are now, if they have changed since they were last looked at."""
        state = _state(self._paths)
        if state == self._seen:
            return
        self._seen = state
        try:
            fresh = self._read()
            self._replaces(self._value, fresh)
        except SettingsError as error:
            _LOG.error("what was there before stays in use: %s", error)
            return
        self._value = fresh
        _LOG.info("%s has changed, and is in use as it is now", self._paths[0])
        self._on_change(self._value)


class Renewal:
    """Looks at all that is watched, from `run` until it is cancelled."""

    # Any: of whatever kind each is.
    def __init__(self, watched: Sequence[Watched[Any]], *, interval_s: float = _INTERVAL_S) -> None:
        self._watched = watched
        self._interval_s = interval_s

    async def run(self) -> None:
        """Look every few seconds; return at once where there is nothing to look at."""
        while self._watched:
            await asyncio.sleep(self._interval_s)
            for watched in self._watched:
                await asyncio.to_thread(watched.look)


def _state(paths: Sequence[Path]) -> tuple[object, ...]:
    return tuple(_state_of(path) for path in paths)


def _state_of(path: Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
