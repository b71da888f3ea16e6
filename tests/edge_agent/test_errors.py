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


@pytest.mark.parametrize(
    ("code", "retryable"),
    [(Code.UNAVAILABLE, True), (Code.INVALID_INPUT, False), (Code.SECURITY_ERROR, False), (Code.TOO_LARGE, False)],
)
def test_a_failure_is_worth_another_try_where_its_code_is(code: Code, retryable: bool) -> None:
    assert AllTargetsFailed("m", [Failure("cloud", code.value)], ()).retryable is retryable
