"""What a remote call that brought no answer teaches."""

from __future__ import annotations

import pytest

from nearfar_wire.status import CODES, Code
from router.experience.lesson import ABSENT, CANCELLED, REFUSED, TIMED_OUT, Lesson, lesson


def _lesson(code: Code, *, had_s: float = 1.0, taken_s: float = 1.0, predicted_s: float = 0.1) -> Lesson:
    blames = CODES[code].blames_endpoint
    return lesson(code.value, blames_endpoint=blames, had_s=had_s, taken_s=taken_s, predicted_s=predicted_s)


def test_its_words_are_those_of_the_error_table() -> None:
    assert {TIMED_OUT, CANCELLED, *ABSENT, *REFUSED} <= {code.value for code in Code}


@pytest.mark.parametrize(
    ("had_s", "blamed"), [pytest.param(0.05, False, id="too short for any"), pytest.param(0.1, True, id="time enough")]
)
def test_an_endpoint_is_blamed_for_a_timeout_only_where_it_had_the_time_that_it_needs(
    had_s: float, blamed: bool
) -> None:
    assert _lesson(Code.DEADLINE_EXCEEDED, had_s=had_s, taken_s=had_s) == Lesson(blamed, gave_up_s=had_s)


@pytest.mark.parametrize(
    ("code", "taught"),
    [
        (Code.CANCELLED, Lesson(gave_up_s=1.0)),
        (Code.MODEL_NOT_READY, Lesson(absent=True)),
        (Code.MODEL_NOT_FOUND, Lesson(absent=True)),
        (Code.INVALID_INPUT, Lesson(refused=True)),
        (Code.TOO_LARGE, Lesson(refused=True)),
        (Code.UNAVAILABLE, Lesson(blamed=True)),
        (Code.UNAUTHENTICATED, Lesson()),
    ],
    ids=str,
)
def test_a_code_says_whether_the_target_failed_and_whether_that_is_its_fault(code: Code, taught: Lesson) -> None:
    assert _lesson(code) == taught
