"""When a process that died is started again. Pure.

One that served for a while is started again at once; one that keeps dying is started again later and later, and in the
end not at all: whoever started the service then sees it end, and can do better than to try once more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

__all__ = ["History", "died"]

# Long enough to have loaded models and met callers; what kills it sooner than that will do so again.
_STEADY_S: Final = 30.0
_FIRST_DELAY_S: Final = 0.1
_MAX_DEATHS: Final = 6


@dataclass(frozen=True, slots=True)
class History:
    """How often in a row one of the processes died young, and whether it ever served."""

    early_deaths: int = 0
    served: bool = False


def died(history: History, *, served: bool, lived_s: float) -> tuple[History, float | None]:
    """Return what is known now, and in how many seconds to start it again; None: give up.

    A process that never served once has nothing to come back to: its settings or its machine are at fault."""
    if served and lived_s >= _STEADY_S:
        return History(early_deaths=0, served=True), 0.0
    known = replace(history, early_deaths=history.early_deaths + 1, served=history.served or served)
    if not known.served or known.early_deaths >= _MAX_DEATHS:
        return known, None
    return known, _FIRST_DELAY_S * 2.0 ** (known.early_deaths - 1)
