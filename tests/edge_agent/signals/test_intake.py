"""From what a source said to readings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import ConfigError
from edge_agent.signals.intake import check_names, take, unknown
from router.signals import LINKS, SIGNALS
from router.types import Reading, Value


@pytest.mark.parametrize(
    ("name", "said", "value"),
    [
        pytest.param("battery_pct", 55, 55.0, id="whole_number"),
        pytest.param("battery_pct", 0, 0.0, id="empty_battery"),
        pytest.param("battery_pct", 100.0, 100.0, id="full_battery"),
        pytest.param("temperature_c", -12.5, -12.5, id="frost"),
        pytest.param("charging", False, False, id="flag"),
        pytest.param("rtt_ms.cloud", 3.5, 3.5, id="signal_of_a_target"),
        pytest.param("link", "wifi", "wifi", id="text"),
    ],
)
def test_a_credible_value_becomes_a_reading(name: str, said: object, value: Value) -> None:
    readings, refused = take({name: said}, [name], "sensor", 7.0)
    assert readings == {name: Reading(name, value, "sensor", 7.0)}
    assert type(readings[name].value) is type(value)
    assert refused == ()


def test_what_a_source_does_not_say_is_unknown_and_not_refused() -> None:
    readings, refused = take({"charging": None}, ["battery_pct", "charging"], "sensor", 7.0)
    assert [reading.value for reading in readings.values()] == [None, None]
    assert refused == ()


def test_what_a_source_says_beyond_its_names_is_ignored() -> None:
    readings, refused = take({"cpu_load": 0.5, "password": "x"}, ["cpu_load"], "sensor", 7.0)
    assert list(readings) == ["cpu_load"]
    assert refused == ()


def test_a_failure_is_told_by_its_type_alone() -> None:
    readings = unknown(["cpu_load"], "sensor", PermissionError("/home/ada/secret"), 7.0)
    assert readings == {"cpu_load": Reading("cpu_load", None, "sensor (PermissionError)", 7.0)}


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(LINKS),
    st.binary(),
    st.lists(st.floats(0, 1)),
)


@given(name=st.sampled_from(sorted(SIGNALS)), said=anything)
def test_whatever_is_said_the_value_is_one_that_the_signal_can_have_or_unknown(name: str, said: Any) -> None:
    readings, refused = take({name: said}, [name], "sensor", 0.0)
    value = readings[name].value
    if value is None:
        assert refused == (() if said is None else (name,))
    elif SIGNALS[name].holds == "flag":
        assert isinstance(value, bool)
    elif SIGNALS[name].holds == "text":
        assert value in SIGNALS[name].one_of
    else:
        assert isinstance(value, float) and SIGNALS[name].low <= value <= SIGNALS[name].high


@pytest.mark.parametrize(
    ("name", "problem"),
    [("batery_pct", 'did you mean "battery_pct"'), ("zzz", "known here: battery_pct"), ("cpu_load.cloud", "no such")],
)
def test_a_name_that_is_no_signal_is_refused_with_the_nearest_one(name: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as raised:
        check_names(["cpu_load", name], "my sensor")
    assert raised.value.path == name
    assert str(raised.value).startswith("my sensor: ")
