from __future__ import annotations

import pytest

from router.errors import MeasureError
from router.gate.terms import Goal, Margin, margin_of, terms_of


def test_accuracy_and_deadlines_are_guarded_whether_somebody_says_so_or_not() -> None:
    terms = terms_of("energy", Goal.BETTER, ["misses=0.02"], (), 0.05)
    assert terms.margins == {
        "energy": Margin(0.01, relative=True),
        "accuracy_loss": Margin(0.005),
        "misses": Margin(0.02),
    }


def test_a_margin_is_so_much_or_a_part_of_what_the_baseline_has() -> None:
    assert margin_of("cost=0.01") == ("cost", Margin(0.01))
    assert margin_of(" latency_p95 = 5% ") == ("latency_p95", Margin(0.05, relative=True))
    assert [str(margin_of(text)[1]) for text in ("cost=0.01", "cost=5%")] == ["0.01", "5%"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cost", '"cost" is no margin; one looks like accuracy_loss=0.005, or cost=1%'),
        ("cost<=1", "is no margin"),
        ("speed=1", 'there is no measure "speed"'),
        ("cost=-1", '"-1" is no number from 0 on'),
        ("cost=x%", '"x" is no number from 0 on'),
        ("accuracy_loss=0.5%", "For the former write accuracy_loss=0.005"),
    ],
)
def test_a_margin_that_means_nothing_or_two_things_is_refused(text: str, said: str) -> None:
    with pytest.raises(MeasureError) as raised:
        margin_of(text)
    assert said in str(raised.value)


def test_two_margins_for_one_measure_are_refused() -> None:
    with pytest.raises(MeasureError, match="two margins for cost"):
        terms_of("cost", Goal.BETTER, ["cost=1", "cost=2%"], (), 0.05)
