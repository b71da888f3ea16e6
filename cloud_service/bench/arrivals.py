"""When the requests of an open loop are due. Pure: chance is an argument.

A plan does not know how the server does: whoever is late at the third request is not spared the fourth. Instants are
seconds from the start and never fall."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Arrivals", "Rhythm"]


class Rhythm(StrEnum):
    """How requests lie in time."""

    POISSON = "poisson"
    """Like callers who know nothing of each other, bursts included."""
    CONSTANT = "constant"
    """Evenly, which no crowd of callers does, but one batch job."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`rate` requests a second, shared by `shares` generators, of which this is the one at `index`."""

    rate: float
    rhythm: Rhythm = Rhythm.POISSON
    shares: int = 1
    index: int = 0
    seed: int = 0

    def instants(self) -> Iterator[float]:
        """Yield this share's instants, without end. Even shares stand between each other's."""
        if self.rhythm is Rhythm.CONSTANT:
            number = self.index
            while True:
                yield number / self.rate
                number += self.shares
        chance = random.Random(f"{self.seed}/{self.index}")  # noqa: S311 - load, not a secret
        at = 0.0
        while True:
            at += chance.expovariate(self.rate / self.shares)
            yield at
