"""A policy replayed on records: what is estimated is what its own choices would have come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest

from router.choosing.engine import decide
from router.errors import RecordError
from router.offpolicy.estimate import Estimate, Estimates
from router.offpolicy.replaying import Replay
from router.rules.policy import Policy
from router.running.events import Ending
from router.simulate.chance import Chance
from router.spending.expense import Expense
from router.telling.record import Record
from router.types import Kind, Promise, Reading
from tests.router.offpolicy.logs import EXPLORING, log_of, truth_of
from tests.router.situations import policy_of, situation, target

HASTY = policy_of("worth.second = 3.0\n")
COUNT, SEED = 2500, 4


@cache
def _log() -> tuple[Record, ...]:
    return tuple(log_of(EXPLORING, COUNT, SEED))


def _replayed(records: Iterable[Record], policy: Policy) -> Replay:
    replay = Replay(policy)
    for number, record in enumerate(records):
        replay.add(record, f"log:{number}")
    return replay


def _estimates(records: Iterable[Record], policy: Policy) -> Estimates:
    return _replayed(records, policy).estimates(Chance(1, "t"))


def _by_name(found: Estimates) -> dict[str, Estimate]:
    assert found.refused is None
    return {each.figure.name: each for each in found.figures}


@pytest.mark.wide
def test_estimates_of_another_policy_are_near_what_it_would_have_come_to() -> None:
    found = _estimates(_log(), HASTY)
    assert found.effective_differing > 100
    assert not found.doubtful
    truth = truth_of(HASTY, COUNT, SEED)
    by_name = _by_name(found)
    for name, true in truth.items():
        for of in (by_name[name].ips, by_name[name].snips, by_name[name].dr):
            half = (of.high - of.low) / 2
            assert abs(of.value - true) < 2 * half, name
        assert abs(by_name[name].logged.value - true) > 3 * (by_name[name].snips.high - by_name[name].snips.low), name


@pytest.mark.wide
def test_estimates_of_the_policy_that_made_the_log_are_its_means() -> None:
    found = _estimates(_log(), EXPLORING)
    for each in _by_name(found).values():
        for of in (each.ips, each.snips):
            assert of.value == pytest.approx(each.logged.value)
    assert (found.differing, found.effective, found.unseen, found.astray) == (0, COUNT, 0.0, 0.0)


@pytest.mark.wide
def test_a_log_that_explored_nothing_supports_no_estimate_of_a_policy_that_differs() -> None:
    replay = _replayed(log_of(policy_of(), 300, SEED), HASTY)
    assert replay.changes.chosen_otherwise > 50
    found = replay.estimates(Chance(1, "t"))
    assert found.refused is not None
    assert found.refused.why.startswith("what it does otherwise was never done")
    assert found.refused.advice is not None
    same = _estimates(log_of(policy_of(), 300, SEED), policy_of())
    for each in _by_name(same).values():
        assert each.ips.value == pytest.approx(each.logged.value)


def _record(policy: Policy, draw: float | None = None, *, left_ms: float = 400.0) -> Record:
    decision = decide(policy, replace(situation(left_ms=left_ms), draw=draw))
    [example] = log_of(policy, 1, SEED)
    return example.model_copy(update={"decision": decision})


def test_a_request_that_has_no_end_or_no_odds_counts_for_changes_alone() -> None:
    whole = _record(EXPLORING, 0.9)
    assert whole.decision.choice == "cloud"
    endless = whole.model_copy(update={"outcome": None})
    impossible = whole.model_copy(update={"decision": replace(whole.decision, propensity=0.0, probabilities=())})
    replay = _replayed([whole, endless, impossible], policy_of('mode = "only_on_device"'))
    assert replay.changes.chosen_otherwise == 3
    assert (replay.without_end, replay.without_odds) == (1, 1)
    assert replay.estimates(Chance(1, "t")).records == 1


def test_what_was_drawn_for_an_audit_is_left_out_of_estimates() -> None:
    policy = policy_of("[promise]\nmax_loss = 0.02\n")
    of = situation(left_ms=400)
    audited = replace(of, promise=Promise("in_force", "", 0.0, 0.7), request=replace(of.request, audit=True))
    decision = decide(policy, audited)
    assert decision.chosen_by == "audit"
    replay = _replayed([_record(policy).model_copy(update={"decision": decision})], policy)
    assert replay.audited == 1
    assert replay.estimates(Chance(1, "t")).records == 0


@pytest.mark.wide
def test_older_records_count_for_what_they_say() -> None:
    """Who answered they knew; not how long it took, nor what it cost."""
    older = [record.model_copy(update={"taken_s": None, "expense": None, "began_utc": None}) for record in _log()[:300]]
    found = _by_name(_estimates(older, EXPLORING))
    assert set(found) == {"misses", "failures", "on_device"}
    mixed = _by_name(_estimates([*older, *_log()[300:600]], EXPLORING))
    assert (mixed["on_device"].records, mixed["latency"].records) == (600, 300)


def test_names_that_the_policy_does_not_know_are_told() -> None:
    strange = situation(target("device"), target("hub", Kind.FOG), target("cloud"), left_ms=400, label="fancy")
    record = _record(EXPLORING).model_copy(update={"decision": decide(EXPLORING, strange)})
    replay = _replayed([record] * 3, policy_of())
    assert replay.unnamed == {"hub": 3}
    assert replay.unknown_labels == {"fancy": 3}


def test_a_request_without_a_plan_that_has_none_either_is_one_that_failed() -> None:
    closed = decide(policy_of('mode = "only_in_cloud"'), situation(label="secret"))
    assert closed.plan is None
    record = Record(decision=closed, taken_s=0.0)
    found = _by_name(_estimates([record] * 120, policy_of('mode = "only_in_cloud"')))
    assert found["failures"].snips.value == 1.0
    assert found["latency"].snips.value == 0.0


SOUND = next(log_of(EXPLORING, 1, SEED))
VIEW = SOUND.decision.situation.targets[1]


def _with_view(**changes: object) -> Record:
    here = SOUND.decision.situation
    views = (here.targets[0], replace(VIEW, **changes))  # type: ignore[arg-type]  # of every kind
    return SOUND.model_copy(update={"decision": replace(SOUND.decision, situation=replace(here, targets=views))})


def _with_reading(name: str, value: float | bool | str) -> Record:
    readings = {name: Reading(name, value, "source", SOUND.decision.situation.now)}
    return _with_situation(readings=readings)


def _with_situation(**changes: object) -> Record:
    here = replace(SOUND.decision.situation, **changes)  # type: ignore[arg-type]  # of every kind
    return SOUND.model_copy(update={"decision": replace(SOUND.decision, situation=here)})


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(_with_view(name="device"), id="two devices"),
        pytest.param(_with_view(kind=Kind.DEVICE), id="a device of another name"),
        pytest.param(_with_view(p_fail=1.5), id="a share above one"),
        pytest.param(_with_view(p_wrong=-0.5), id="a share below none"),
        pytest.param(_with_view(upload_bytes=10**900), id="more bytes than a float can hold"),
        pytest.param(_with_view(time=replace(VIEW.time, quantiles_s=(0.5, 0.4, 0.3, 0.2, 0.1))), id="times that fall"),
        pytest.param(_with_view(time=replace(VIEW.time, quantiles_s=(1.0, 1.0, 1.0, 1.0, 1e300))), id="eternity"),
        pytest.param(_with_situation(targets=(VIEW,) * 1000), id="a thousand targets"),
        pytest.param(_with_situation(now=1e300), id="an instant after the end of time"),
        pytest.param(SOUND.model_copy(update={"began_utc": 1e300}), id="a date after the end of time"),
        pytest.param(_with_reading("battery_pct", True), id="a flag in the place of a number"),
        pytest.param(_with_reading("charging", 1.0), id="a number in the place of a flag"),
        pytest.param(_with_reading("cpu_load", "high"), id="a word in the place of a number"),
        pytest.param(_with_reading("link", "carrier pigeon"), id="a word that the signal does not have"),
        pytest.param(_with_reading("rtt_ms.cloud", -1.0), id="a round trip that was back before"),
        pytest.param(_with_situation(draw=1.5), id="a draw that cannot be"),
        pytest.param(_with_situation(p_escalate=7.0), id="a share of escalations that cannot be"),
        pytest.param(SOUND.model_copy(update={"taken_s": -1.0}), id="a time that went back"),
        pytest.param(SOUND.model_copy(update={"taken_s": 1e300}), id="a time without end"),
        pytest.param(SOUND.model_copy(update={"expense": Expense(-1.0, 0.0, 0, 0)}), id="an expense that pays"),
    ],
)
def test_what_cannot_have_been_is_refused_and_counts_nowhere(record: Record) -> None:
    replay = _replayed([SOUND], HASTY)
    with pytest.raises(RecordError):
        replay.add(record)
    assert replay.changes.records == 1
    assert replay.estimates(Chance(1, "t")).records == 1


def test_readings_that_can_be_and_those_of_another_release_are_no_fault() -> None:
    for name, value in (("battery_pct", 80), ("charging", False), ("rtt_ms.cloud", 12.5), ("gravity", True)):
        assert _replayed([_with_reading(name, value)], HASTY).changes.records == 1


def test_a_cancelled_request_is_neither_late_nor_failed() -> None:
    assert SOUND.outcome is not None
    cancelled = SOUND.model_copy(update={"outcome": replace(SOUND.outcome, ending=Ending.CANCELLED, target=None)})
    found = _by_name(_estimates([cancelled] * 150, EXPLORING))
    assert found["misses"].logged.value == found["failures"].logged.value == 0.0
