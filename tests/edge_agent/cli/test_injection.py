from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import ConfigError
from edge_agent.cli.injection import read_values, scenarios, with_twin
from edge_agent.signals.intake import take
from router.rules.compile import compile_policy
from router.rules.conditions import parse
from router.rules.policy import Policy
from router.types import SIGNALS

_HARD_TIMES = 3


def _policy(when: str) -> Policy:
    rule = f'[[rules]]\nname = "r"\nwhen = {when}\nmode = "only_on_device"\n'
    return compile_policy(f'schema = 1\nname = "p"\nversion = 1\n{rule}'.encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("battery_pct=5", {"battery_pct": 5.0}),
        ("charging=false", {"charging": False}),
        ("charging=true", {"charging": True}),
        ("cpu_load=unknown", {"cpu_load": None}),
        ("rtt_ms.cloud=250", {"rtt_ms.cloud": 250.0}),
        ("link=cellular", {"link": "cellular"}),
    ],
)
def test_a_value_is_read_as_its_signal_holds_it(text: str, value: dict[str, object]) -> None:
    assert read_values([text], ["cloud"]) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("battery=5", 'did you mean "battery_pct"', id="no such signal"),
        pytest.param("rtt_ms.clout=5", 'did you mean "cloud"', id="no such target"),
        pytest.param("battery_pct", "SIGNAL=VALUE", id="no value"),
        pytest.param("battery_pct=low", "a number from 0 to 100", id="no number"),
        pytest.param("battery_pct=101", "a number from 0 to 100", id="out of range"),
        pytest.param("battery_pct=nan", "a number from 0 to 100", id="NaN"),
        pytest.param("battery_pct=true", "a number from 0 to 100", id="a flag for a number"),
        pytest.param("charging=1", "true or false", id="a number for a flag"),
        pytest.param("link=5g", "one of ethernet, wifi, cellular, none is wanted", id="no such text"),
        pytest.param("link=true", "one of ethernet", id="a flag for a text"),
    ],
)
def test_a_value_that_the_signal_cannot_have_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_values([text], ["cloud"])


@pytest.mark.parametrize(
    ("values", "with_both"),
    [
        pytest.param({"rtt_ms": 9.0}, {"rtt_ms": 9.0, "rtt_ms.cloud": 9.0}, id="the short name"),
        pytest.param({"rtt_ms.cloud": 9.0}, {"rtt_ms": 9.0, "rtt_ms.cloud": 9.0}, id="the long name"),
        pytest.param({"rtt_ms": 1.0, "rtt_ms.cloud": 9.0}, {"rtt_ms": 1.0, "rtt_ms.cloud": 9.0}, id="both given"),
        pytest.param({"rtt_ms.fog": 9.0}, {"rtt_ms.fog": 9.0}, id="another target"),
        pytest.param({"queue_ms": 9.0}, {"queue_ms": 9.0, "queue_ms.cloud": 9.0}, id="another signal of a target"),
    ],
)
def test_a_round_trip_has_both_of_its_names(values: dict[str, float], with_both: dict[str, float]) -> None:
    assert with_twin(values, "cloud") == with_both


def test_without_a_remote_target_a_round_trip_stays_alone() -> None:
    assert with_twin({"rtt_ms": 9.0}, None) == {"rtt_ms": 9.0}


@pytest.mark.parametrize(
    ("when", "first"),
    [
        ("{ battery_pct = { less_than = 20 }, charging = false }", {"battery_pct": 10.0, "charging": False}),
        ("{ cpu_load = { greater_than = 0.8 } }", {"cpu_load": pytest.approx(0.9)}),
        ("{ rtt_ms = { at_least = 300 } }", {"rtt_ms": 450.0}),
        ("{ not = { charging = true } }", {"charging": False}),
        ("{ any = [{ label = 'secret' }, { charging = true }] }", {"charging": True}),
        ("{ not = { any = [{ charging = true }, { cpu_load = 0.5 }] } }", {"charging": False, "cpu_load": 0.75}),
        ("{ battery_pct = { one_of = [50, 60] } }", {"battery_pct": 50.0}),
        ("{ not = { cpu_load = 1 } }", {"cpu_load": 0.5}),
        ("{ not = { cpu_load = 0 } }", {"cpu_load": 0.5}),
        ('{ link = "cellular" }', {"link": "cellular"}),
        ('{ not = { link = "ethernet" } }', {"link": "wifi"}),
        ('{ not = { link = { one_of = ["ethernet", "wifi"] } } }', {"link": "cellular"}),
    ],
)
def test_the_first_scenario_makes_the_first_rule_hold(when: str, first: dict[str, object]) -> None:
    assert next(scenarios(_policy(when))) == first


def test_rules_that_speak_of_no_signal_leave_what_is_hard_in_general() -> None:
    assert len(list(scenarios(_policy('{ label = "secret" }')))) == _HARD_TIMES


_NUMBERS = ["battery_pct", "cpu_load", "memory_free_mb", "temperature_c", "rtt_ms"]


@st.composite
def _conjunctions(draw: st.DrawFn) -> dict[str, Any]:  # Any: a TOML table
    """A comparison for each of some signals, inside of what the signal can be."""
    table: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(_NUMBERS), min_size=1, unique=True)):
        span = SIGNALS[name].high - SIGNALS[name].low
        bound = SIGNALS[name].low + span * draw(st.floats(0.01, 0.99))
        table[name] = {draw(st.sampled_from(["greater_than", "less_than", "at_least", "at_most"])): bound}
    return table


@given(_conjunctions())
def test_scenarios_make_a_conjunction_hold_and_not_hold_with_credible_values(when: dict[str, Any]) -> None:
    condition = parse(when, "when")
    inline = ", ".join(f"{name} = {{ {op} = {bound!r} }}" for name, c in when.items() for op, bound in c.items())
    makes, breaks, *_ = scenarios(_policy(f"{{ {inline} }}"))
    assert condition.holds(makes.get) is True
    assert condition.holds({**makes, **breaks}.get) is False
    for values in (makes, breaks):
        assert take(values, list(values), "test", 0.0)[1] == ()
