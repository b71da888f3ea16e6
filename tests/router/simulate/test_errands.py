"""Calls that no request waits for: for how long somebody does, and that they are paid for in any case."""

from __future__ import annotations

import pytest

from router.experience import Experience
from router.simulate.agenda import Agenda
from router.simulate.chance import Chance
from router.simulate.errands import AUDIT_S, WAKE_S, Errands
from router.simulate.faults import Fault
from router.simulate.tally import Block, Tally
from router.simulate.world import World
from router.spending.purse import Purse
from router.types import Radio
from tests.router.simulate.runs import a_policy
from tests.router.simulate.worlds import setting

HOLE = {"cloud": (Fault(0.0, 1e9, black_hole=True),)}


class Desk:
    """An agent's errands in a world whose cloud never answers."""

    def __init__(self) -> None:
        policy = a_policy()
        self.world = World(setting(times=[1.0], faults=HOLE), 1)
        self.agenda, self.tally = Agenda(), Tally(policy.worth)
        self.errands = Errands(
            self.world,
            Experience(policy, chance=Chance(1, "agent").uniform),
            Purse(policy, now=0.0, utc_s=0.0),
            agenda=self.agenda,
            tally=self.tally,
            meter=self.tally.meter(),
        )

    def ended(self) -> tuple[float, Block]:
        self.agenda.run()
        return self.agenda.now, self.tally.total()


def test_a_wake_that_nobody_answers_is_given_up_and_paid_for() -> None:
    """It was never counted, and the radio that it had woken was free."""
    desk = Desk()
    desk.errands.wake("cloud", None, {}, 0.0)
    at, told = desk.ended()
    assert (at, told.wakes) == (WAKE_S, 1)
    assert told.joules == pytest.approx(0.8 * 1.2 + 0.2 * 1.3, rel=0.01)  # waking, and then waiting


def test_after_a_wake_that_was_given_up_there_may_be_another() -> None:
    desk = Desk()
    desk.errands.wake("cloud", None, {}, 0.0)
    desk.errands.wake("cloud", None, {}, 0.5)  # while the first is under way
    desk.agenda.run()
    desk.errands.wake("cloud", None, {}, 2.0)
    assert desk.ended()[1].wakes == 2


def test_an_audit_that_nobody_answers_is_given_up_and_paid_for() -> None:
    """It lasted for ever, and cost nothing."""
    desk = Desk()
    desk.errands.audit(next(desk.world.arrivals()), 1, "cloud", Radio("cellular", None, None), {}, 0.0)
    at, told = desk.ended()
    assert at == AUDIT_S
    assert told.up_bytes == 10_000
    assert told.joules > 10.0
