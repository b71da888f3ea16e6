"""Redrawing calibrations: the same seed draws the same, and what is told is true of the population."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.certifying.outcomes import Pair
from benchmarks.certifying.redraws import CERTIFIED, Setting, best_fixed, points, redraw
from benchmarks.promise import lines
from cloud_service.publish.outcomes import Outcomes
from router.cascade.learn import Method


def pair(count: int = 4000) -> Pair:
    """Two models that are right or wrong by themselves, the device less often; margin says how sure it is."""
    chance = np.random.default_rng(2)
    sure = chance.random(count)
    near, far = chance.random(count) < 0.6 + 0.39 * sure, chance.random(count) < 0.97
    outcomes = Outcomes(chance.integers(0, 5, count), near != far, far.astype(int) - near, near, far)
    confidences = {"margin": sure, "max_probability": sure**2, "energy": chance.random(count)}
    return Pair("made up", "coins", outcomes, confidences)


@pytest.mark.wide
@pytest.mark.parametrize("method", list(Method))
def test_a_redraw_depends_on_its_seed_alone(method: Method) -> None:
    setting = Setting(method, 600, (0.05, 0.1))
    assert redraw(pair(), setting, 3) == redraw(pair(), setting, 3) != redraw(pair(), setting, 4)


@pytest.mark.wide
def test_what_is_told_of_all_redraws_is_their_mean() -> None:
    setting = Setting(Method.LABELS, 600, (0.05,))
    [point] = points(pair(), [setting], 4, lambda *_: None, processes=1)
    told = [one for seed in range(4) for one in redraw(pair(), setting, seed)]
    mine = [one.escalated for one in told if one.contender == CERTIFIED]
    assert point.escalated[CERTIFIED] == pytest.approx(np.mean(mine))
    assert point.ahead[best_fixed(point)] == pytest.approx(point.escalated[best_fixed(point)] - np.mean(mine))
    assert best_fixed(point) != "energy"
    assert point.hindsight == pytest.approx(float(pair().outcomes.gains.mean()) - 0.05)
    head, row = lines([point])
    assert f"{point.escalated[CERTIFIED]:.3f}" in row
    assert len(head.rstrip()) == pytest.approx(len(row.rstrip()), abs=10)
