"""The agent's clock."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from edge_agent.clock import machine_clock


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no clock that goes on in a sleep")
def test_on_linux_the_agent_s_clock_is_the_one_that_goes_on_in_a_sleep() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    now = machine_clock()()
    assert before <= now <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_it_never_goes_back() -> None:
    clock = machine_clock()
    told = [clock() for _ in range(1000)]
    assert told == sorted(told)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({}, id="a_system_without_it"),
        pytest.param({"CLOCK_BOOTTIME": 12345}, id="a_kernel_that_does_not_give_it"),
    ],
)
def test_where_there_is_no_such_clock_it_is_python_s_own(known: Mapping[str, object]) -> None:
    assert machine_clock(known, platform="linux") is time.monotonic


def test_on_macos_it_is_the_system_s_and_not_python_s() -> None:
    clocks = {"CLOCK_MONOTONIC": time.CLOCK_MONOTONIC, "CLOCK_BOOTTIME": 12345}
    clock = machine_clock(clocks, platform="darwin")
    assert clock is not time.monotonic
    assert clock() > 0


def test_on_windows_it_counts_finer_than_a_model_runs() -> None:
    """Before Python 3.13 `time.monotonic` goes in steps of 16 ms there: a run of 3 ms took none, or five times."""
    assert machine_clock({}, platform="win32") is time.perf_counter
