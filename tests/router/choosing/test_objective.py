"""What plans are expected to cost, in the limits where it can be said by hand."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import pytest

from router.choosing.objective import (
    WEIGHTS,
    Expectation,
    Prospect,
    cascade,
    cost,
    prospect,
    single,
    with_fallback,
)
from router.rules.policy import EscalationTerms, TargetTerms, Worth
from router.running.attempt import HAND_BACK_S
from router.types import QUANTILES
from tests.router.choosing.prospects import a_prospect as _prospect

AMPLE_S = 100.0
TERMS = EscalationTerms(below=0.8, recovers=0.9, share=0.3)


def test_each_quantile_stands_for_the_probability_around_it() -> None:
    edges = [0.0, *((low + high) / 2 for low, high in pairwise(QUANTILES)), 1.0]
    assert pytest.approx([high - low for low, high in pairwise(edges)]) == WEIGHTS


def test_what_was_measured_of_being_wrong_replaces_what_is_believed() -> None:
    terms = TargetTerms(0.1, (1, 1, 1, 1, 1), 0.0)
    assert prospect("x", (1, 1, 1, 1, 1), 0.02, 0.0, 0, terms).p_wrong == 0.02
    assert prospect("x", (1, 1, 1, 1, 1), 0.0, 0.0, 0, terms).p_wrong == 0.0
    assert prospect("x", (1, 1, 1, 1, 1), None, 0.0, 0, terms).p_wrong == 0.1


@pytest.mark.parametrize("field", [f.name for f in fields(Worth)])
def test_every_worth_prices_its_own_share_of_the_cost(field: str) -> None:
    nothing = {f.name: 0.0 for f in fields(Worth)}
    expected = Expectation(p_wrong=0.1, p_miss=0.2, p_fail=0.3, seconds=0.4, usd=0.5, megabytes=0.6, joules=0.7)
    share = dict(zip(nothing, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), strict=True))
    assert cost(expected, Worth(**(nothing | {field: 2.0}))) == pytest.approx(2.0 * share[field])


@pytest.mark.parametrize(
    ("left_ms", "p_miss"),
    [
        (60, 0.0),
        (55, 0.025),
        (50, 0.05),
        (49, 0.15),
        (40, 0.15),
        (30, 0.375),
        (20, 0.625),
        (10, 0.85),
        (9, 1.0),
        (0, 1.0),
    ],
)
def test_a_deadline_is_missed_with_the_weight_of_the_quantiles_beyond_it(left_ms: float, p_miss: float) -> None:
    expected = single(_prospect(), left_ms / 1000)
    assert expected.p_miss == pytest.approx(p_miss)
    assert expected.p_wrong == pytest.approx((1 - p_miss) * 0.1)
    assert expected.seconds <= left_ms / 1000 + 1e-12


def test_with_ample_time_one_target_costs_its_mean() -> None:
    expected = single(_prospect(p_fail=0.2, usd=0.01, upload_bytes=500_000), AMPLE_S)
    assert expected.p_wrong == pytest.approx(0.08)
    assert expected.seconds == pytest.approx(0.030)
    assert (expected.p_miss, expected.p_fail, expected.usd, expected.megabytes) == (0.0, 0.2, 0.01, 0.5)


def test_a_target_that_never_fails_and_is_never_late_needs_nobody_behind_it() -> None:
    first, second = _prospect(), _prospect("device", p_wrong=0.9, usd=5.0)
    assert with_fallback(first, second, AMPLE_S, 1.0) == single(first, AMPLE_S)


def test_a_target_that_always_fails_leaves_all_to_the_one_behind_it() -> None:
    first, second = _prospect(p_fail=1.0, usd=0.5, times_ms=(1, 1, 1, 1, 1)), _prospect("device", p_wrong=0.2)
    expected = with_fallback(first, second, AMPLE_S, 1.0)
    alone = single(second, AMPLE_S)
    assert (expected.p_wrong, expected.p_miss, expected.p_fail) == (alone.p_wrong, alone.p_miss, alone.p_fail)
    assert expected.seconds == pytest.approx(0.001 + alone.seconds)
    assert expected.usd == 0.5


def test_a_target_that_is_too_slow_costs_its_share_and_then_the_one_behind_it() -> None:
    first, second = _prospect(times_ms=(900,) * 5), _prospect("device", p_wrong=0.2, times_ms=(10,) * 5)
    expected = with_fallback(first, second, left_s=0.5, reserve_s=0.1)
    assert expected.seconds == pytest.approx(0.4 + 0.010)
    assert expected.p_wrong == pytest.approx(0.2)
    assert expected.p_miss == 0.0


def _cascade(device: Prospect, remote: Prospect, share: float, left_s: float = AMPLE_S) -> Expectation:
    return cascade(single(device, left_s), device, remote, TERMS, share, left_s)


def test_asking_about_few_answers_sets_no_more_of_them_right() -> None:
    """A threshold that hardly any answer is below was believed to catch nine of ten faults."""
    device, remote = _prospect(p_wrong=0.5), _prospect(p_wrong=0.1)
    assert _cascade(device, remote, 0.02).p_wrong == pytest.approx(0.48)
    assert _cascade(device, remote, 0.0).p_wrong == 0.5
    assert _cascade(device, remote, 0.6).p_wrong == pytest.approx(0.5 - TERMS.recovers * 0.4)


def test_escalating_recovers_its_part_of_what_the_remote_knows_better() -> None:
    device, remote = _prospect("device", p_wrong=0.10), _prospect(p_wrong=0.04, usd=0.01, upload_bytes=1_000_000)
    expected = _cascade(device, remote, 0.25)
    assert expected.p_wrong == pytest.approx(0.10 - 0.9 * 0.06)
    assert expected.seconds == pytest.approx(0.030 + 0.25 * 0.030)
    assert expected.usd == pytest.approx(0.0025)
    assert expected.megabytes == pytest.approx(0.25)


def test_escalating_to_a_worse_model_recovers_nothing() -> None:
    device = _prospect("device", p_wrong=0.05)
    assert _cascade(device, _prospect(p_wrong=0.2), 0.25).p_wrong == single(device, AMPLE_S).p_wrong


def test_an_escalation_that_cannot_come_back_costs_the_wait_and_changes_no_answer() -> None:
    device, remote = _prospect("device", times_ms=(10,) * 5), _prospect(p_wrong=0.0, times_ms=(500,) * 5)
    expected, alone = _cascade(device, remote, 0.5, left_s=0.110), single(device, 0.110)
    assert (expected.p_wrong, expected.p_miss) == (alone.p_wrong, alone.p_miss)
    # Waited for until the held answer has to be handed back.
    assert expected.seconds == pytest.approx(alone.seconds + 0.5 * (0.1 - HAND_BACK_S))


def test_a_remote_that_always_fails_recovers_nothing() -> None:
    device = _prospect("device")
    assert _cascade(device, _prospect(p_wrong=0.0, p_fail=1.0), 0.5).p_wrong == single(device, AMPLE_S).p_wrong


def test_a_device_that_always_fails_escalates_nothing() -> None:
    device = _prospect("device", p_fail=1.0)
    assert _cascade(device, _prospect(p_wrong=0.0, usd=1.0), 0.5) == single(device, AMPLE_S)


def test_an_escalation_that_would_be_given_up_before_it_comes_back_helps_nothing() -> None:
    device, remote = _prospect("device", times_ms=(1,) * 5), _prospect(p_wrong=0.0, times_ms=(25,) * 5)
    alone = single(device, 0.030)
    assert _cascade(device, remote, 0.5, left_s=0.030).p_wrong == alone.p_wrong
    assert _cascade(device, remote, 0.5, left_s=0.037).p_wrong < alone.p_wrong


# -- energy ------------------------------------------------------------------------------------------------------------


def test_a_target_draws_its_power_while_it_is_waited_for_and_the_rest_once() -> None:
    radio = _prospect(watts=2.0, extra_j=5.0)
    assert single(radio, AMPLE_S).joules == pytest.approx(2.0 * 0.030 + 5.0)
    assert single(radio, 0.0).joules == pytest.approx(5.0)


def test_the_energy_of_a_fallback_is_paid_as_often_as_it_is_asked() -> None:
    first = _prospect(p_fail=0.25, watts=1.0, extra_j=8.0)
    second = _prospect("device", watts=4.0, times_ms=(10,) * 5)
    expected = with_fallback(first, second, AMPLE_S, 0.0)
    assert expected.joules == pytest.approx(0.030 + 8.0 + 0.25 * 0.040)


def test_a_first_target_that_always_answers_costs_no_other_s_energy() -> None:
    first, second = _prospect(watts=1.0, extra_j=8.0), _prospect("device", watts=4.0)
    assert with_fallback(first, second, AMPLE_S, 0.0).joules == pytest.approx(single(first, AMPLE_S).joules)


def test_an_escalation_costs_the_radio_s_energy_for_the_share_that_escalates() -> None:
    device = _prospect("device", watts=2.0)
    expected = _cascade(device, _prospect(p_wrong=0.0, watts=1.0, extra_j=8.0), 0.25)
    assert expected.joules == pytest.approx(2.0 * 0.030 + 0.25 * (0.030 + 8.0))
