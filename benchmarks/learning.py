"""What it costs to learn from one call, and to see the targets anew after it; and from one device run."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.timing import compare, spread
from router.experience import Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.types import Kind, Reading

__all__ = ["main"]

_POLICY = b'schema = 1\nname = "bench"\nversion = 1\n[targets.cabin]\nkind = "fog"\n'
_FACTS = ModelFacts(
    "m",
    (
        TargetFacts("device", Kind.DEVICE, True, "", 0, 0.1),
        TargetFacts("cloud", Kind.CLOUD, True, "", 1 << 24, 0.05),
        TargetFacts("cabin", Kind.FOG, True, "", 1 << 24, 0.05),
    ),
)


class _Life:
    """An experience that goes on from round to round, each with a link of its own kind."""

    def __init__(self, link: str) -> None:
        self._chance = random.Random(1)
        self._experience = Experience(compile_policy(_POLICY), chance=self._chance.random)
        self._now = 0.0
        self._readings = {"link": Reading("link", link, "bench", 0.0)}

    def call(self) -> None:
        """Decide as far as looking at the targets goes, call the cloud, and learn from it."""
        experience, now = self._experience, self._now
        experience.arrived(now)
        experience.views(_FACTS, 1000, self._readings, now)
        experience.radio(self._readings, now)
        call = experience.admit("cloud", Kind.CLOUD, "m", 1000, self._readings, now)
        assert call is not None
        taken_s = 0.1 * self._chance.lognormvariate(0, 0.2)
        self._now += taken_s
        experience.remote_succeeded(call, "m", 1000, taken_s, self._now, received_bytes=500)

    def run(self) -> None:
        """Look at the targets, run the model on the device, and learn from it."""
        experience = self._experience
        experience.arrived(self._now)
        experience.views(_FACTS, 1000, self._readings, self._now)
        experience.radio(self._readings, self._now)
        self._now += 0.001
        experience.device_ran("m", 0.001, self._now)


def main() -> None:
    contenders: dict[str, Callable[[], object]] = {
        "a call over a cable": _Life("ethernet").call,
        "a call over a radio that sleeps": _Life("cellular").call,
        "a device run": _Life("cellular").run,
    }
    print("learning: microseconds to look at three targets, and to learn from what was done")
    for name, measured in compare(contenders, count=2000, rounds=9).items():
        print(f"    {name:34} {spread(measured):.1f}")
