from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edge_agent.demo.day import DAY
from edge_agent.demo.outcomes import Outcome, PhaseStats
from edge_agent.demo.play import Answer, Played
from edge_agent.demo.words import Baselines, compared, explained, listed, pick, seen
from edge_agent.result import Result
from router.choosing.engine import decide
from router.rules.compile import compile_policy
from router.running import attempt
from router.running.attempt import Ending
from router.types import DEVICE, BreakerPhase, Kind, Request, Situation, TargetView, TimeEstimate

POLICY = compile_policy(b"""\
schema = 1
name = "test"
version = 1
[escalation]
below = 0.5
""")


def result(target: str, *, escalated: bool = False, certain: bool | None = None) -> Result:
    time = TimeEstimate((0.001, 0.001, 0.001, 0.001, 0.001), 9)
    views = tuple(
        TargetView(name, kind, True, "", 0, 9999, time, 0.0, 0.1, BreakerPhase.CLOSED, True)
        for name, kind in ((DEVICE, Kind.DEVICE), ("cloud", Kind.CLOUD))
    )
    request = Request("r-1", "digits", "public", 100.0, True)
    decision = decide(POLICY, Situation(request, {}, views, None, 99.0))
    outcome = attempt.Outcome(Ending.ANSWERED, target, (), escalated=escalated, certain=certain, score=0.1)
    return Result({"probabilities": np.eye(10)[:1]}, target, None, (), 0.001, decision, outcome, POLICY)


def kept(*, right: bool = True) -> Answer:
    return Answer(3, result("device", certain=True), Outcome(Kind.DEVICE, right, 0.2, deadline_missed=False))


def escalated(*, right: bool = True) -> Answer:
    return Answer(3, result("cloud", escalated=True), Outcome(Kind.CLOUD, right, 10.0, deadline_missed=False))


def in_vain() -> Answer:
    answered = result("device", escalated=True, certain=False)
    return Answer(8, answered, Outcome(Kind.DEVICE, False, 148.0, deadline_missed=False))


NOT_ANSWERED = Answer(None, None, Outcome(None, False, 150.0, deadline_missed=True))


def played(name: str, answers: Sequence[Answer], *, bytes_sent: int = 0) -> Played:
    stats = PhaseStats(name)
    for answer in answers:
        stats.add(answer.outcome)
    return Played(stats.summary(bytes_sent=bytes_sent), tuple(answers))


BASELINES = Baselines(
    played("always device", [kept(), kept(right=False)]),
    played("always cloud", [escalated(), escalated()], bytes_sent=400),
)


def test_every_phase_of_the_day_is_spoken_of_even_with_nothing_asked_in_it() -> None:
    paragraphs = "\n".join(seen([played(phase.name, []) for phase in DAY], BASELINES))
    assert all(f"  {phase.name} " in paragraphs for phase in DAY)


@pytest.mark.parametrize(
    ("phase", "answers", "said"),
    [
        pytest.param("good network", [kept(), escalated()], "50% answered in the cloud; 100.0% of all", id="good"),
        pytest.param("battery low", [kept()], "Rule battery-low held for 0 of 1; 1 answered", id="no-rule-no-claim"),
        pytest.param("network slow", [kept(), in_vain()], "1 waited for the cloud in vain", id="waited"),
        pytest.param("device busy", [escalated(), NOT_ANSWERED], "right, and 1 got no answer.", id="no-answer"),
        pytest.param("cloud gone", [kept(), NOT_ANSWERED], "1 of 2 answered", id="not-all-answered"),
        pytest.param("secret", [kept(), escalated()], "7 bytes sent, with the cloud in reach; 1 of 2", id="leak"),
    ],
)
def test_sentences_say_what_the_numbers_say(phase: str, answers: list[Answer], said: str) -> None:
    (row,) = [" ".join(" ".join(seen([played(phase, answers, bytes_sent=7)], BASELINES)).split())]
    assert said in row


def test_routing_is_compared_with_asking_the_cloud_about_everything() -> None:
    auto = played("good network", [kept(), escalated()], bytes_sent=100).summary
    said = " ".join(compared(auto, BASELINES))
    for part in ("+0.0 points", "50% of the answers", "25% of the bytes", "0.2 ms instead of 10 ms"):
        assert part in said


def test_an_image_that_the_cloud_saved_is_picked() -> None:
    device = played("always device", [kept(), kept(right=False), kept(), kept()])
    assert pick(played("good network", [kept(), escalated(), escalated(), in_vain()]), device) == 1


def test_without_one_any_that_the_cloud_answered_is_picked_and_none_where_it_did_not() -> None:
    device = played("always device", [kept(), kept()])
    assert pick(played("good network", [escalated(), kept()]), device) == 0
    assert pick(played("good network", [in_vain(), NOT_ANSWERED]), device) is None


def test_a_decision_is_told_with_its_reasons_and_its_receipt() -> None:
    story = "\n".join(explained(escalated(), 3, in_vain()))
    assert 'A hand wrote "3". The device alone reads 8; the answer was 3' in story
    assert "Request r-1 for digits" in story and "Plan: " in story
    assert "answered by cloud" in story


def test_lists_are_wrapped_beside_their_names_and_paths_stay_whole() -> None:
    path = "/tmp/" + "a-long-folder/" * 8
    lines = listed({"policy": f"the file {path} holds it", "cloud": "near"})
    assert any(path in line for line in lines)
    assert lines[-1].split() == ["cloud", "near"]
    assert all(line.startswith("  policy" if index == 0 else " " * 17) for index, line in enumerate(lines[:-1]))
