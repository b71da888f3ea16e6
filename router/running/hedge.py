"""How often a second target may be asked beside a slow one. Pure: (state) -> state.

Each request that could be hedged earns a share of a token, each hedge costs a whole one, and few are saved up: so of
any number of requests no more than that share is hedged, and a few. A cloud that turns slow for everybody is then not
answered with twice the load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from router.values import value

__all__ = ["NO_TOKENS", "HedgeSettings", "HedgeState", "earn", "spend"]

_MOST_TOKENS: Final = 3.0
"""Saved up at most: a fault begins with several slow requests at once, and a quiet day must not pay for a storm."""
_NEARLY: Final = 1.0 - 1e-9
"""Fifty times a fiftieth is a little less than one."""


@dataclass(frozen=True, slots=True)
class HedgeSettings:
    """See document.HedgePart."""

    share: float


@value
class HedgeState:
    """One agent's."""

    tokens: float = 0.0


NO_TOKENS: Final = HedgeState()


def earn(state: HedgeState, settings: HedgeSettings, requests: int = 1) -> HedgeState:
    """So many requests began that could be hedged, and none was meanwhile."""
    return HedgeState(min(_MOST_TOKENS, state.tokens + settings.share * requests))


def spend(state: HedgeState) -> HedgeState | None:
    """A hedge is to be made: the state after it, or None where it may not."""
    return HedgeState(max(0.0, state.tokens - 1.0)) if state.tokens >= _NEARLY else None
