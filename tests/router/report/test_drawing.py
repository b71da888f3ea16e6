"""Scales, paths, labels and words: what drawings are made of."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.report.labels import Box, place, shortened
from router.report.markup import Html, as_json, raw, tag
from router.report.scale import Scale, linear, logarithmic, nearby
from router.report.traces import band, bars, held, rises, stack, stretches
from router.report.words import clock, plain, signed, spans, tick_texts
from router.simulate.slices import Range

WHOLE = Scale(0.0, 1.0, ())
NUMBERS = st.floats(-1e9, 1e9)


def _range(values: list[tuple[float, float] | None]) -> Range:
    seen = Range(len(values))
    for slice_, ends in enumerate(values):
        for value in ends or ():
            seen.see(slice_, value)
    return seen


# -- scales ------------------------------------------------------------------------------------------------------------


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.booleans())
def test_a_scale_holds_all_its_quantities_and_its_ticks(quantities: list[float], from_zero: bool) -> None:
    scale = linear(quantities, from_zero=from_zero)
    assert scale.low < scale.high
    assert all(-1e-9 <= scale.at(quantity) <= 1 + 1e-9 for quantity in (*quantities, *scale.ticks))
    assert list(scale.ticks) == sorted(scale.ticks)


def test_what_cannot_be_negative_does_not_begin_below_zero() -> None:
    assert linear([0.0, 3.0]).low == 0.0
    assert linear([2.0, 3.0], from_zero=True).low == 0.0


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_equal_factors_are_equally_far_on_a_logarithmic_scale(quantities: list[float]) -> None:
    scale = logarithmic(quantities)
    assert all(-1e-9 <= scale.at(quantity) <= 1 + 1e-9 for quantity in quantities)
    low = scale.low
    assert scale.at(4 * low) - scale.at(2 * low) == pytest.approx(scale.at(2 * low) - scale.at(low))


@given(st.floats(1e-9, 1e9))
def test_a_round_number_is_at_or_above(step: float) -> None:
    assert step * (1 - 1e-8) <= nearby(step) <= 2.5 * step


# -- paths -------------------------------------------------------------------------------------------------------------


def test_a_band_goes_there_at_the_most_and_back_at_the_least() -> None:
    assert band([(0.0, 1.0), (0.0, 1.0), (0.5, 0.5)], linear([0.0, 1.0], from_zero=True)).count("M") == 1
    path = band([(0.0, 1.0), (0.0, 1.0), None, (0.25, 0.75)], WHOLE)
    assert path == "M0 100V0h2V100h-2ZM3 75V25h1V75h-1Z"


def test_layers_are_put_on_top_of_one_another() -> None:
    lower, upper = stack([[1, 0], [1, 2]], 2)
    assert lower == "M0 100V50h1V100h-1Z"
    assert upper == "M0 50V0h1V0h1V100h-1V50h-1Z"


def test_each_slice_with_something_has_a_line() -> None:
    assert rises([0, 2, 0, 1]) == "M1.5 0V100M3.5 0V100"
    assert stretches([0.0, 0.4, 0.6, 0.6], most=0.5) == "M2 100V0h2V100h-2Z"
    assert bars(_range([None, (0.0, 1.0)]), WHOLE) == "M1.5 100V0"


def test_what_was_not_seen_is_what_was_seen_last() -> None:
    assert held(_range([None, (1.0, 3.0), None, (5.0,)])) == [None, (1.0, 3.0), (2.0, 2.0), (5.0, 5.0)]


# -- labels ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400), st.text("abc", min_size=1, max_size=12)), max_size=30))
def test_names_that_may_be_left_out_cover_neither_one_another_nor_leave_the_drawing(
    names: list[tuple[float, float, str]],
) -> None:
    placed = place(names, [], 600, 400, wanted=0)
    boxes = []
    for (x, y, text), label in zip(names, placed, strict=True):
        if label is None:
            continue
        length = 6.4 * len(text)
        left = x + label.dx - {"start": 0.0, "end": length, "middle": length / 2}[label.anchor]
        boxes.append(Box(left, y + label.dy - 11.5, left + length, y + label.dy + 3.5))
    for number, box in enumerate(boxes):
        assert box.left >= -1e-6 and box.right <= 600 + 1e-6 and box.top >= -1e-6 and box.bottom <= 400 + 1e-6
        assert all(box.covered_by(other) < 1e-6 for other in boxes[:number])


def test_names_that_are_wanted_stand_even_where_there_is_no_room() -> None:
    crowd = [(5.0, 5.0, "a long name")] * 40
    assert all(label is not None for label in place(crowd, [], 60, 20, wanted=40))
    assert place(crowd, [], 60, 20, wanted=0).count(None) > 30


@given(st.text(min_size=1, max_size=64))
def test_a_long_name_keeps_its_ends_and_takes_half_of_the_drawing(name: str) -> None:
    """The name of a policy, which may have 64 letters, was cut off at the edge of a phone's drawing."""
    short = shortened(name, 300)
    assert len(short) <= 18
    assert short == name or (name.startswith(short.split("…")[0]) and name.endswith(short[-6:]))


def test_names_in_bold_take_more_room() -> None:
    """A policy's name ran into the name beside it."""
    names = [(100.0, 50.0, "a policy of ours"), (215.0, 50.0, "rule")]
    apart = place(names, [], 600, 100, wanted=2, bold=1)
    assert apart[1] is not None and apart[1] != place(names, [], 600, 100, wanted=2)[1]


# -- markup ------------------------------------------------------------------------------------------------------------


@given(st.text())
def test_text_stays_text_wherever_it_stands(text: str) -> None:
    inside = tag("p", text, title=text)
    assert isinstance(inside, Html)
    assert re.fullmatch(r'<p title="[^"<>]*">[^<>]*</p>', inside, re.DOTALL)


@given(st.text())
def test_data_ends_no_script(text: str) -> None:
    assert re.fullmatch(r'<script type="application/json" id="x">[^<>&]*</script>', as_json("x", {text: [text]}))


def test_numbers_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        as_json("x", math.nan)


def test_flags_and_what_is_left_out() -> None:
    assert tag("input", checked=True, hidden=False, value=None, data_x=1.5) == '<input checked data-x="1.5">'
    assert tag("p", [raw("<b>"), "<i>"]) == "<p><b>&lt;i&gt;</p>"


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (1234567.0, "1,230,000"), (0.01234, "0.0123"), (67_100_000.0, "67,100,000"), (12, "12"),
     (-1500.0, "-1,500"), (1e-7, "1e-07")],
)  # fmt: skip
def test_numbers_are_told_with_three_digits_that_count(number: float, said: str) -> None:
    assert plain(number) == said


def test_instants_lengths_scores_and_ticks() -> None:
    assert (clock(3725.4), clock(-1.0)) == ("1:02:05", "0:00:00")
    assert (spans(14400), spans(90), spans(600), spans(2.5), spans(0.1)) == ("4 h", "90 s", "10 min", "2.5 s", "100 ms")
    assert (signed(None), signed(-0.25), signed(1.0)) == ("–", "−0.25", "1.00")
    assert tick_texts([0.0, 0.5, 1.0]) == ["0.0", "0.5", "1.0"]
    assert tick_texts([1000.0, 2000.0]) == ["1,000", "2,000"]
