"""Which of several readings of one signal counts."""

from __future__ import annotations

import pytest

from edge_agent.signals.merge import merge
from router.types import Reading, Value


def reading(source: str, value: Value | None, at: float = 100.0) -> dict[str, Reading]:
    return {"battery_pct": Reading("battery_pct", value, source, at)}


MEASURED = reading("sensor", 80.0)
CLAIMED = reading("the app", 30.0)


@pytest.mark.parametrize(
    ("measured", "claimed", "shown"),
    [
        pytest.param([MEASURED], [CLAIMED], "sensor", id="measured_goes_before_claimed"),
        pytest.param([], [CLAIMED], "the app", id="nothing_measures_it"),
        pytest.param([reading("sensor", None)], [CLAIMED], "the app", id="the_sensor_does_not_know"),
        pytest.param([reading("sensor", 80.0, 89.0)], [CLAIMED], "the app", id="what_was_measured_is_too_old"),
        pytest.param([reading("sensor", 80.0, 90.0)], [CLAIMED], "sensor", id="what_was_measured_is_just_young_enough"),
        pytest.param([reading("sensor", None)], [reading("the app", None)], "sensor", id="nobody_knows"),
        pytest.param(
            [reading("sensor", 80.0, 50.0)], [reading("the app", 30.0, 40.0)], "sensor", id="both_are_too_old"
        ),
        pytest.param([MEASURED, reading("later", 70.0)], [], "later", id="the_later_sensor_wins"),
        pytest.param([MEASURED, reading("later", None)], [], "later", id="also_when_it_knows_nothing"),
        pytest.param([], [CLAIMED, reading("another", 20.0)], "the app", id="the_earlier_claim_wins"),
        pytest.param([], [reading("the app", None), reading("another", 20.0)], "another", id="where_it_knows"),
    ],
)
def test_one_reading_counts(measured: list[dict[str, Reading]], claimed: list[dict[str, Reading]], shown: str) -> None:
    merged = merge(measured, claimed, 100.0, lambda name: 10.0)
    assert merged["battery_pct"].source == shown


def test_signals_are_merged_one_by_one() -> None:
    metered = {"metered": Reading("metered", True, "the app", 100.0)}
    merged = merge([MEASURED], [{**CLAIMED, **metered}], 100.0, lambda name: 10.0)
    assert {name: shown.source for name, shown in merged.items()} == {"battery_pct": "sensor", "metered": "the app"}
