"""How much power the batteries give, on made-up power supplies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edge_agent.signals import Discharge, Sampler
from tests.builders.kernel import BAD_FILES, bad_file, tree

LAPTOP = {"type": "Battery\n", "status": "Discharging\n", "power_now": "12500000\n"}
PHONE = {"type": "Battery\n", "status": "Discharging\n", "current_now": "-450000\n", "voltage_now": "4000000\n"}


def watts(root: Path, **supplies: Mapping[str, str]) -> object:
    tree(root, {f"{name}/{file}": content for name, files in supplies.items() for file, content in files.items()})
    return Discharge(root=root).read().get("discharge_w")


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        pytest.param({"BAT0": LAPTOP}, 12.5, id="power"),
        pytest.param({"BAT0": {**LAPTOP, "power_now": "-12500000"}}, 12.5, id="power_that_flows_out"),
        pytest.param({"battery": PHONE}, 1.8, id="current_and_voltage"),
        pytest.param({"battery": {**PHONE, "current_now": "450000"}}, 1.8, id="the_other_sign"),
        pytest.param({"BAT0": LAPTOP, "BAT1": LAPTOP}, 25.0, id="two_batteries"),
        pytest.param({"BAT0": LAPTOP, "BAT1": {**LAPTOP, "status": "Full"}}, 12.5, id="one_of_two_rests"),
        pytest.param({"BAT0": {**LAPTOP, "status": "Charging"}}, 0.0, id="charging"),
        pytest.param({"BAT0": {**LAPTOP, "status": "Not charging"}}, 0.0, id="not_charging"),
        pytest.param({"BAT0": {**LAPTOP, "status": "Unknown"}}, None, id="it_does_not_know"),
        pytest.param({"BAT0": {"type": "Battery", "power_now": "1"}}, None, id="no_status"),
        pytest.param({"BAT0": {"type": "Battery", "status": "Discharging"}}, None, id="no_measurement"),
        pytest.param({"battery": {**PHONE, "voltage_now": "0"}}, None, id="no_voltage"),
        pytest.param({"BAT0": LAPTOP, "BAT1": {"type": "Battery", "status": "Discharging"}}, None, id="one_silent"),
        pytest.param({"AC": {"type": "Mains", "online": "1"}}, None, id="mains_alone"),
        pytest.param({"BAT0": LAPTOP, "AC": {"type": "Mains"}}, 12.5, id="mains_beside"),
        pytest.param(
            {"BAT0": LAPTOP, "mouse": {**LAPTOP, "scope": "Device"}}, 12.5, id="a_mouse_s_is_not_the_machine_s"
        ),
        pytest.param({}, None, id="no_battery"),
    ],
)
def test_discharge(tmp_path: Path, supplies: Mapping[str, Mapping[str, str]], expected: float | None) -> None:
    assert watts(tmp_path, **supplies) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("fault", BAD_FILES)
@pytest.mark.parametrize("file", LAPTOP)
def test_whatever_stands_in_a_file_of_a_battery_nothing_is_made_up(tmp_path: Path, file: str, fault: str) -> None:
    tree(tmp_path, {f"BAT0/{name}": content for name, content in LAPTOP.items()})
    bad_file(tmp_path / "BAT0" / file, fault)
    assert Discharge(root=tmp_path).read() == {"discharge_w": None}


def test_a_folder_that_is_not_there_is_unknown() -> None:
    assert Discharge(root=Path("/nowhere")).read() == {"discharge_w": None}


def test_more_than_any_battery_gives_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, {f"BAT0/{name}": content for name, content in {**LAPTOP, "power_now": "9" * 18}.items()})
    sampler = Sampler([Discharge(root=tmp_path)])
    sampler.sample_now()
    assert sampler.snapshot()["discharge_w"].value is None
    assert sampler.health()[0].rejected == 1
