"""Whether heat slows the processor down, on made-up files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edge_agent.signals import Throttling
from tests.builders.kernel import BAD_FILES, bad_file, tree

COOLER = "class/thermal/cooling_device0"
COUNT = "devices/system/cpu/cpu0/thermal_throttle"
PASSIVE = {f"{COOLER}/type": "cpufreq-cpu0\n", f"{COOLER}/cur_state": "0\n"}
COUNTED = {f"{COUNT}/core_throttle_count": "7\n", f"{COUNT}/package_throttle_count": "9\n"}


def throttled(root: Path, *states: Mapping[str, str | None]) -> list[object]:
    source = Throttling(root=root)
    return [source.read()["throttled"] for files in states if tree(root, files)]


@pytest.mark.parametrize(
    ("sort", "state", "expected"),
    [
        ("cpufreq-cpu0", "0", False),
        ("cpufreq-cpu0", "3", True),
        ("thermal-cpufreq-1", "1", True),
        ("Processor", "1", True),
        ("intel_powerclamp", "-1", False),
        ("Fan", "4", None),
        ("thermal-devfreq-0", "4", None),
    ],
)
def test_what_cools_by_slowing_down_tells(tmp_path: Path, sort: str, state: str, expected: bool | None) -> None:
    assert throttled(tmp_path, {f"{COOLER}/type": sort, f"{COOLER}/cur_state": state}) == [expected]


def test_a_count_tells_from_the_second_reading_on(tmp_path: Path) -> None:
    risen = {f"{COUNT}/package_throttle_count": "10\n"}
    assert throttled(tmp_path, COUNTED, COUNTED, risen, {}) == [None, False, True, False]


def test_one_of_both_is_enough(tmp_path: Path) -> None:
    assert throttled(tmp_path, {**PASSIVE, **COUNTED}, {f"{COUNT}/core_throttle_count": "8"}) == [False, True]


def test_a_count_that_starts_anew_is_no_throttling(tmp_path: Path) -> None:
    """A core that was taken out and put back counts from zero."""
    assert throttled(tmp_path, COUNTED, {f"{COUNT}/core_throttle_count": "0"}) == [None, False]


def test_of_hundreds_of_cores_some_are_read(tmp_path: Path) -> None:
    cores = {f"devices/system/cpu/cpu{i}/thermal_throttle/core_throttle_count": "1" for i in range(64)}
    source = Throttling(root=tree(tmp_path, cores))
    source.read()
    assert 8 <= len(source._counters) <= 16


@pytest.mark.parametrize("fault", BAD_FILES)
@pytest.mark.parametrize("file", [f"{COOLER}/type", f"{COOLER}/cur_state", f"{COUNT}/core_throttle_count"])
def test_whatever_stands_in_a_file_nothing_is_made_up(tmp_path: Path, file: str, fault: str) -> None:
    tree(tmp_path, {**PASSIVE, **COUNTED})
    (tmp_path / f"{COUNT}/package_throttle_count").unlink()
    bad_file(tmp_path / file, fault)
    source = Throttling(root=tmp_path)
    assert source.read()["throttled"] in (None, False)
    assert source.read()["throttled"] is False, "the other file still tells"


def test_a_machine_that_tells_nothing_is_unknown() -> None:
    assert Throttling(root=Path("/nowhere")).read() == {"throttled": None}


def test_a_driver_that_comes_later_is_found_in_time(tmp_path: Path) -> None:
    source = Throttling(root=tmp_path)
    assert source.read()["throttled"] is None
    tree(tmp_path, PASSIVE)
    assert False in [source.read()["throttled"] for _ in range(100)]
