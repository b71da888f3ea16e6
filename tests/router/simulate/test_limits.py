from __future__ import annotations

import pytest

from router.errors import MeasureError
from router.simulate.limits import limit_of, measure_of
from router.simulate.measures import MEASURES


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_can_be_limited(name: str) -> None:
    limit = limit_of(f" {name} <= 0.25 ")
    assert (limit.measure, limit.most, str(limit)) == (MEASURES[name], 0.25, f"{name}<=0.25")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accuracy<=0.1", 'there is no measure "accuracy"'),
        ("acuracy_loss<=0.1", 'did you mean "accuracy_loss"'),
        ("cost", '"cost" is no limit; one looks like accuracy_loss<=0.01'),
        ("cost>=0.1", "is no limit"),
        ("cost<=", '"" is no number from 0 on'),
        ("cost<=nan", '"nan" is no number from 0 on'),
        ("cost<=-1", '"-1" is no number from 0 on'),
        ("cost<=inf", '"inf" is no number from 0 on'),
        ("cost<=1%", '"1%" is no number from 0 on'),
    ],
)
def test_a_limit_that_means_nothing_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(MeasureError) as raised:
        limit_of(text)
    assert said in str(raised.value)


def test_without_a_name_that_is_near_all_are_told() -> None:
    with pytest.raises(MeasureError, match="known here: accuracy_loss, bytes, cost"):
        measure_of("speed")
