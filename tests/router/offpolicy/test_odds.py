"""With which probability a plan was taken: as a record has it, as it can be worked out, and what says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.choosing.engine import Decision, decide
from router.offpolicy.odds import drawn_plan, logged, wanted
from router.types import Previous, Radio, TimeAfter
from tests.router.situations import NOW, policy_of, situation, target, times

EXPLORING = policy_of("[escalation]\nbelow = 0.8\n[exploration]\nshare = 0.3\n")
HERE = situation(target("device"), target("cloud", p_wrong=0.02), p_escalate=0.2, left_ms=500)


def _decided(draw: float | None, policy: object = EXPLORING) -> Decision:
    return decide(EXPLORING, replace(HERE, draw=draw))


def _older(decision: Decision) -> Decision:
    """Return it as records of version 2 had it."""
    return replace(decision, probabilities=())


def test_the_odds_are_those_that_the_record_has() -> None:
    for draw in (0.05, 0.15, 0.25, 0.9):
        odds = logged(_decided(draw))
        assert odds is not None
        assert sum(odds.values()) == pytest.approx(1.0)
        assert odds[_decided(draw).choice] == pytest.approx(_decided(draw).propensity)
        assert max(odds, key=odds.__getitem__) == _decided(0.9).choice


@pytest.mark.parametrize("draw", [0.05, 0.15, 0.25, 0.9])
def test_of_older_records_they_are_worked_out_of_what_was_taken(draw: float) -> None:
    decision = _decided(draw)
    assert logged(_older(decision)) == pytest.approx(logged(decision))


@pytest.mark.parametrize("draw", [0.1, 0.9])
def test_a_wake_that_is_taken_anyway_is_worked_out_too(draw: float) -> None:
    policy = policy_of("exploration.share = 0.5\n[worth]\nsecond = 0.3\n[radio]\nwake = true\n")
    after = (TimeAfter(0.0, times(50)), TimeAfter(10.0, times(900)))
    cloud = target("cloud", time=times(900), times_after=after)
    of = replace(situation(target("device"), cloud, left_ms=5000), radio=Radio("cellular", NOW - 60, (1.0,)))
    decision = decide(policy, replace(of, draw=draw))
    assert logged(_older(decision)) == pytest.approx(logged(decision))
    assert logged(decision) == pytest.approx({"device + wake": 0.5, "device": 0.25, "cloud": 0.25})


def test_what_explored_nothing_was_certain_to_do_what_it_did() -> None:
    assert logged(decide(policy_of(), HERE)) == {"cloud": 1.0}
    assert logged(decide(policy_of('mode = "only_on_device"'), HERE)) == {"device": 1.0}
    assert logged(decide(policy_of(), situation(target("cloud"), label="secret"))) == {"none": 1.0}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"propensity": 0.0}, id="nothing"),
        pytest.param({"propensity": -0.5}, id="less than nothing"),
        pytest.param({"propensity": 1.5}, id="more than everything"),
        pytest.param({"propensity": 1e-300}, id="next to nothing"),
        pytest.param({"propensity": 0.2}, id="another than is told of it among all"),
        pytest.param({"probabilities": (0.9, 0.05)}, id="of fewer plans than there are"),
        pytest.param({"probabilities": (0.8, 0.8, 0.8)}, id="of more than one"),
        pytest.param({"probabilities": (1.4, -0.2, -0.2), "propensity": 1.0}, id="of less than none"),
        pytest.param({"choice": "elsewhere"}, id="of a plan that is not there"),
        pytest.param({"chosen_by": "draw", "propensity": 1.0, "probabilities": ()}, id="missing"),
    ],
)
def test_a_record_that_says_no_probability_or_none_that_can_be_says_nothing(changes: dict[str, object]) -> None:
    assert logged(_decided(0.9)) is not None
    assert logged(replace(_decided(0.9), **changes)) is None  # type: ignore[arg-type]  # of every kind


def test_what_another_policy_wants_does_not_hang_on_what_was_drawn() -> None:
    other = policy_of("[exploration]\nshare = 0.2\n")
    wants = [wanted(other, _decided(draw)) for draw in (0.01, 0.15, 0.9)]
    assert all(each.odds == wants[0].odds for each in wants)
    assert wants[0].odds == pytest.approx({"cloud": 0.9, "device": 0.1})
    assert wanted(policy_of(), _decided(0.01)).odds == {"cloud": 1.0}


def test_the_plan_that_a_policy_would_draw_is_looked_up_by_its_name() -> None:
    other = policy_of("[exploration]\nshare = 0.2\n")
    wants = wanted(other, _decided(0.9))
    for name in ("device", "cloud"):
        drawn = drawn_plan(other, wants, name)
        assert drawn is not None
        assert (drawn.choice, drawn.chosen_by) == (name, "draw")
    assert drawn_plan(other, wants, "device, then cloud if uncertain") is None
    assert drawn_plan(policy_of(), wanted(policy_of(), _decided(0.9)), "device") is None


def test_it_is_found_also_where_the_last_choice_was_stayed_with() -> None:
    """A plan that is stayed with stands first, and draws go by the order of costs."""
    other = policy_of("[exploration]\nshare = 0.2\n[hysteresis]\nmargin = 0.9\ndwell_s = 60\n")
    held = replace(_decided(0.9), situation=replace(HERE, previous=Previous("device", "device", NOW - 1), draw=0.9))
    wants = wanted(other, held)
    assert wants.greedy.chosen_by == "held"
    for name in ("device", "cloud"):
        drawn = drawn_plan(other, wants, name)
        assert drawn is not None
        assert drawn.choice == name
