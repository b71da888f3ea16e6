"""The gate before a model server in virtual time: does it hold under callers that nobody can keep up with?"""

from __future__ import annotations

from statistics import fmean

import pytest

from cloud_service.admission.gate import Gate
from cloud_service.admission.quotas import Quotas
from cloud_service.admission.tenants import Tenants, Terms
from tests.cloud_service.admission.queueing import Simulation

pytestmark = pytest.mark.wide

_RUN_S = 0.0087  # 230 a second with two workers, as a small language model does on two cores
_NO_QUOTAS = Tenants()


def _gate(*, target_s: float = 0.2, tenants: Tenants = _NO_QUOTAS) -> Gate:
    return Gate(runs=2, maximum=64, queue_target_s=target_s, quotas=Quotas(tenants))


def _constant(rows: int, now: float) -> float:
    return _RUN_S


def _batched(rows: int, now: float) -> float:
    return 0.006 + 0.0068 * rows


def test_thirty_two_callers_that_a_server_can_just_serve_are_never_refused() -> None:
    server = Simulation(_gate(), _constant, spread=0.9)
    server.closed(32)
    server.run(60)
    assert not server.refused


def test_under_twice_the_load_that_fits_the_machine_stays_busy_and_waits_keep_to_the_target() -> None:
    server = Simulation(_gate(target_s=0.1), _constant)
    server.open(460)
    server.run(20)
    waits = server.waits(since=2)
    assert fmean(waits) <= 0.1
    assert len(waits) >= 0.95 * 18 * 2 / _RUN_S


def test_batching_does_not_make_the_limit_collapse() -> None:
    server = Simulation(_gate(target_s=0.05), _batched, max_batch=8)
    server.open(500)
    server.run(20)
    assert server.gate.load("model", 0.0, 20).limit >= 16
    assert len(server.waits(since=2)) >= 0.9 * 18 * 2 * 8 / _batched(8, 0)


def test_B4_a_model_ten_times_slower_gets_fewer_calls_that_wait_no_longer_and_recovers() -> None:
    server = Simulation(_gate(target_s=0.1), lambda rows, now: _RUN_S * (10 if 5 <= now < 25 else 1))
    server.closed(32)
    server.run(5)
    before = server.gate.load("model", 0.0, 5).limit
    server.run(25)
    slow = [call.wait_s for call in server.served if 8 <= call.came_at < 25]
    assert server.gate.load("model", 0.0, 25).limit <= before / 3
    assert fmean(slow) <= 0.1
    assert max(slow) <= 0.15
    server.run(35)
    assert len(server.waits(since=30)) >= 0.9 * 5 * 2 / _RUN_S


def test_no_limit_is_far_from_where_it_was_a_second_ago_once_it_has_settled() -> None:
    server = Simulation(_gate(target_s=0.1), _constant)
    server.open(460)
    limits = []
    for second in range(5, 30):
        server.run(second)
        limits.append(server.gate.load("model", 0.0, second).limit)
    assert max(limits) - min(limits) <= 0.35 * fmean(limits)


def test_batch_work_that_fills_the_server_costs_live_calls_one_run_at_most() -> None:
    server = Simulation(_gate(), _constant)
    server.closed(200, priority=2)
    server.open(60, priority=1)
    server.run(20)
    live = server.waits(since=2, priority=1)
    assert live[int(0.99 * len(live))] <= 2 * _RUN_S
    assert not [error for _, _, error in server.refused if error.reason == "limit"]


def test_batch_work_gets_what_live_calls_leave() -> None:
    server = Simulation(_gate(), _constant)
    server.open(150, priority=1)
    server.closed(100, priority=2)
    server.run(20)
    assert len(server.waits(since=2, priority=1)) > 0.95 * 18 * 150
    assert len(server.waits(since=2)) > 0.95 * 18 * 2 / _RUN_S


def test_I1_a_tenant_that_sends_a_hundred_times_its_share_changes_nobody_elses_wait() -> None:
    tenants = Tenants(Terms(requests_per_s=20.0, burst=5))

    def waits(greedy_per_s: float) -> tuple[list[float], Simulation]:
        server = Simulation(_gate(tenants=tenants), _constant)
        for number in range(9):
            server.open(16, tenant=f"tenant-{number}")
        server.open(greedy_per_s, tenant="greedy")
        server.run(20)
        return [call.wait_s for call in server.served if call.tenant != "greedy" and call.came_at > 2], server

    usual, _ = waits(20)
    pressed, server = waits(2000)
    assert fmean(pressed) <= 1.1 * fmean(usual)
    assert sorted(pressed)[int(0.99 * len(pressed))] <= 1.1 * sorted(usual)[int(0.99 * len(usual))]
    refused = [error.reason for _, tenant, error in server.refused if tenant == "greedy"]
    assert len(refused) > 0.95 * 2000 * 20
    assert set(refused) == {"quota"}
