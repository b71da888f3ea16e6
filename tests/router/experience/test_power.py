"""What running a model draws, learnt from the battery's readings beside the runs."""

from __future__ import annotations

import random

import pytest

from router.experience import Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.types import Kind, Reading

FACTS = ModelFacts("m", (TargetFacts("device", Kind.DEVICE, True, "", 0, None),))
POLICY = b'schema = 1\nname = "p"\nversion = 1\n'


def test_what_runs_draw_is_learnt_from_the_battery() -> None:
    experience, chance, now = Experience(compile_policy(POLICY), chance=lambda: 0.5), random.Random(2), 0.0
    for _ in range(120):
        runs = chance.randrange(0, 60)
        for _ in range(runs):
            now += 30 / 60
            experience.device_ran("m", 0.4, now)
        now += (60 - runs) * 30 / 60
        share = runs * 0.4 / 30
        reading = Reading("discharge_w", 1.0 + 2.5 * share + chance.gauss(0, 0.1), "battery", now)
        experience.views(FACTS, 1000, {"discharge_w": reading}, now)
    assert experience.device_w == pytest.approx(2.5, rel=0.1)
