"""A scene's requests are the same live and simulated, in every run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.backtest.contenders import AUTO, RULES, SWAPPED, contenders
from benchmarks.backtest.digits import Example
from benchmarks.backtest.foresight import foresee
from benchmarks.backtest.lane import compiled
from benchmarks.backtest.requests import after
from benchmarks.backtest.scene import BETWEEN_BURSTS_S, Machine, Scene, a_scene
from router.simulate.workload import arrivals
from tests.router.simulate.worlds import link

MACHINE = Machine(0.005, 0.1, 0.01, 0.1, 23_000, 200)
SECONDS = 60.0


def _examples() -> list[Example]:
    chance = np.random.default_rng(4)
    scores = chance.random(200)
    return [
        Example(
            np.zeros((1, 2, 2), np.uint8), float(score), bool(chance.random() < score), bool(chance.random() < 0.9), 0
        )
        for score in scores
    ]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return a_scene(tmp_path, link(), _examples(), seconds=SECONDS, seed=2)


def test_every_simulated_run_meets_the_requests_that_are_lived(scene: Scene) -> None:
    for seed in (1, 2):
        setting = scene.setting(MACHINE)
        came = list(arrivals(setting.streams, seed, setting.duration_s))
        assert [one.at for one in came] == [asked.at for asked in scene.asked]
        assert [one.truth for one in came] == [asked.truth for asked in scene.asked]
        assert {one.upload_bytes for one in came} == {MACHINE.upload_bytes}


def test_a_request_s_picture_is_one_of_those_that_its_truth_is_of(scene: Scene) -> None:
    examples = _examples()
    for asked in scene.asked:
        example = examples[asked.example]
        assert example.score == asked.truth.score
        assert {"device": example.device_right, "cloud": example.cloud_right} == dict(asked.truth.right)


def test_requests_come_in_bursts_with_silence_in_which_a_radio_falls_asleep(scene: Scene) -> None:
    gaps = np.diff([asked.at for asked in scene.asked])
    assert 4 <= sum(gaps > BETWEEN_BURSTS_S) <= 12
    assert max(gaps[gaps <= BETWEEN_BURSTS_S]) < 1.0


def test_what_was_measured_here_is_what_is_simulated(scene: Scene) -> None:
    always = {rule.name: rule for rule in RULES}
    policies = [(at, compiled(text)) for at, text in contenders(SECONDS)[0].policies]
    still = replace(MACHINE, device_spread=0.0, service_spread=0.0)

    def p50(machine: Machine, rule: str) -> float:
        seen = foresee(scene.setting(machine), policies, scene.asked, 1, always[rule])
        return sorted(one.seconds for one in seen)[len(seen) // 2]

    assert p50(still, "always-device") == pytest.approx(0.005)
    assert p50(replace(still, device_s=0.02), "always-device") == pytest.approx(0.02)
    assert p50(replace(still, service_s=0.05), "always-cloud") - p50(still, "always-cloud") == pytest.approx(0.04)
    assert p50(replace(still, upload_bytes=123_000), "always-cloud") - p50(still, "always-cloud") == pytest.approx(0.1)


def test_a_policy_that_is_replaced_half_way_decides_as_before_until_then(scene: Scene) -> None:
    runs = {
        one.name: foresee(
            scene.setting(MACHINE), [(at, compiled(text)) for at, text in one.policies], scene.asked, 5, one.rule
        )
        for one in contenders(SECONDS)
        if one.name in (AUTO, SWAPPED)
    }
    before = [number for number, asked in enumerate(scene.asked) if asked.at < SECONDS / 2]
    assert [runs[AUTO][number] for number in before] == [runs[SWAPPED][number] for number in before]
    hasty, kept = (after(runs[name], SECONDS / 2) for name in (SWAPPED, AUTO))
    assert sum(one.target == "cloud" for one in hasty) < sum(one.target == "cloud" for one in kept)
