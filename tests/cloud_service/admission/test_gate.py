"""The gate as the data plane uses it: who enters, by what a refusal is, and what is told of load."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud_service.admission.gate import Gate, Ticket
from cloud_service.admission.partitions import Partition
from cloud_service.admission.quotas import Quotas
from cloud_service.admission.tenants import Tenants, Terms
from cloud_service.errors import Overloaded

_UNBOUNDED = Terms()


def _gate(terms: Terms = _UNBOUNDED, *, runs: int = 2, maximum: int = 10) -> Gate:
    return Gate(runs=runs, maximum=maximum, queue_target_s=0.2, quotas=Quotas(Tenants(terms)))


def _refused(gate: Gate, *, model: str = "m", tenant: str = "", priority: int = 0, now: float = 0.0) -> Overloaded:
    with pytest.raises(Overloaded) as caught:
        gate.enter(model, tenant, priority, now)
    return caught.value


def test_a_call_above_the_limit_is_refused_with_when_to_come_again() -> None:
    gate = _gate()
    tickets = [gate.enter("m", "", 0, 0.0) for _ in range(10)]
    refusal = _refused(gate)
    assert refusal.reason == "limit"
    assert refusal.pushback_s == 0.05
    gate.leave(tickets[0], 0.1, 0.1, 1.0)
    gate.enter("m", "", 0, 1.0)


def test_when_to_come_again_is_when_what_is_in_work_now_will_be_done() -> None:
    gate = _gate()
    for second in range(4):
        gate.leave(gate.enter("m", "", 0, second), 0.1, 0.4, second + 0.5)
    for _ in range(10):
        gate.enter("m", "", 0, 4.0)
    assert _refused(gate, now=4.0).pushback_s == pytest.approx(0.5)


def test_live_calls_get_in_although_batch_work_fills_the_limit() -> None:
    gate = _gate()
    for _ in range(10):
        gate.enter("m", "", 2, 0.0)
    assert _refused(gate, priority=2).reason == "partition"
    assert gate.enter("m", "", 0, 0.0).partition is Partition.LIVE


def test_models_share_the_service() -> None:
    gate = _gate()
    for model in "ab" * 5:
        gate.enter(model, "", 0, 0.0)
    assert _refused(gate, model="c").reason == "limit"


def test_a_tenant_that_may_only_do_batch_work_is_never_live() -> None:
    ticket = _gate(Terms(best_priority=2)).enter("m", "", 1, 0.0)
    assert (ticket.priority, ticket.partition) == (2, Partition.BATCH)


def test_a_tenant_over_its_rate_is_told_when_its_next_call_may_come() -> None:
    gate = _gate(Terms(requests_per_s=2.0, burst=1))
    gate.enter("m", "a", 0, 0.0)
    refusal = _refused(gate, tenant="a")
    assert refusal.reason == "quota"
    assert refusal.pushback_s == pytest.approx(0.5)
    gate.enter("m", "a", 0, refusal.pushback_s or 0.0)
    gate.enter("m", "b", 0, 0.0)


def test_a_tenant_with_all_its_calls_in_work_is_refused_until_one_ends() -> None:
    gate = _gate(Terms(in_flight=1))
    ticket = gate.enter("m", "a", 0, 0.0)
    assert _refused(gate, tenant="a").reason == "quota"
    gate.leave(ticket, 0.0, 0.1, 1.0)
    gate.enter("m", "a", 0, 1.0)


def test_a_call_that_finds_no_room_costs_its_tenant_nothing() -> None:
    gate = _gate(Terms(requests_per_s=1.0, burst=2), maximum=1)
    ticket = gate.enter("m", "a", 0, 0.0)
    assert _refused(gate, tenant="a").reason == "limit"
    gate.leave(ticket, 0.0, 0.1, 0.1)
    gate.enter("m", "a", 0, 0.1)


def test_the_load_tells_what_is_in_work_of_what_may_be() -> None:
    gate = _gate()
    for _ in range(5):
        gate.enter("m", "", 0, 0.0)
    load = gate.load("m", 0.125, 0.0)
    assert (load.queue_wait_s, load.utilisation, load.limit, load.in_flight) == (0.125, 0.5, 10, 5)
    assert load.stay_local_s == 0


@pytest.mark.parametrize(("priority", "asked_to_stay"), [(0, True), (2, False)], ids=["live", "batch"])
def test_callers_are_asked_to_stay_away_while_calls_that_someone_waits_for_are_refused(
    priority: int, asked_to_stay: bool
) -> None:
    gate = _gate()
    for _ in range(10):
        gate.enter("m", "", priority, 0.0)
    for step in range(5):
        _refused(gate, priority=priority, now=step * 0.5)
    assert (gate.load("m", 0.0, 2.0).stay_local_s > 0) is asked_to_stay


class AnyOrder(RuleBasedStateMachine):
    """Calls of some tenants, models and priorities that come, are refused, and leave in any order."""

    def __init__(self) -> None:
        super().__init__()
        terms = {"few": Terms(in_flight=3), "slow": Terms(requests_per_s=1.0, burst=4)}
        self.gate = Gate(runs=2, maximum=20, queue_target_s=0.1, quotas=Quotas(Tenants(Terms(), terms)))
        self.now = 0.0
        self.inside: list[Ticket] = []
        self.refusals: list[Overloaded] = []

    @rule(
        model=st.sampled_from("ab"),
        tenant=st.sampled_from(["", "few", "slow"]),
        priority=st.integers(0, 3),
        number=st.integers(1, 30),
    )
    def come(self, model: str, tenant: str, priority: int, number: int) -> None:
        for _ in range(number):
            try:
                self.inside.append(self.gate.enter(model, tenant, priority, self.now))
            except Overloaded as refusal:
                self.refusals.append(refusal)

    @precondition(lambda self: self.inside)
    @rule(
        data=st.data(),
        queue_s=st.none() | st.floats(0, 10),
        run_s=st.none() | st.floats(0, 10),
        passed_s=st.floats(0, 2),
    )
    def leave(self, data: st.DataObject, queue_s: float | None, run_s: float | None, passed_s: float) -> None:
        self.now += passed_s
        ticket = self.inside.pop(data.draw(st.integers(0, len(self.inside) - 1)))
        self.gate.leave(ticket, queue_s, run_s, self.now)

    @invariant()
    def a_refusal_says_by_what_and_until_when(self) -> None:
        for refusal in self.refusals:
            assert refusal.reason in {"quota", "limit", "partition"}
            assert refusal.pushback_s is not None
            assert 0 < refusal.pushback_s <= 10
        self.refusals.clear()

    @invariant()
    def counts_are_right(self) -> None:
        for model in "ab":
            load = self.gate.load(model, 0.0, self.now)
            assert load.in_flight == sum(ticket.model == model for ticket in self.inside)
            assert 2 <= load.limit <= 20
        assert len(self.inside) < 20 * 1.9 + 1
        assert sum(ticket.tenant == "few" for ticket in self.inside) <= 3


TestAnyOrder = AnyOrder.TestCase
