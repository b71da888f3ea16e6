"""The budget for hedges."""

from __future__ import annotations

import pytest

from router.running.hedge import NO_TOKENS, HedgeSettings, HedgeState, earn, spend


def _hedges(requests: int, share: float, wants: range | None = None) -> int:
    state, made = NO_TOKENS, 0
    for number in range(requests):
        state = earn(state, HedgeSettings(share))
        if wants is None or number in wants:
            spent = spend(state)
            if spent is not None:
                state, made = spent, made + 1
    return made


@pytest.mark.parametrize("share", [0.02, 0.03, 0.05])
def test_however_many_want_one_no_more_than_the_share_gets_one(share: float) -> None:
    for requests in (1, 10, 100, 1000):
        assert _hedges(requests, share) <= share * requests + 1e-6


def test_what_is_covered_is_made() -> None:
    assert _hedges(1000, 0.02) == 20


def test_after_a_quiet_day_a_few_are_made_at_once_and_no_storm() -> None:
    assert _hedges(100_000, 0.02, range(99_900, 100_000)) <= 3 + 2


def test_nothing_is_owed() -> None:
    assert spend(HedgeState(0.5)) is None
    assert spend(HedgeState(1.0)) == HedgeState(0.0)


@pytest.mark.parametrize("requests", [1, 7, 49, 1000])
def test_what_many_earn_at_once_is_what_they_earn_one_by_one(requests: int) -> None:
    one_by_one = NO_TOKENS
    for _ in range(requests):
        one_by_one = earn(one_by_one, HedgeSettings(0.02))
    assert earn(NO_TOKENS, HedgeSettings(0.02), requests).tokens == pytest.approx(one_by_one.tokens)
