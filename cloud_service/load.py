"""How busy the service is with one model, as its operator sees it, and as a caller may be told so that it can choose
another place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Crowd", "Load"]


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many calls of a model may be in work, how many are, and how many of these wait, in all its versions."""

    model: str
    limit: int
    in_flight: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Load:
    """`queue_wait_s` is what a call that came now would wait; `utilisation` the share of `limit` that is in flight.

    `stay_local_s` asks callers that can do without to keep away for so long; 0 means come."""

    queue_wait_s: float
    utilisation: float
    limit: int
    in_flight: int
    stay_local_s: float
