from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.batching.planner import Plan, Queue, Rules, Waiting


def _call(
    name: str, *, key: str = "a", rows: int = 1, rank: int = 1, deadline: float = 1e9, arrival: float = 0.0
) -> Waiting[str]:
    return Waiting(name, key, rows, rank, deadline, arrival)


def _queue(rules: Rules, *calls: Waiting[str]) -> Queue[str]:
    queue: Queue[str] = Queue(rules)
    for call in calls:
        queue.add(call)
    return queue


def _no_time(_: int) -> float:
    return 0.0


def _plan(queue: Queue[str], now: float = 0.0, *, free: int = 1, run_s: Callable[[int], float] = _no_time) -> Plan[str]:
    return queue.plan(now, free=free, run_s=run_s)


def _names(calls: Sequence[Waiting[str]]) -> str:
    return "".join(call.call for call in calls)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        pytest.param([_call("1"), _call("2"), _call("3")], "123", id="all that is there"),
        pytest.param([_call("1", rows=3), _call("2", rows=2), _call("3")], "1", id="the next would be too much"),
        pytest.param([_call("1", rows=9), _call("2")], "1", id="larger than a batch runs alone"),
        pytest.param([_call("1"), _call("2", key="b"), _call("3")], "13", id="unlike calls never meet"),
        pytest.param([_call("1", rank=2), _call("2", rank=1)], "2", id="the more urgent first, alone"),
        pytest.param([_call("1", arrival=2), _call("2", key="b", arrival=1)], "2", id="first come first served"),
        pytest.param([], "", id="nobody"),
    ],
)
def test_who_runs_next_and_with_whom(calls: list[Waiting[str]], expected: str) -> None:
    assert _names(_plan(_queue(Rules(max_batch=4), *calls)).batch) == expected


def test_what_waits_is_shared_out_between_the_runs_that_are_free() -> None:
    queue = _queue(Rules(max_batch=8), *(_call(name) for name in "12345"))
    assert _names(_plan(queue, free=2).batch) == "123"
    assert _names(_plan(queue, free=1).batch) == "45"


@pytest.mark.parametrize(
    ("now", "rank", "expected"),
    [
        pytest.param(11.0, 2, "12", id="an urgent one came a moment ago, and another will find this run going on"),
        pytest.param(15.5, 2, "1234", id="none came lately"),
        pytest.param(11.0, 1, "1234", id="they are as urgent themselves"),
    ],
)
def test_while_urgent_calls_come_the_runs_of_others_are_kept_short(now: float, rank: int, expected: str) -> None:
    queue = _queue(Rules(max_batch=4, max_beside_urgent=2), _call("urgent", rank=1, arrival=10.0))
    assert _names(_plan(queue, 10.0).batch) == "urgent"
    for name in "12345":
        queue.add(_call(name, rank=rank, arrival=now))
    assert _names(_plan(queue, now).batch) == expected


def test_a_call_that_cannot_be_answered_in_time_is_dropped_and_its_mates_run() -> None:
    queue = _queue(Rules(max_batch=4), _call("1", deadline=1), _call("2"), _call("3", deadline=1), _call("4"))
    plan = _plan(queue, run_s=lambda rows: 1.5)
    assert (_names(plan.batch), _names(plan.dropped)) == ("24", "13")
    assert len(queue) == 0


def test_a_mate_that_would_make_somebody_late_waits_for_the_next_batch() -> None:
    queue = _queue(Rules(max_batch=4), _call("1", deadline=2), _call("2"), _call("3"))
    assert _names(_plan(queue, run_s=float).batch) == "12"
    assert _names(_plan(queue, run_s=float).batch) == "3"


@pytest.mark.parametrize(
    ("now", "calls", "expected"),
    [
        pytest.param(0.05, [_call("1")], "", id="it waits for company"),
        pytest.param(0.1, [_call("1")], "1", id="and not for ever"),
        pytest.param(0.0, [_call("1", rows=2), _call("2", rows=2)], "12", id="a full batch waits for nobody"),
        pytest.param(0.0, [_call("1", rows=3), _call("2", rows=2)], "1", id="nor one that the next would overfill"),
        pytest.param(0.05, [_call("1", deadline=0.05)], "1", id="nor beyond a deadline"),
        pytest.param(0.05, [_call("1", rank=1), _call("2", rank=2, rows=4)], "2", id="and holds up nobody else"),
    ],
)
def test_with_a_delay_a_batch_waits_for_mates(now: float, calls: list[Waiting[str]], expected: str) -> None:
    assert _names(_plan(_queue(Rules(max_batch=4, max_queue_delay_s=0.1), *calls), now).batch) == expected


def test_a_batch_that_waits_says_when_to_ask_again() -> None:
    rules = Rules(max_batch=4, max_queue_delay_s=0.1)
    assert _plan(_queue(rules, _call("1"))).wake_at == 0.1
    early = _plan(_queue(rules, _call("1", deadline=0.08)), run_s=lambda rows: 0.01)
    assert early.wake_at == pytest.approx(0.08 - 2 * 0.01 - 0.005), "with room for a run that takes longer"
    assert _plan(_queue(rules)).wake_at == math.inf


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(5, "1234", id="the largest preferred that is there"),
        pytest.param(3, "12", id="or a smaller one"),
        pytest.param(1, "", id="or it waits"),
    ],
)
def test_preferred_sizes_are_sent_without_waiting_for_more(count: int, expected: str) -> None:
    rules = Rules(max_batch=8, max_queue_delay_s=0.1, preferred=(2, 4))
    queue = _queue(rules, *(_call(name) for name in "12345"[:count]))
    assert _names(_plan(queue, free=4).batch) == expected


def test_who_was_taken_out_is_neither_run_nor_dropped() -> None:
    gone = _call("1")
    queue = _queue(Rules(max_batch=4), gone, _call("2"))
    assert queue.remove(gone)
    assert not queue.remove(gone)
    assert _names(_plan(queue).batch) == "2"


def test_rows_ahead_are_those_of_the_same_rank_and_of_more_urgent_ones() -> None:
    queue = _queue(Rules(), _call("1", rows=3), _call("2", rank=2, rows=5), _call("3", key="b", rows=1))
    assert [queue.rows_ahead(rank) for rank in (1, 2, 3)] == [4, 9, 9]


_calls = st.builds(
    _call,
    name=st.just("."),
    key=st.sampled_from("ab"),
    rows=st.integers(1, 6),
    rank=st.integers(1, 3),
    deadline=st.floats(0, 20),
    arrival=st.just(0.0),
)
_rules = st.builds(
    Rules,
    max_batch=st.integers(1, 5),
    max_queue_delay_s=st.sampled_from([0.0, 0.5]),
    preferred=st.sampled_from([(), (2,), (2, 4)]),
)


@pytest.mark.wide
@given(
    rules=_rules,
    arrivals=st.lists(st.lists(_calls, max_size=4), min_size=1, max_size=8),
    leaving=st.sets(st.integers(0, 31)),
    row_s=st.floats(0, 1),
    free=st.integers(1, 3),
)
def test_whatever_comes_and_goes_every_call_ends_once_and_no_batch_breaks_a_rule(
    rules: Rules, arrivals: list[list[Waiting[str]]], leaving: set[int], row_s: float, free: int
) -> None:
    queue: Queue[str] = Queue(rules)
    ended: list[Waiting[str]] = []
    waiting: list[Waiting[str]] = []
    now = 0.0

    def run_s(rows: int) -> float:
        return rows * row_s

    def step() -> Plan[str]:
        plan = queue.plan(now, free=free, run_s=run_s)
        batch = plan.batch
        for call in (*batch, *plan.dropped):
            waiting.remove(call)
            ended.append(call)
        rows = sum(call.rows for call in batch)
        assert rows <= rules.max_batch or len(batch) == 1
        assert len({(call.key, call.rank) for call in batch}) <= 1
        assert all(now + run_s(rows) <= call.deadline for call in batch)
        assert all(now + run_s(call.rows) > call.deadline for call in plan.dropped)
        if batch and not rules.max_queue_delay_s:
            assert all(batch[0].rank <= call.rank for call in waiting), "the most urgent first"
        if batch:
            like = [call for call in waiting if (call.key, call.rank) == (batch[0].key, batch[0].rank)]
            assert all(batch[0].arrival <= call.arrival for call in like), "and of these who came first"
        assert batch or not waiting or now < plan.wake_at < math.inf
        return plan

    for number, group in enumerate(arrivals):
        for call in group:
            arrived = Waiting(call.call, call.key, call.rows, call.rank, call.deadline, now)
            queue.add(arrived)
            waiting.append(arrived)
        if number in leaving and waiting:
            gone = waiting.pop()
            assert queue.remove(gone)
            ended.append(gone)
        step()
        now += 0.3
    while queue:
        plan = step()
        if queue and not plan.batch:
            now = plan.wake_at
    assert not waiting
    assert len(ended) == len({id(call) for call in ended}) == sum(len(group) for group in arrivals)
