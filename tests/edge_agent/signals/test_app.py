"""What the app says of the device: taken at its word where nothing was measured, and checked where it comes in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from edge_agent import AgentClosed, ConfigError, SignalError
from edge_agent.signals import Sampler
from edge_agent.signals.app import Reported, checked_claims
from edge_agent.testing import FakeClock, fake_agent, fake_release
from nearfar_wire.status import Code
from tests.builders.sources import Told


class Phone:
    """A SignalSource."""

    def __init__(self, values: Mapping[str, Any], interval_s: Any = 10.0, names: Any = None) -> None:  # Any: also wrong
        self.values = values
        self.interval_s = interval_s
        self.names: Sequence[str] = tuple(values) if names is None else names

    def read(self) -> Mapping[str, Any]:  # Any: as above
        return self.values


class Clicking:
    """Reads nothing."""

    names = ("battery_pct",)
    interval_s = 1.0


# -- a source that is asked --------------------------------------------------------------------------------------------


def test_a_source_of_the_app_s_is_read_and_named_as_its_own() -> None:
    (claim,) = checked_claims([Phone({"link": "cellular", "metered": True})], ())
    with Sampler([], claims=[claim]) as sampler:
        told = {name: (reading.value, reading.source) for name, reading in sampler.snapshot().items()}
    assert told == {"link": ("cellular", "the app (Phone)"), "metered": (True, "the app (Phone)")}


def test_what_it_says_is_doubted_as_a_sensor_s_word_is() -> None:
    phone, clock = Phone({"battery_pct": 100}), FakeClock()
    sampler = Sampler([], claims=checked_claims([phone], ()), clock=clock)
    sampler.sample_now()
    phone.values = {"battery_pct": 5}
    clock.advance(10)
    sampler.sample_now()
    assert sampler.snapshot()["battery_pct"].value == 100


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param(Clicking(), "read: a SignalSource has a method of that name, a Clicking has none", id="no_read"),
        pytest.param(Phone({}), "names: the names of the signals", id="no_names"),
        pytest.param(Phone({}, names="battery_pct"), "names: the names of the signals", id="one_text_for_names"),
        pytest.param(Phone({}, names=7), "names: the names of the signals", id="a_number_for_names"),
        pytest.param(Phone({}, names=[7]), "names: names of signals are text", id="a_number_for_a_name"),
        pytest.param(Phone({"batery_pct": 5}), 'did you mean "battery_pct"', id="no_such_signal"),
        pytest.param(Phone({"rtt_ms.clout": 5}), 'no such target; did you mean "cloud"', id="no_such_target"),
        pytest.param(Phone({"link": "wifi"}, interval_s=0), "interval_s: a number of seconds", id="no_interval"),
        pytest.param(Phone({"link": "wifi"}, interval_s=-1), "interval_s: a number", id="negative_interval"),
        pytest.param(Phone({"link": "wifi"}, interval_s=math.nan), "interval_s: a number", id="nan"),
        pytest.param(Phone({"link": "wifi"}, interval_s=math.inf), "interval_s: a number", id="infinity"),
        pytest.param(Phone({"link": "wifi"}, interval_s="5"), "interval_s: a number", id="text_for_an_interval"),
        pytest.param(Phone({"link": "wifi"}, interval_s=True), "interval_s: a number", id="flag_for_an_interval"),
        pytest.param(Phone({"link": "wifi"}, interval_s=16), "at most 15: so long does", id="longer_than_it_counts"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_before_anything_starts(source: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as raised:
        fake_agent(fake_release(), signal_sources=[Phone({"metered": True}), source], targets=CLOUD)
    assert str(raised.value).startswith("signal_sources[1]: ")


def test_one_source_that_is_not_in_a_list_is_refused_by_the_name_of_the_argument() -> None:
    with pytest.raises(ConfigError, match="signal_sources: a list of sources is wanted, not a Phone"):
        fake_agent(fake_release(), signal_sources=cast("Any", Phone({"metered": True})))


CLOUD = {"cloud": {"address": "127.0.0.1:9"}}


# -- what it says of its own accord ------------------------------------------------------------------------------------


def reported(clock: FakeClock) -> tuple[Reported, Sampler]:
    told = Reported(["cloud"], clock)
    return told, Sampler([Told({"cpu_load": 0.5})], pushed=[told], clock=clock)


def test_a_report_holds_as_long_as_a_reading_counts_or_as_the_app_says() -> None:
    clock = FakeClock()
    told, sampler = reported(clock)
    told.say({"metered": True}, None)
    told.say({"link": "cellular"}, 3600.0)

    def known() -> list[str]:
        sampler.sample_due()
        return [row.name for row in sampler.statuses() if row.fresh and row.source == "the app"]

    assert known() == ["metered", "link"]
    clock.advance(60)
    assert known() == ["metered", "link"]
    clock.advance(1)
    assert known() == ["link"]
    clock.advance(3540)
    assert known() == []


def test_a_report_holds_no_longer_than_the_app_says_whoever_looks_and_when() -> None:
    """`report(holds_s=1)` held for two seconds: what no longer holds was seen at the next reading alone."""
    clock = FakeClock()
    told, sampler = reported(clock)
    told.say({"metered": True, "link": "cellular"}, 1.0)
    told.say({"queue_ms.cloud": 5}, 2.5)
    sampler.sample_now(told)

    def known() -> list[str]:
        return sorted(name for name, reading in sampler.snapshot().items() if reading.value is not None)

    assert known() == ["link", "metered", "queue_ms.cloud"]
    clock.advance(1.0)
    assert known() == ["link", "metered", "queue_ms.cloud"]
    clock.advance(0.001)
    assert known() == ["queue_ms.cloud"]
    assert sampler.snapshot() is sampler.snapshot()
    clock.advance(1.5)
    assert known() == []


def test_a_report_adds_to_those_before_and_takes_the_place_of_the_same_signal_s() -> None:
    clock = FakeClock()
    told, _ = reported(clock)
    told.say({"metered": True, "link": "cellular"}, None)
    told.say({"metered": False, "queue_ms.cloud": 5}, None)
    assert told.read() == {"metered": False, "link": "cellular", "queue_ms.cloud": 5.0}
    told.say({"link": None}, None)
    assert told.read()["link"] is None


def test_a_report_may_jump() -> None:
    clock = FakeClock()
    told, sampler = reported(clock)
    for value in (100, 5):
        told.say({"battery_pct": value, "charging": value == 100}, None)
        sampler.sample_now(told)
    assert (sampler.snapshot()["battery_pct"].value, sampler.snapshot()["charging"].value) == (5.0, False)


@pytest.mark.parametrize(
    ("values", "holds_s", "problem"),
    [
        pytest.param({"batery_pct": 5}, None, 'no such signal; did you mean "battery_pct"', id="no_such_signal"),
        pytest.param({7: 5}, None, "no such signal", id="a_number_for_a_name"),
        pytest.param({"rtt_ms.clout": 5}, None, 'no such target; did you mean "cloud"', id="no_such_target"),
        pytest.param({"battery_pct": 101}, None, "a number from 0 to 100 is wanted, or None", id="out_of_range"),
        pytest.param({"battery_pct": math.nan}, None, "a number from 0 to 100 is wanted", id="nan"),
        pytest.param({"battery_pct": "80"}, None, "a number from 0 to 100 is wanted", id="text_for_a_number"),
        pytest.param({"charging": 1}, None, "true or false is wanted", id="number_for_a_flag"),
        pytest.param({"link": "5g"}, None, "one of ethernet, wifi, cellular, none is wanted", id="no_such_text"),
        pytest.param({"metered": True}, 0, "holds_s", id="holds_for_no_time"),
        pytest.param({"metered": True}, math.nan, "holds_s", id="holds_for_nan"),
        pytest.param({"metered": True}, 1e9, "holds_s", id="holds_for_years"),
        pytest.param({"metered": True}, "60", "holds_s", id="holds_for_a_text"),
    ],
)
def test_a_report_of_what_cannot_be_is_refused_as_a_whole(values: Any, holds_s: Any, problem: str) -> None:
    told, _ = reported(FakeClock())
    told.say({"metered": False}, None)
    with pytest.raises(SignalError, match=problem) as raised:
        told.say({"metered": True, **values}, holds_s)
    assert raised.value.code is Code.INVALID_INPUT
    assert told.read() == {"metered": False}


@pytest.mark.parametrize(
    ("said", "told"), [(None, "None"), (7, "an int"), ("metered", "a str"), ([("metered", True)], "a list")]
)
def test_a_report_that_is_no_mapping_is_one_typed_error(said: Any, told: str) -> None:
    """`report(None)` was a TypeError, which no app catches that catches what the agent raises."""
    with fake_agent(fake_release()) as agent, pytest.raises(SignalError, match=rf"is wanted, not {told}$"):
        agent.report(said)


def test_an_agent_that_is_closed_takes_no_report() -> None:
    agent = fake_agent(fake_release())
    agent.close()
    with pytest.raises(AgentClosed):
        agent.report(metered=True)
