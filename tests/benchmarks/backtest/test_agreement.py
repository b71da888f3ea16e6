"""How well what came agrees with what was foretold."""

from __future__ import annotations

import pytest

from benchmarks.backtest.agreement import (
    RANGES,
    SEEDS,
    coverage,
    foretold,
    put_together,
    reliability,
    versus,
)
from benchmarks.backtest.requests import summary_of
from router.simulate.chance import Chance
from tests.benchmarks.backtest.seen import answered


@pytest.mark.wide
def test_what_comes_as_one_more_run_would_lies_in_each_range_as_often_as_the_range_says() -> None:
    chance = Chance(3, "runs")
    requests = 4000
    live = [answered(number, chance.exponential()) for number in range(requests)]
    runs = [[answered(number, chance.exponential()) for number in range(requests)] for _ in range(SEEDS)]
    found = coverage(live, runs)
    assert found == {share: pytest.approx(share, abs=0.02) for share in RANGES}


def test_what_takes_longer_than_all_that_was_simulated_lies_in_no_range() -> None:
    runs = [[answered(1, 0.1)] for _ in range(SEEDS)]
    assert coverage([answered(1, 0.11)], runs) == dict.fromkeys(RANGES, 0.0)
    assert coverage([answered(1, 0.1)], runs) == dict.fromkeys(RANGES, 1.0)


def test_a_figure_is_inside_up_to_the_lowest_and_the_highest_that_was_simulated() -> None:
    assert foretold(3.0, [1.0, 3.0, 2.0]).inside
    told = foretold(3.1, [1.0, 3.0, 2.0])
    assert (told.inside, told.median, told.low, told.high) == (False, 2.0, 1.0, 3.0)


def test_predictions_are_judged_by_target_and_only_where_nobody_else_was_asked() -> None:
    quantiles = (0.1, 0.2, 0.3, 0.4, 0.5)
    told = reliability(
        [
            answered(1, 0.05, predicted=quantiles),
            answered(2, 0.25, predicted=quantiles),
            answered(3, 0.6, predicted=quantiles),
            answered(4, 9.0, predicted=None),
            answered(5, 0.2, target="device", predicted=quantiles),
        ]
    )
    assert told["cloud"].count == 3
    assert told["cloud"].below == (1, 1, 2, 2, 2)
    assert told["cloud"].within(0.9) == pytest.approx(1 / 3)
    assert told["device"].below == (0, 1, 1, 1, 1)
    both = put_together([told, told])
    assert both["cloud"].count == 6
    assert both["cloud"].within(0.5) == told["cloud"].within(0.5)


def test_costs_are_compared_request_by_request_with_bursts_drawn_again_as_wholes() -> None:
    # In each burst one is dearer by what the next is cheaper: drawn one by one that would look like chance.
    dear = [answered(n, 0.1, at=10.0 * (n // 2) + n % 2, cost=1.0 + (0.5 if n % 2 else -0.5)) for n in range(20)]
    flat = [answered(n, 0.1, at=10.0 * (n // 2) + n % 2, cost=1.0) for n in range(20)]
    told = versus(dear, flat, gap_s=3.0, seed=1)
    assert (told.ratio, told.more, told.low, told.high) == (1.0, 0.0, 0.0, 0.0)
    worse = versus([answered(n, 0.1, cost=1.2) for n in range(20)], flat, gap_s=0.5, seed=1)
    assert [worse.ratio, worse.low, worse.high] == pytest.approx([1.2, 0.2, 0.2])


def test_a_summary_tells_what_requests_came_to() -> None:
    seen = [answered(number, number / 100, cost=number) for number in range(1, 20)]
    seen.append(answered(20, 1.0, target="device", late=True, device_right=False, size_bytes=2000))
    told = summary_of(seen, ["device", "cloud"])
    assert told.shares == {"device": 0.05, "cloud": 0.95}
    assert (told.late, told.loss, told.kilobytes) == (0.05, 0.05, 0.1)
    assert (told.p50_s, told.p95_s) == (0.1, 1.0)
    assert told.cost == pytest.approx(sum(range(1, 20)) / 20)
