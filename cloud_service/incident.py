"""An error nobody expected, written down without a word of what it says: its text may hold a caller's data.

The caller gets the id, the log has the id, the classes and the lines; with both an operator finds the place."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from typing import Final

__all__ = ["chain", "record"]

# A chain of causes is short; one that is not may be a cycle.
_MAX_CAUSES: Final = 5


def record(logger: logging.Logger, where: str, error: BaseException) -> str:
    """Log `error`, which came up in `where`, and return the id that the log has it under."""
    incident = secrets.token_hex(8)
    logger.error("incident %s in %s: %s", incident, where, " from ".join(chain(error)))
    return incident


def chain(error: BaseException) -> Iterator[str]:
    """Tell the class and the line of `error` and of what it came from, and no word of what they say."""
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if cause is None:
            return
        yield f"{type(cause).__name__} at {_place(cause)}"
        cause = cause.__cause__ or cause.__context__


def _place(error: BaseException) -> str:
    traceback = error.__traceback__
    if traceback is None:
        return "an unknown line"
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f"{os.path.basename(traceback.tb_frame.f_code.co_filename)}:{traceback.tb_lineno}"
