"""The seam to whatever can be measured, and how a request says that it would like to know.

A source only reads. When it is read, what becomes of its failures and which values are credible is the sampler's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from router.types import Value

__all__ = ["Demand", "Pushed", "Source"]


class Demand:
    """When somebody last had a use for a reading, in monotonic seconds.

    Measuring a round trip wakes a radio and tells the other end that the device is there, so it is done only while
    requests come that may go there. Such a request says so with `demand.at = now`: a plain attribute, because every
    request that may leave pays for it."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = -math.inf


class Source(Protocol):
    """Something that measures one signal or several at once."""

    @property
    def names(self) -> tuple[str, ...]:
        """The signals it tells, as in router.types.SIGNALS, or `rtt_ms.TARGET`."""

    @property
    def interval_s(self) -> float:
        """The time from one reading to the next."""

    @property
    def describe(self) -> str:
        """What it reads, in the words that decision records and `doctor` show."""

    @property
    def demand(self) -> Demand | None:
        """None: read at every interval. Otherwise: only if the demand is later than the last reading."""

    def read(self) -> Mapping[str, Value | None]:
        """Measure. A name that is missing or None is unknown; any exception makes all of its names unknown."""


class Pushed(Source, Protocol):
    """What somebody said of their own accord, and for how long."""

    @property
    def holds_until(self) -> float:
        """The first instant after which something of it does not hold any more; infinity where nothing is said."""
