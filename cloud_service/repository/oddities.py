"""What lies in the repository and is no version: told in the log, each once for as long as it lies there.

While files are copied there is much that is no version yet, so what came since the last look is told at the next."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from cloud_service.repository.scan import Ignored

__all__ = ["Oddities"]

_LOG: Final = logging.getLogger(__name__)

# Of a repository with more than this somebody has mounted the wrong directory; more lines would hide the first.
_MAX_LINES: Final = 100


class Oddities:
    """See the module."""

    def __init__(self) -> None:
        self._told: frozenset[Ignored] = frozenset()
        self._before: frozenset[Ignored] = frozenset()

    def tell(self, ignored: Sequence[Ignored], *, at_once: bool = False) -> None:
        """Log what of `ignored` was there at the last look as well and has not been told; all of it `at_once`."""
        steady = [entry for entry in ignored if at_once or entry in self._before]
        new = [entry for entry in steady if entry not in self._told]
        for entry in new[:_MAX_LINES]:
            _LOG.warning("%s is not served: %s", entry.path, entry.reason)
        if len(new) > _MAX_LINES:
            _LOG.warning("%d more names in the repository are not served", len(new) - _MAX_LINES)
        self._before = frozenset(ignored)
        self._told = (self._told & self._before) | frozenset(new)
