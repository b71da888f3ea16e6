from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.demo.outcomes import Outcome, PhaseStats, PhaseSummary
from router.types import Kind

OUTCOMES = st.lists(
    st.builds(
        Outcome,
        answered_by=st.sampled_from([Kind.DEVICE, Kind.CLOUD, None]),
        right=st.booleans(),
        duration_ms=st.floats(0, 1e4),
        deadline_missed=st.booleans(),
    )
)


def summary(outcomes: Sequence[Outcome]) -> PhaseSummary:
    stats = PhaseStats("phase")
    for outcome in outcomes:
        stats.add(outcome)
    return stats.summary(bytes_sent=7)


def answered(duration_ms: float = 1.0, *, by: Kind = Kind.DEVICE, right: bool = True) -> Outcome:
    return Outcome(by, right, duration_ms, deadline_missed=False)


@given(OUTCOMES)
def test_every_request_is_counted_once(outcomes: list[Outcome]) -> None:
    row = summary(outcomes)
    assert row.requests == len(outcomes)
    assert row.answered == row.on_device + row.in_cloud <= row.requests


@given(OUTCOMES)
def test_half_and_nineteen_of_twenty_requests_were_no_slower(outcomes: list[Outcome]) -> None:
    row = summary(outcomes)
    for value, share in ((row.p50_ms, 0.5), (row.p95_ms, 0.95)):
        within = sum(value is not None and outcome.duration_ms <= value for outcome in outcomes)
        assert within >= share * len(outcomes)


def test_a_quantile_is_a_duration_that_was_measured() -> None:
    row = summary([answered(float(ms)) for ms in range(100, 0, -1)])
    assert (row.p50_ms, row.p95_ms) == (50.0, 95.0)


def test_no_answer_is_not_a_right_one() -> None:
    failed = Outcome(None, right=True, duration_ms=5.0, deadline_missed=True)
    row = summary([answered(), answered(by=Kind.CLOUD), answered(right=False), failed])
    assert (row.accuracy, row.answered, row.deadline_misses) == (0.5, 3, 1)


def test_a_phase_in_which_nothing_was_asked_has_no_accuracy_and_no_durations() -> None:
    row = summary([])
    assert (row.accuracy, row.p50_ms, row.p95_ms) == (None, None, None)


def test_the_summary_file_has_exactly_these_fields() -> None:
    written = json.loads(json.dumps(summary([answered(2.5, by=Kind.CLOUD)]).as_json()))
    assert written == {
        "name": "phase",
        "requests": 1,
        "answered": 1,
        "on_device": 0,
        "in_cloud": 1,
        "accuracy": 1.0,
        "p50_ms": 2.5,
        "p95_ms": 2.5,
        "deadline_misses": 0,
        "bytes_sent": 7,
    }


@pytest.mark.parametrize("kind", [Kind.DEVICE, Kind.CLOUD])
def test_a_summary_may_be_asked_for_while_the_phase_runs(kind: Kind) -> None:
    stats = PhaseStats("phase")
    for count in range(1, 4):
        stats.add(answered(by=kind))
        assert stats.summary(bytes_sent=0).answered == count
