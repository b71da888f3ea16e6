from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import TuneError
from router.tune.space import at, key_of, named, place
from router.tune.table import KNOBS, NEVER
from tests.properties.effort import effort
from tests.router.tune.imagined import a_space

BUDGET = '[budgets.money]\namount_usd = 2.0\nper = "day"\n'


def _paths(body: str = "", *only: str) -> set[str]:
    return {knob.path for knob in a_space(body, only).knobs}


def test_only_budgets_that_the_start_has_are_turned_and_what_they_hold_only_down() -> None:
    assert not any(path.startswith("budgets") for path in _paths())
    found = {knob.path: knob for knob in a_space(BUDGET).knobs if knob.path.startswith("budgets")}
    assert set(found) == {f"budgets.money.{name}" for name in ("amount_usd", "eta", "step_s", "price_min", "price_max")}
    amount = found["budgets.money.amount_usd"]
    assert (amount.low, amount.high) == (0.2, 2.0)
    assert max(at(amount, where / 10) for where in range(11)) == 2.0
    assert found["budgets.money.price_min"].low == 5e-5


def test_a_start_outside_of_a_range_widens_it() -> None:
    knob = next(knob for knob in a_space("worth.second = 90\n").knobs if knob.path == "worth.second")
    assert knob.high == 90.0
    assert place(knob, 90.0) == 1.0


def test_only_what_was_asked_for_is_turned() -> None:
    assert _paths("", "worth.second", "hysteresis") == {"worth.second", "hysteresis.margin", "hysteresis.dwell_s"}
    with pytest.raises(TuneError, match=r"the start has no budgets\.money to tune"):
        a_space("", ["budgets.money"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("escalatoin", 'there is no knob "escalatoin"; did you mean "escalation"?'),
        ("worth.secnd", 'did you mean "worth.second"?'),
        ("promise", "promise is never tuned: a promise is kept"),
        ("labels", "labels is never tuned: privacy is never traded"),
        ("rules", "rules is never tuned: they say what people want outright"),
        ("worth.wrong_answer", "never tuned: it is the unit"),
        ("targets.cloud.p_wrong", "never tuned: they are facts and beliefs"),
        ("throttle.k", "never tuned"),
        ("", 'there is no knob ""'),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_reason(name: str, said: str) -> None:
    with pytest.raises(TuneError) as raised:
        named(name)
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["worth", "worth.second", "budgets", "budgets.energy", "radio.wake"])
def test_tables_and_fields_are_names(name: str) -> None:
    assert named(name) == name


def test_a_point_has_no_change_that_changes_nothing() -> None:
    space = a_space("worth.second = 0.2\nhysteresis.margin = 0.1\n")
    assert space.point({"worth.second": 0.2, "worth.joule": 0.0, "radio.wake": False}) == {}
    assert a_space().point({"hysteresis.margin": 0.0, "hysteresis.dwell_s": 3.0}) == {"hysteresis.dwell_s": 3.0}
    assert space.point({"hysteresis.margin": 0.0}) == {"hysteresis.margin": 0.0}


def test_what_needs_another_knob_goes_with_it() -> None:
    space = a_space()
    alone = {"worth.second": 0.5, "radio.silent_wakes": 9}
    assert space.point(alone) == {"worth.second": 0.5}
    both = space.point({**alone, "radio.wake": True})
    assert set(both) == {"worth.second", "radio.silent_wakes", "radio.wake"}
    assert space.back(both, "radio.wake") == {"worth.second": 0.5}


def test_equal_points_have_one_key_in_any_order() -> None:
    assert key_of({"a": 1.0, "b": "best"}) == key_of({"b": "best", "a": 1.0}) != key_of({"a": 1.0})


numbers = [knob for knob in a_space(BUDGET).knobs if not knob.options]


@effort
@given(st.sampled_from(numbers), st.floats(-0.5, 1.5))
def test_whatever_is_turned_stays_in_its_range_and_is_written_in_two_digits(knob: object, where: float) -> None:
    assert isinstance(knob, type(KNOBS[0]))
    value = at(knob, where)
    assert isinstance(value, int) == knob.whole
    assert knob.low <= value <= knob.high
    assert value in (knob.low, knob.high) or float(f"{value:.2g}") == value
    found = place(knob, value)
    assert found is None or abs(found - min(1.0, max(0.0, where))) < 0.26, "two digits, or a whole number"


def test_never_and_knobs_share_no_name() -> None:
    assert not {knob.path for knob in KNOBS} & set(NEVER)
