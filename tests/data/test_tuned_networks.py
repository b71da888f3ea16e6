"""On recorded networks that a search did not look at nobody passes the bound either."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import tuning
from router.rules.compile import compile_policy
from router.simulate.comparison import compare
from router.tune.space import Point
from router.tune.writing import as_document

pytestmark = [pytest.mark.data, pytest.mark.wide, pytest.mark.slow, pytest.mark.timeout(900)]


def test_no_score_is_above_one_on_recorded_networks_that_were_held_out(data: Path) -> None:
    net, app = data / "net", tuning._APPS[-1]
    start = tuning._START.format(second=app.second).encode()
    points: list[Point] = [{}, {"radio.wake": True, "retry.attempts": 4, "hedge.share": 0.05}]
    policies = [compile_policy(as_document(start, point), targets=tuning._TARGETS) for point in points]
    for kind, days in tuning._kinds(net):
        part = tuning._parts([tuning._scenario(net, day, app) for day in days])[1][0]
        for judged in compare(part.setting, policies, part.seed).policies:
            assert judged.score is not None, kind
            assert judged.score <= 1 + 1e-6, kind
