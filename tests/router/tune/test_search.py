"""What the search finds, when what points come to is a formula."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.simulate.chance import Chance
from router.tune.search import search
from router.tune.space import Point, Space, key_of
from tests.properties.effort import effort
from tests.router.tune.imagined import a_judge, a_space, blocks, look, value, where

pytestmark = pytest.mark.wide  # each runs whole simulations

SPACE = a_space("[escalation]\nbelow = 0.5\n")


def _bowl(space: Space, point: Point, wanted: dict[str, float]) -> float:
    return 1 + sum((where(space, point, path) - at) ** 2 for path, at in wanted.items())


@pytest.mark.parametrize("seed", range(4))
def test_the_bottom_of_a_bowl_in_some_of_many_knobs_is_found(seed: int) -> None:
    wanted = {"worth.second": 0.8, "worth.dollar": 0.3, "estimates.forget_after_s": 0.65, "backup.eps": 0.2}
    found, _ = look(SPACE, a_judge(), lambda point: (_bowl(SPACE, point, wanted), 0.0), seed=seed)
    assert _bowl(SPACE, found.point, wanted) < 1.02
    assert set(found.point) <= set(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_a_ridge_that_no_knob_climbs_alone_is_followed(seed: int) -> None:
    def ridge(point: Point) -> tuple[float, float]:
        one, other = where(SPACE, point, "worth.second"), where(SPACE, point, "worth.missed_deadline")
        return 1 + 4 * (one - other) ** 2 + (one - 0.9) ** 2, 0.0

    start, _ = ridge({})
    found, _ = look(SPACE, a_judge(), ridge, seed=seed)
    assert ridge(found.point)[0] < start - 0.8 * (start - 1)


def test_a_choice_and_a_word_beside_the_numbers_are_found() -> None:
    def best(point: Point) -> tuple[float, float]:
        score = (value(SPACE, point, "escalation.below") == "best") + (
            value(SPACE, point, "backup.uncertified") == "hold"
        )
        return 3 - score, 0.0

    found, _ = look(SPACE, a_judge(), best)
    assert found.point == {"escalation.below": "best", "backup.uncertified": "hold"}


def test_what_does_nothing_is_told_and_left_as_it_is() -> None:
    found, _ = look(SPACE, a_judge(), lambda point: (2 - where(SPACE, point, "worth.second"), 0.0))
    assert set(found.point) == {"worth.second"}
    assert set(found.idle) >= {"worth.dollar", "radio.wake", "hedge.share"}
    assert "worth.second" not in found.idle


def test_nothing_is_changed_where_nothing_is_better() -> None:
    found, _ = look(SPACE, a_judge(), lambda point: (1 + 0.1 * len(point), 0.0))
    assert found.point == {}


def test_a_gain_that_chance_explains_is_given_up() -> None:
    """Each policy has luck of its own: the best of two hundred looks better than it is, and is not."""

    def lucky(point: Point) -> float:
        return Chance(1, key_of(point)).normal()

    asking = search(SPACE, a_judge(), seed=1, evaluations=200)
    points = next(asking)
    while True:
        try:
            points = asking.send([[blocks(1.0, luck=0.2, own=key_of(point))] for point in points])
        except StopIteration as ended:
            found = ended.value
            break
    assert len(found.point) <= 1, "some of the best one's changes were kept, though none does anything"
    assert lucky({}) != lucky({"a": 1})


def test_a_constraint_is_held_at_the_objective_s_expense() -> None:
    """Cheapest at the top, where half of the requests are late."""

    def priced(point: Point) -> tuple[float, float]:
        at = where(SPACE, point, "worth.second")
        return 2 - at, max(0.0, at - 0.6)

    free, _ = look(SPACE, a_judge(), priced)
    held, _ = look(SPACE, a_judge("misses<=0.1"), priced)
    assert where(SPACE, free.point, "worth.second") > 0.95
    assert 0.6 < where(SPACE, held.point, "worth.second") <= 0.71
    assert not a_judge("misses<=0.1").broken(held.runs)


def test_of_a_constraint_that_cannot_be_held_the_nearest_is_told() -> None:
    def late(point: Point) -> tuple[float, float]:
        return 1.0, 0.2 + 0.5 * where(SPACE, point, "worth.second")

    judge = a_judge("misses<=0.1", "failures<=0.5")
    found, _ = look(SPACE, judge, late)
    assert [(str(limit), part) for limit, part, _ in judge.broken(found.runs)] == [("misses<=0.1", "day")]
    assert found.best_held == (pytest.approx(0.2, abs=0.02), 0.0)


def test_a_start_that_breaks_a_constraint_is_left_for_one_that_holds_it() -> None:
    def late(point: Point) -> tuple[float, float]:
        at = where(SPACE, point, "backup.eps")
        return 1 + at, at

    found, _ = look(a_space("[escalation]\nbelow = 0.5\n[backup]\neps = 0.3\n"), a_judge("misses<=0.3"), late)
    assert "backup.eps" in found.point


def test_what_is_no_policy_is_never_returned() -> None:
    found, _ = look(SPACE, a_judge(), lambda point: None if "worth.second" in point else (1.0 - 0.1 * len(point), 0.0))
    assert "worth.second" not in found.point
    assert found.point


@effort
@given(st.integers(1, 60), st.integers(0, 99))
def test_no_more_is_run_than_was_allowed_and_one_seed_finds_one_thing(evaluations: int, seed: int) -> None:
    def formula(point: Point) -> tuple[float, float]:
        return _bowl(SPACE, point, {"worth.second": 0.9, "worth.dollar": 0.1}), 0.0

    one, asked = look(SPACE, a_judge(), formula, seed=seed, evaluations=evaluations)
    other, again = look(SPACE, a_judge(), formula, seed=seed, evaluations=evaluations)
    assert len(asked) <= evaluations
    assert one.evaluated == len(asked)
    assert (one.point, asked) == (other.point, again)
    assert formula(one.point) <= formula({})


def test_another_seed_looks_elsewhere() -> None:
    def formula(point: Point) -> tuple[float, float]:
        return _bowl(SPACE, point, {"worth.second": 0.77}), 0.0

    assert look(SPACE, a_judge(), formula, seed=1)[1] != look(SPACE, a_judge(), formula, seed=2)[1]


def test_every_part_has_its_say() -> None:
    judge = a_judge(parts=("good", "bad"))
    found, _ = look(SPACE, judge, lambda point: (1 + where(SPACE, point, "worth.second"), 0.0))
    assert len(found.runs) == len(found.start) == 2
    assert judge.objective(found.runs).value < judge.objective(found.start).value
