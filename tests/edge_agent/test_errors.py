"""Whether the same request may succeed later is said of each error by what caused it."""

from __future__ import annotations

import pytest

from edge_agent.errors import AllTargetsFailed, NoFeasibleTarget
from nearfar_wire.status import Code
from router.choosing.closed import Closed, Constraint
from router.running.attempt import Failure


@pytest.mark.parametrize("constraint", Constraint)
def test_what_is_closed_for_good_is_not_worth_asking_again(constraint: Constraint) -> None:
    passing = constraint in (
        Constraint.BREAKER,
        Constraint.PUSHBACK,
        Constraint.BUDGET,
        Constraint.TIME,
        Constraint.STAY_LOCAL,
        Constraint.RULE,
    )
    assert NoFeasibleTarget("m", [Closed("cloud", constraint, "")]).retryable is passing


def test_one_target_that_may_open_again_is_enough() -> None:
    closed = [Closed("device", Constraint.MODE, ""), Closed("cloud", Constraint.BREAKER, "")]
    assert NoFeasibleTarget("m", closed).retryable


def test_a_model_that_is_looked_for_again_is_worth_asking_for_again() -> None:
    closed = [Closed("cloud", Constraint.NOT_SERVED, "the model was not there")]
    assert NoFeasibleTarget("m", closed, {"cloud": 4.0}).retryable
    assert not NoFeasibleTarget("m", closed).retryable


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.25, "250 ms"), (1.0, "1 s"), (29.6, "30 s"), (599.0, "599 s"), (3000.0, "50 min")]
)
def test_when_a_target_is_asked_again_is_told_in_words_and_as_a_number(seconds: float, words: str) -> None:
    closed = [Closed("fog", Constraint.BREAKER, "it failed"), Closed("cloud", Constraint.PUSHBACK, "it refused")]
    error = NoFeasibleTarget("m", closed, {"fog": 5000.0, "cloud": seconds})
    assert str(error).endswith(f"cloud: pushback (it refused; asked again in {words})")
    assert error.retry_after_s == seconds
    failed = AllTargetsFailed("m", [Failure("device", Code.INTERNAL.value)], closed, {"cloud": seconds})
    assert str(failed).endswith(f"cloud: not asked, pushback (it refused; asked again in {words})")


@pytest.mark.parametrize(
    ("code", "retryable"),
    [(Code.UNAVAILABLE, True), (Code.INVALID_INPUT, False), (Code.SECURITY_ERROR, False), (Code.TOO_LARGE, False)],
)
def test_a_failure_is_worth_another_try_where_its_code_is(code: Code, retryable: bool) -> None:
    assert AllTargetsFailed("m", [Failure("cloud", code.value)], ()).retryable is retryable
