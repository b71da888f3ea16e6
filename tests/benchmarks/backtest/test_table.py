"""What a back-test prints."""

from __future__ import annotations

import pytest

from benchmarks.backtest.agreement import SEEDS
from benchmarks.backtest.figures import SceneFigures, compared, rivals, swap
from benchmarks.backtest.logged import FromLog
from benchmarks.backtest.run import main
from benchmarks.backtest.scene import Machine
from benchmarks.backtest.table import lines, summary
from router.simulate.intervals import Figure
from tests.benchmarks.backtest.seen import answered


def a_scene(*, slower: float = 1.0, refused: str = "") -> SceneFigures:
    """Ten requests in two bursts, simulated as they came; `slower` is how much longer they took live."""
    quantiles = (0.05, 0.1, 0.2, 0.4, 0.8)
    runs = [
        [answered(n, 0.1 + 0.01 * seed, at=n + 5.0 * (n > 5), cost=0.1, predicted=quantiles) for n in range(1, 11)]
        for seed in range(SEEDS)
    ]
    live = [answered(n, 0.3 * slower, at=n + 5.0 * (n > 5), cost=0.1, predicted=quantiles) for n in range(1, 11)]
    told = FromLog(
        40, 20.0, {} if refused else {"latency": Figure(0.2, 0.1, 0.3)}, {"latency": 0.25, "on_device": 0.0}, refused
    )
    return SceneFigures(
        "a street",
        Machine(0.005, 0.1, 0.01, 0.2, 23_000, 200),
        (compared("auto", live, runs),),
        swap(live, runs, live, runs, 6.0),
        rivals(live, runs, {"always-cloud": (live, runs)}, 1),
        told,
        ("auto: request 3: OSError: no more sockets",),
    )


def test_a_figure_outside_of_what_was_simulated_is_marked() -> None:
    [row] = [line for line in lines(a_scene()) if line.startswith("  auto  ")]
    assert "!" not in row
    slow = [line for line in lines(a_scene(slower=10)) if line.startswith("  auto  ")]
    assert slow[0].count("!") == 2, "p50 and p95"


def test_a_log_that_tells_nothing_says_why() -> None:
    assert "not to be told; 40 records are worth 20" in "\n".join(lines(a_scene(refused="40 records are worth 20")))
    assert "latency 0.200 [0.100, 0.300], and it came to 0.250" in "\n".join(lines(a_scene()))


def test_what_was_no_part_of_the_scene_is_told() -> None:
    assert "not a part of it: auto: request 3: OSError: no more sockets" in "\n".join(lines(a_scene()))


def test_all_scenes_are_put_together() -> None:
    told = "\n".join(summary([a_scene(), a_scene(slower=10)]))
    assert "All 20 requests" in told
    assert "90% range: 50.0%" in told
    # 0.3 s is no longer than the upper two quantiles, 3 s no shorter than any.
    assert "live      cloud       20      0%      0%      0%     50%     50%" in told


def test_too_short_a_stretch_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--seconds", "5"])
    assert "from 20 to 3600" in capsys.readouterr().err
