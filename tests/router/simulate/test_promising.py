"""A simulated model's certificate keeps its promise, and says so where it cannot make one."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from router.rules.compile import compile_policy
from router.rules.policy import PromiseTerms
from router.simulate.answers import Parametric
from router.simulate.arriving import AtRandom
from router.simulate.chance import Chance
from router.simulate.curve import Steps
from router.simulate.driver import run, simulate
from router.simulate.intervals import Figure
from router.simulate.promising import certified
from router.simulate.recording import Recorder
from router.simulate.workload import Stream
from router.simulate.world import Setting
from tests.router.simulate.worlds import model, setting

ANSWERS = Parametric(0.75, 0.85, 2.0, {"cloud": (0.95, 0.6)})


@pytest.mark.parametrize("max_loss", [0.01, 0.03])
def test_what_is_kept_by_the_certificate_costs_no_more_than_it_promises(max_loss: float) -> None:
    of = model(answers=ANSWERS)
    told = certified(of, "cloud", PromiseTerms(max_loss, 0.9, 0.02), 1)
    assert told.promise.state == "in_force"
    chance = Chance(99, "later")
    losses, kept = [], 0
    for _ in range(20_000):
        truth = ANSWERS.draw(chance)
        keeps = told.score(truth.score) > told.promise.threshold
        kept += keeps
        losses.append(keeps * (truth.right["cloud"] - truth.right["device"]))
    assert statistics.fmean(losses) <= max_loss + 0.003
    assert kept / len(losses) == pytest.approx(told.promise.kept, abs=0.03)
    assert kept > 0


def test_a_larger_loss_keeps_more() -> None:
    of = model(answers=ANSWERS)
    strict, loose = (certified(of, "cloud", PromiseTerms(loss, 0.9, 0.02), 1).promise.kept for loss in (0.01, 0.05))
    assert strict < loose


@pytest.mark.parametrize(
    ("of", "reference", "terms", "why"),
    [
        (model(), None, PromiseTerms(0.01, 0.9, 0.02), "there are no two models"),
        (model(device_s=None), "cloud", PromiseTerms(0.01, 0.9, 0.02), "there are no two models"),
        (model(), "cloud", PromiseTerms(0.0001, 0.999, 0.02), "takes"),
    ],
)
def test_where_no_promise_can_be_made_it_is_said_why(
    of: object, reference: str | None, terms: PromiseTerms, why: str
) -> None:
    told = certified(of, reference, terms, 1)  # type: ignore[arg-type]  # parametrized
    assert told.promise.state == "uncovered"
    assert why in told.promise.why


# -- in a simulated world ----------------------------------------------------------------------------------------------

PROMISING = b"""
schema = 1
name = "promising"
version = 1
[promise]
max_loss = 0.02
audit = 0.1
[targets.cloud]
usd_per_request = 0.3
"""


def _day(label: str = "public") -> Setting:
    of = model(answers=ANSWERS)
    stream = Stream("app", of, 0.5, ((1.0, label),), AtRandom(Steps([(0.0, 2.0)])))
    return setting(duration_s=500.0, models={"m": of}, streams=(stream,))


@pytest.mark.wide
def test_a_policy_that_promises_keeps_it_and_escalates_the_rest() -> None:
    told = simulate(_day(), compile_policy(PROMISING), 3)
    assert told.promised_loss is not None
    assert told.max_loss == 0.02
    assert told.promised_loss.low <= 0.02
    assert told.broken is False
    assert 0 < told.escalated.value < 1


@pytest.mark.wide
def test_answers_that_a_certificate_judges_say_nothing_of_the_policys_own_threshold() -> None:
    """They were learnt from as if they had been looked at by their confidence, which an agent does not."""
    recorder = Recorder(_day())
    run(_day(), compile_policy(PROMISING), 3, recorder=recorder)
    decisions = [decision for group in recorder.recording().groups for decision in group.decisions]
    assert any(decision.plan is not None and decision.plan.escalation is not None for decision in decisions)
    assert {decision.situation.p_escalate for decision in decisions} == {None}


def test_what_a_label_keeps_on_the_device_is_not_promised() -> None:
    told = simulate(_day("secret"), compile_policy(PROMISING), 3)
    assert (told.promised_loss, told.broken) == (None, None)
    assert told.shares["device"].value == 1.0


@pytest.mark.wide
def test_audits_are_paid_for_and_answer_nobody() -> None:
    with_audits = simulate(_day(), compile_policy(PROMISING), 3)
    without = simulate(_day(), compile_policy(PROMISING.replace(b"audit = 0.1", b"audit = 0")), 3)
    assert with_audits.size_bytes.value > without.size_bytes.value
    assert with_audits.requests == without.requests


@pytest.mark.wide
def test_a_loss_beyond_the_promise_is_a_broken_one() -> None:
    told = simulate(_day(), compile_policy(PROMISING), 3)
    assert replace(told, promised_loss=Figure(0.05, 0.03, 0.07)).broken is True
    assert replace(told, promised_loss=Figure(0.03, 0.01, 0.05)).broken is False


@pytest.mark.wide
def test_a_few_requests_break_no_promise() -> None:
    """Of five requests one lost its right answer: without an interval that was 20 % beyond any chance."""
    told = simulate(_day(), compile_policy(PROMISING), 1)
    assert replace(told, promised_loss=Figure(0.2, 0.2, 0.2), requests=5).broken is False
