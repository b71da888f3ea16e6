"""What holds of every replay: of the odds that it goes by, and of whether a request would have gone the same way."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.engine import decide
from router.choosing.plan import Backup, Escalation, Hedge, Leg, Plan, Retry
from router.errors import RecordError
from router.offpolicy.changes import because, turned_by
from router.offpolicy.course import same_course
from router.offpolicy.odds import LEAST, drawn_plan, logged, wanted
from router.offpolicy.replaying import Replay
from router.offpolicy.sound import unsound
from router.rules.policy import Policy
from router.running.attempt import Failed, Failure, Finish, Outcome, Run, Succeeded, Wake, Woke, begin, step
from router.running.events import Cancel, Event
from router.telling.record import Record
from router.types import DEVICE, Situation
from tests.properties.effort import effort, tries
from tests.properties.strategies import NAMES, plans, policies, situations

LEFT_S = 1.0


@effort
@given(policies(), situations())
def test_what_a_policy_wants_in_its_own_log_is_what_the_log_says(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    odds = logged(decision)
    assert odds is not None
    assert sum(odds.values()) == pytest.approx(1.0)
    assert odds[decision.choice] == pytest.approx(decision.propensity)
    if of.draw is not None or not policy.explores:
        assert wanted(policy, decision).odds == pytest.approx(odds)


@effort
@given(policies(), situations())
def test_what_records_of_version_2_do_not_say_of_odds_is_worked_out(policy: Policy, of: Situation) -> None:
    decision = decide(policy, replace(of, previous=None))
    odds = logged(decision)
    if policy.explores < 1 and decision.chosen_by != "audit":
        assert logged(replace(decision, probabilities=())) == pytest.approx(odds)


@effort
@given(policies(), policies(), situations())
def test_a_plan_that_another_policy_might_draw_is_the_one_that_it_draws(
    acting: Policy, other: Policy, of: Situation
) -> None:
    wants = wanted(other, decide(acting, of))
    for name, odds in wants.odds.items():
        assert LEAST <= odds <= 1 + 1e-9
        drawn = wants.greedy if name == wants.greedy.choice else drawn_plan(other, wants, name)
        assert drawn is not None
        assert drawn.choice == name


@effort
@given(policies(), policies(), situations())
def test_each_change_has_a_reason_and_each_record_is_counted(acting: Policy, other: Policy, of: Situation) -> None:
    was = decide(acting, of)
    now = decide(other, of)
    if (was.plan, was.choice) != (now.plan, now.choice):
        for before in (None, acting):
            assert because(was, now, other, before)
            assert all(map(math.isfinite, turned_by(was, now, other, before).values()))
    record = Record(decision=was)
    replay = Replay(other, known={acting.digest: acting})
    try:
        replay.add(record)
    except RecordError:
        assert unsound(record)
    else:
        assert replay.changes.records == 1


# -- the same course ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """How a target would do, whenever it is asked."""

    takes_s: float
    fails: bool
    score: float | None


worlds = st.fixed_dictionaries(
    {
        name: st.builds(
            Target,
            st.sampled_from([0.05, 0.2, 0.45, 0.8, 1.5]),
            st.sampled_from([False, False, True]),
            st.none() | st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]),
        )
        for name in NAMES
    }
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Plan, Plan]:
    """Two plans of which the second is the first on some other terms."""
    done = draw(plans())
    below = st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8])
    changes = {
        "escalation": st.none() | st.builds(Escalation, st.sampled_from([*NAMES[1:], None]), below),
        "backup": st.none() | st.builds(Backup, st.sampled_from([0.1, 0.3, 0.9]), st.booleans()),
        "hedge": st.none() | st.builds(Hedge, st.just(done.legs[-1].target), st.sampled_from([0.1, 0.5])),
        "retry": st.none() | st.builds(Retry, st.integers(2, 3), st.just(0.1), st.just(0.2)),
        "legs": st.lists(st.sampled_from(NAMES[1:]), unique=True).map(
            lambda names: (done.legs[0], *(Leg(name) for name in names if name != done.legs[0].target))
        ),
    }
    names = draw(st.lists(st.sampled_from(sorted(changes)), unique=True, min_size=1, max_size=2))
    would = replace(done, **{name: draw(changes[name]) for name in names})  # type: ignore[arg-type]  # each its own
    hedge, backup = would.hedge, would.backup
    reached = {leg.target for leg in would.legs}
    if hedge is not None and (hedge.to not in reached or hedge.to == would.legs[0].target):
        would = replace(would, hedge=None)
    if backup is not None and (DEVICE not in reached or would.legs[0].target == DEVICE):
        would = replace(would, backup=None)
    return done, would


def _carried_out(plan: Plan, world: dict[str, Target]) -> tuple[Outcome, float]:
    """Return how a plan ends in a world, and when."""
    state, commands = begin(plan, LEFT_S, 0.0)
    now, wake_at = 0.0, math.inf
    running: dict[str, float] = {}
    while True:
        for command in commands:
            if isinstance(command, Run):
                running[command.target] = now + world[command.target].takes_s
            elif isinstance(command, Cancel):
                running.pop(command.target, None)
            elif isinstance(command, Wake):
                wake_at = command.at
            elif isinstance(command, Finish):
                return command.outcome, now
        first = min(running, key=running.__getitem__, default=None)
        event: Event = Woke()
        if first is not None and running[first] <= wake_at:
            now, target = running.pop(first), world[first]
            failure = Failure(first, "UNAVAILABLE")
            score = target.score if plan.escalation is not None else None
            event = Failed(failure, 0.0) if target.fails else Succeeded(first, score if first == DEVICE else None)
        else:
            now, wake_at = wake_at, math.inf
        state, commands = step(state, event, now)


@pytest.mark.wide
@tries(400)
@given(pairs(), worlds)
def test_what_is_said_to_go_the_same_way_does(pair: tuple[Plan, Plan], world: dict[str, Target]) -> None:
    """Carried out by the very machine: the same answer, of the same target, at the same time."""
    done, would = pair
    outcome, taken_s = _carried_out(done, world)
    if not same_course(done, would, outcome, taken_s, LEFT_S):
        return
    other, other_s = _carried_out(would, world)
    assert (other.ending, other.target, other.escalated, other.late) == (
        outcome.ending, outcome.target, outcome.escalated, outcome.late,
    )  # fmt: skip
    assert other_s == pytest.approx(taken_s)


def test_some_of_them_do_and_some_do_not() -> None:
    """That the property above is of something."""
    seen: set[bool] = set()

    @tries(100)
    @given(pairs(), worlds)
    def look(pair: tuple[Plan, Plan], world: dict[str, Target]) -> None:
        outcome, taken_s = _carried_out(pair[0], world)
        seen.add(same_course(*pair, outcome, taken_s, LEFT_S))

    look()
    assert seen == {True, False}
