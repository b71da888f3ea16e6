"""The source whose values are set by hand."""

from __future__ import annotations

import pytest

from edge_agent.errors import ConfigError
from edge_agent.signals import Sampler, Scripted
from tests.builders.sources import Told


def values(sampler: Sampler) -> dict[str, object]:
    sampler.sample_now()
    return {name: reading.value for name, reading in sampler.snapshot().items()}


def test_a_change_keeps_what_it_does_not_name() -> None:
    scripted = Scripted({"battery_pct": 80, "charging": True})
    sampler = Sampler([scripted])
    scripted.set({"rtt_ms.cloud": 300}, battery_pct=12)
    assert values(sampler) == {"battery_pct": 12, "charging": True, "rtt_ms.cloud": 300}


def test_a_change_is_seen_when_the_source_is_read_alone() -> None:
    scripted, other = Scripted(), Told({"cpu_load": 0.5})
    sampler = Sampler([other, scripted])
    scripted.set(cpu_load=0.95)
    sampler.sample_now(scripted)
    assert sampler.snapshot()["cpu_load"].value == 0.95
    assert other.reads == 0


def test_none_makes_a_signal_unknown_and_clear_lets_the_real_one_show_again() -> None:
    scripted = Scripted()
    sampler = Sampler([Told({"battery_pct": 80, "charging": True}), scripted])
    scripted.set(battery_pct=None, charging=False)
    assert values(sampler) == {"battery_pct": None, "charging": False}
    scripted.clear("battery_pct")
    assert values(sampler) == {"battery_pct": 80, "charging": False}
    scripted.clear()
    assert values(sampler) == {"battery_pct": 80, "charging": True}


def test_an_incredible_value_is_refused_as_a_measured_one_would_be() -> None:
    sampler = Sampler([Scripted({"battery_pct": 500})])
    assert values(sampler) == {"battery_pct": None}
    assert sampler.snapshot()["battery_pct"].source == "scripted (value refused)"


def test_a_mistyped_signal_is_refused_and_nothing_is_changed() -> None:
    scripted = Scripted({"cpu_load": 0.1})
    with pytest.raises(ConfigError, match='did you mean "battery_pct"'):
        scripted.set(cpu_load=0.9, batterypct=5)
    assert scripted.read() == {"cpu_load": 0.1}
