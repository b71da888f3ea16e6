"""Three answers to a question, and one of all."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from router.gate.criterion import Answer, Asked, answered, kept_or_not, together


@dataclass(frozen=True)
class Found:
    """A difference whose ends do not depend on the error, but on being asked for it at all."""

    value: float
    below: float
    above: float
    requests: int = 1000
    enough: bool = True

    def low(self, error: float) -> float:
        return self.below if error < 0.05 else self.below + 0.001

    def high(self, error: float) -> float:
        return self.above

    def requests_within(self, room: float, error: float) -> int | None:
        return round(1 / room) + round(1 / error)


NOT_WORSE = Asked("misses", "day", "misses rise by at most 0.01", "share", 0.01)
BETTER = Asked("cost", "day", "cost falls", "worth", 0.0, True)


@pytest.mark.parametrize(
    ("asked", "value", "low", "high", "answer"),
    [
        pytest.param(NOT_WORSE, 0.0, -0.005, 0.005, Answer.ACCEPT, id="within the margin"),
        pytest.param(NOT_WORSE, 0.005, -0.005, 0.01, Answer.ACCEPT, id="just within"),
        pytest.param(NOT_WORSE, 0.005, -0.005, 0.011, Answer.INCONCLUSIVE, id="perhaps beyond"),
        pytest.param(NOT_WORSE, 0.02, 0.009, 0.03, Answer.INCONCLUSIVE, id="probably beyond"),
        pytest.param(NOT_WORSE, 0.02, 0.011, 0.03, Answer.REJECT, id="beyond"),
        pytest.param(BETTER, -1.0, -2.0, -0.1, Answer.ACCEPT, id="better"),
        pytest.param(BETTER, -1.0, -2.0, 0.1, Answer.INCONCLUSIVE, id="perhaps better"),
        pytest.param(BETTER, 1.0, 0.1, 2.0, Answer.REJECT, id="worse"),
        pytest.param(BETTER, 0.0, 0.0, 0.0, Answer.REJECT, id="the same is not better"),
    ],
)
def test_a_question_is_answered_by_the_end_that_could_prove_it_wrong(
    asked: Asked, value: float, low: float, high: float, answer: Answer
) -> None:
    assert answered(asked, Found(value, low, high), 0.05, 2).answer is answer


def test_to_reject_takes_more_where_more_is_asked() -> None:
    """Of twenty things that are as they should be one looks wrong at five percent, which is no reason to reject."""
    found = Found(0.02, 0.0095, 0.03)
    assert answered(NOT_WORSE, found, 0.05, 1).answer is Answer.REJECT
    assert answered(NOT_WORSE, found, 0.05, 20).answer is Answer.INCONCLUSIVE


def test_too_little_is_inconclusive_whatever_it_says_and_it_is_told_how_much_it_would_take() -> None:
    told = answered(BETTER, Found(-1.0, -2.0, -0.1, requests=24, enough=False), 0.05, 1)
    assert (told.answer, told.wanted) == (Answer.INCONCLUSIVE, 160)


def test_the_requests_that_are_wanted_are_those_that_leave_no_more_than_the_room_there_is() -> None:
    accepting = answered(NOT_WORSE, Found(0.004, -0.1, 0.02), 0.05, 2)
    assert accepting.wanted == round(1 / 0.006) + round(1 / 0.05)
    rejecting = answered(NOT_WORSE, Found(0.03, -0.1, 0.1), 0.05, 2)
    assert rejecting.wanted == round(1 / 0.02) + round(1 / 0.025)


def test_where_no_number_of_requests_would_tell_none_is_told() -> None:
    assert answered(NOT_WORSE, Found(0.01, -0.1, 0.1), 0.05, 1).wanted is None


def test_one_that_is_shown_wrong_outweighs_all_and_one_that_is_open_all_that_are_shown() -> None:
    kept, broken = kept_or_not("p", "", "a promise", ""), kept_or_not("p", "", "a promise", "it spent more")
    is_open = answered(NOT_WORSE, Found(0.005, -0.005, 0.011), 0.05, 2)
    assert together([kept, kept]) is Answer.ACCEPT
    assert together([kept, is_open]) is Answer.INCONCLUSIVE
    assert together([kept, is_open, broken]) is Answer.REJECT
    assert broken.why == "it spent more"
