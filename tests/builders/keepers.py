"""Keepers of models on the device, with what they tell put where a test can see it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from edge_agent.device.keeper import Keeper
from edge_agent.runtimes import LocalRuntime
from edge_agent.telemetry.metrics import Metrics

__all__ = ["Kept", "kept"]


class Kept(Keeper):
    """A keeper that remembers what it told; `drawn` is all that chance has to say."""

    def __init__(self, runtime: LocalRuntime, clock: Callable[[], float]) -> None:
        self.rests: list[tuple[str, float | None, str]] = []
        self.metrics = Metrics()
        super().__init__(
            "tiny",
            runtime,
            clock=clock,
            chance=_Middle(),
            metrics=self.metrics,
            on_rest=lambda name, rest, why: self.rests.append((name, rest.open_until, why)),
        )


class _Middle(random.Random):
    """Pauses are neither stretched nor shortened."""

    def random(self, *_: Any) -> float:
        return 0.5


def kept(runtime: LocalRuntime, clock: Callable[[], float]) -> Kept:
    """Return the keeper of a model called "tiny"."""
    return Kept(runtime, clock)
