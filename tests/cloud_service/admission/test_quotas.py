"""A tenant's share of calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.admission.quotas import Quotas
from cloud_service.admission.tenants import Tenants, Terms


def _quotas(**terms: float | int | None) -> Quotas:
    return Quotas(Tenants(Terms(**terms)))  # type: ignore[arg-type]


def test_without_terms_nobody_waits() -> None:
    quotas = Quotas(Tenants())
    for _ in range(1000):
        assert quotas.wait_s("a", 0.0) == 0
        quotas.enter("a", 0.0)
    assert not quotas.full("a")


def test_a_burst_passes_and_then_the_wait_is_told() -> None:
    quotas = _quotas(requests_per_s=4.0, burst=2)
    for _ in range(2):
        assert quotas.wait_s("a", 0.0) == 0
        quotas.enter("a", 0.0)
    assert quotas.wait_s("a", 0.0) == pytest.approx(0.25)
    assert quotas.wait_s("a", 0.1) == pytest.approx(0.15)


def test_a_pause_brings_no_more_than_the_burst() -> None:
    quotas = _quotas(requests_per_s=10.0, burst=2)
    for _ in range(2):
        quotas.enter("a", 1000.0)
    assert quotas.wait_s("a", 1000.0) > 0


def test_each_tenant_has_a_bucket_of_its_own() -> None:
    quotas = _quotas(requests_per_s=1.0, burst=1)
    quotas.enter("a", 0.0)
    assert quotas.wait_s("a", 0.0) > 0
    assert quotas.wait_s("b", 0.0) == 0


def test_calls_in_work_are_bounded_until_one_ends() -> None:
    quotas = _quotas(in_flight=2)
    quotas.enter("a", 0.0)
    assert not quotas.full("a")
    quotas.enter("a", 0.0)
    assert quotas.full("a")
    assert not quotas.full("b")
    quotas.leave("a")
    assert not quotas.full("a")


@pytest.mark.parametrize(
    ("best", "asked", "has"),
    [(1, 0, 1), (1, 1, 1), (1, 7, 7), (2, 0, 2), (2, 1, 2), (2, 3, 3)],
)
def test_nobody_is_more_urgent_than_its_terms_allow(best: int, asked: int, has: int) -> None:
    assert Terms(best_priority=best).priority(asked) == has


def test_only_so_many_tenants_are_remembered_the_latest_of_them() -> None:
    quotas = Quotas(Tenants(Terms(requests_per_s=1.0)), max_tenants=2)
    for tenant in ("a", "b", "a", "c"):
        quotas.enter(tenant, 0.0)
    assert quotas.wait_s("a", 0.0) > 0
    assert quotas.wait_s("c", 0.0) > 0
    assert quotas.wait_s("b", 0.0) == 0


@given(
    rate=st.floats(0.01, 1000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 10), max_size=100),
)
def test_never_more_than_the_burst_and_the_rate(rate: float, burst: int, pauses: list[float]) -> None:
    quotas, now, begun = _quotas(requests_per_s=rate, burst=burst), 0.0, 0
    for pause_s in pauses:
        now += pause_s
        if quotas.wait_s("a", now) == 0:
            quotas.enter("a", now)
            begun += 1
    assert begun <= burst + rate * now + 1e-3


@given(rate=st.floats(0.01, 1000), at=st.floats(0, 1e6))
def test_whoever_waits_as_told_gets_in(rate: float, at: float) -> None:
    quotas = _quotas(requests_per_s=rate, burst=1)
    quotas.enter("a", at)
    assert quotas.wait_s("a", at + quotas.wait_s("a", at) * (1 + 1e-6) + 1e-9) < 1e-6 / rate + 1e-9
