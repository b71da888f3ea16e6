"""A record is its decision: written, read back, and decided again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.choosing.closed import Constraint
from router.choosing.engine import decide
from router.errors import RecordError
from router.running.attempt import Ending, Failure, Outcome
from router.spending.expense import Expense
from router.telling.record import MAX_RECORD_BYTES, from_json, replay, to_json
from router.telling.shadow import beside
from tests.router.situations import policy_of, situation, target

POLICY = policy_of(
    "[escalation]\nbelow = 0.8\n"
    '[[rules]]\nname = "r"\nwhen = { charging = false, cpu_load = { less_than = 2 } }\nforbid = ["fog"]\n'
)
DECISION = decide(
    POLICY,
    situation(
        target("device"),
        target("cloud", p_wrong=0.02),
        target("fog"),
        readings={"charging": False, "cpu_load": 1.0, "battery_pct": None},
        p_escalate=0.2,
    ),
)
OUTCOME = Outcome(Ending.ANSWERED, "device", (Failure("cloud", "UNAVAILABLE"),), certain=False, score=0.5)


@pytest.mark.parametrize("outcome", [None, OUTCOME])
def test_a_record_comes_back_equal(outcome: Outcome | None) -> None:
    read = from_json(to_json(DECISION, outcome))
    assert read.decision == DECISION
    assert read.outcome == outcome


def test_when_it_was_and_what_a_shadow_would_have_done_come_back_too() -> None:
    other = policy_of('mode = "only_in_cloud"')
    choice = beside(other, replay(DECISION, other), DECISION, OUTCOME)
    read = from_json(to_json(DECISION, OUTCOME, began_utc=1_700_000_000.25, taken_s=0.0125, shadow=choice))
    assert (read.began_utc, read.taken_s, read.shadow) == (1_700_000_000.25, 0.0125, choice)
    assert read.shadow is not None
    assert read.shadow.why is Constraint.MODE


def test_a_record_from_before_they_were_written_says_nothing_of_them() -> None:
    older = json.loads(to_json(DECISION, OUTCOME))
    for name in ("began_utc", "taken_s", "shadow"):
        assert older.pop(name) is None
    read = from_json(json.dumps(older))
    assert (read.began_utc, read.taken_s, read.shadow) == (None, None, None)


def test_what_it_took_comes_back_too() -> None:
    expense = Expense(0.5, 0.0002, 1200, 80)
    read = from_json(to_json(DECISION, OUTCOME, began_utc=1_700_000_000.25, taken_s=0.0125, expense=expense))
    assert (read.began_utc, read.taken_s, read.expense) == (1_700_000_000.25, 0.0125, expense)


def test_a_record_of_the_second_version_says_nothing_of_what_it_took() -> None:
    older = json.loads(to_json(DECISION, OUTCOME)) | {"record": 2}
    for name in ("began_utc", "taken_s", "expense"):
        del older[name]
    del older["decision"]["probabilities"]
    read = from_json(json.dumps(older))
    assert (read.record_version, read.began_utc, read.taken_s, read.expense) == (2, None, None, None)
    assert read.decision == DECISION


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (("record",), True),
        (("record",), 3.0),
        (("began_utc",), True),
        (("began_utc",), "1.5"),
        (("taken_s",), False),
        (("expense", "joules"), True),
        (("expense", "sent_bytes"), 12.0),
        (("decision", "choice"), 1),
        (("decision", "situation", "now"), True),
        (("decision", "situation", "targets", 1, "upload_bytes"), "1000"),
        (("decision", "situation", "targets", 0, "p_fail"), False),
        (("outcome", "certain"), 1),
        (("outcome", "certain"), "true"),
    ],
)
def test_a_number_is_a_number_and_a_flag_a_flag(place: tuple[str | int, ...], told: object) -> None:
    """`true` was read as 1.0, and words as what they spell: figures were made of what nobody had measured."""
    whole = to_json(DECISION, OUTCOME, began_utc=1.0, taken_s=0.5, expense=Expense(0.5, 0.0002, 1200, 80))
    record = json.loads(whole)
    within = record
    for name in place[:-1]:
        within = within[name]
    assert within[place[-1]] != told or type(within[place[-1]]) is not type(told)
    within[place[-1]] = told
    with pytest.raises(RecordError, match=f"not a decision record.*{place[-1]}"):
        from_json(json.dumps(record))
    assert from_json(whole).outcome == OUTCOME


def test_a_flag_stays_a_flag_and_a_number_a_number() -> None:
    readings = from_json(to_json(DECISION)).decision.situation.readings
    assert readings["charging"].value is False
    assert type(readings["cpu_load"].value) is float


def test_a_decision_without_a_plan_comes_back_too() -> None:
    closed = decide(POLICY, situation(target("cloud"), label="secret"))
    assert from_json(to_json(closed)).decision == closed


def test_a_record_is_one_line() -> None:
    assert "\n" not in to_json(DECISION, OUTCOME)


def test_G7_replayed_under_the_same_policy_it_is_the_same_decision() -> None:
    assert replay(from_json(to_json(DECISION)).decision, POLICY) == DECISION


def test_replayed_under_another_policy_it_says_what_that_would_have_done() -> None:
    assert replay(DECISION, policy_of('mode = "only_in_cloud"')).choice == "cloud"


def test_a_record_of_the_first_version_is_read_and_decided_again_the_same() -> None:
    """Written by what wrote records before there was energy in them, and before anything was started beside a call."""
    read = from_json((Path(__file__).parent / "records" / "version_1.jsonl").read_text(encoding="utf-8"))
    again = replay(read.decision, POLICY)
    assert again.plan is not None
    assert read.decision.plan is not None
    assert [leg.target for leg in again.plan.legs] == [leg.target for leg in read.decision.plan.legs]
    assert again.plan.escalation == read.decision.plan.escalation
    assert [(c.name, c.cost) for c in again.candidates] == [(c.name, c.cost) for c in read.decision.candidates]
    assert (again.closed, again.readings) == (read.decision.closed, read.decision.readings)


def _changed(**changes: object) -> str:
    return json.dumps(json.loads(to_json(DECISION)) | changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "not a decision record", id="nothing"),
        pytest.param("{", "not a decision record", id="torn"),
        pytest.param("[]", "not a decision record", id="another document"),
        pytest.param(_changed(record=4), "a decision record of version 4; versions 1 to 3 are", id="a later version"),
        pytest.param(
            _changed(record=-(10**900)), "decision record of version no sense", id="a version past all reason"
        ),
        pytest.param(_changed(more=1), "more: Extra inputs are not permitted", id="more than there is"),
        pytest.param(_changed(decision={}), "decision.plan: ", id="no decision"),
        pytest.param("[" * 10_000, "not a decision record", id="deep"),
        pytest.param(" " * (MAX_RECORD_BYTES + 1), "at most", id="long"),
        pytest.param(to_json(DECISION).replace("1000", "NaN"), "not a decision record", id="NaN"),
    ],
)
def test_what_is_no_record_is_refused(text: str, said: str) -> None:
    with pytest.raises(RecordError, match="record") as raised:
        from_json(text)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 500
