from __future__ import annotations

import pytest

from edge_agent.demo.day import DAY, DEADLINE_MS, GOOD_NETWORK, Phase
from edge_agent.testing.faults import Faults


def test_the_day_has_the_phases_that_its_reader_expects() -> None:
    names = [phase.name for phase in DAY]
    assert names == [
        "good network",
        "battery low",
        "network slow",
        "device busy",
        "cloud gone",
        "secret",
        "cloud back",
    ]


def test_secret_requests_are_asked_where_they_could_leave() -> None:
    (secret,) = (phase for phase in DAY if phase.label == "secret")
    assert secret.network == GOOD_NETWORK and not secret.sudden


def test_on_the_slow_network_no_answer_can_come_in_time() -> None:
    (slow,) = (phase for phase in DAY if phase.name == "network slow")
    assert slow.network is not None
    assert 2 * slow.network.latency_s * 1000 > DEADLINE_MS


@pytest.mark.parametrize(
    ("phase", "scripted", "words"),
    [
        pytest.param(Phase("p"), True, "3 ms each way", id="usual"),
        pytest.param(Phase("p", battery_pct=12.0), True, "3 ms each way, battery at 12 %", id="battery"),
        pytest.param(Phase("p", cpu_load=0.97), True, "3 ms each way, load 97%", id="load"),
        pytest.param(Phase("p", label="secret"), True, '3 ms each way, label "secret"', id="label"),
        pytest.param(Phase("p", network=None, sudden=True), True, "no network, and nobody tells the agent", id="gone"),
        pytest.param(
            Phase("p", network=Faults(latency_s=0.2, bandwidth_bytes_s=16_000)),
            True,
            "200 ms each way at 16 kB/s",
            id="slow",
        ),
        pytest.param(
            Phase("p", battery_pct=12.0, depends_on_sensors=True),
            False,
            "3 ms each way, the rest depends on this machine",
            id="real-sensors-promise-nothing",
        ),
    ],
)
def test_a_phase_is_told_by_what_sets_it_apart(phase: Phase, scripted: bool, words: str) -> None:
    assert phase.in_words(scripted=scripted) == words
