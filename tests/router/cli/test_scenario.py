"""`nearfar-policy scenario`: what ships can be read, and taken as a beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.cli import main
from router.cli.scenario_files import find_scenario, shipped


@pytest.mark.parametrize("name", shipped())
def test_a_scenario_that_ships_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", name]) == 0
    said = capsys.readouterr().out
    assert said.startswith("schema = 1\n")
    assert f'name = "{name}"' in said


@pytest.mark.parametrize("name", shipped())
def test_what_is_written_into_a_folder_can_be_simulated_there(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of what was printed lacked the traces that stand beside it."""
    assert main(["scenario", name, str(tmp_path / "mine")]) == 0
    written = find_scenario(str(tmp_path / "mine" / f"{name}.toml"))
    assert written.digest == find_scenario(name).digest
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(list((tmp_path / "mine").iterdir()))
    assert told[0] == f"wrote {tmp_path / 'mine' / name}.toml"


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "commuter-4g.toml").write_text("mine", encoding="utf-8")
    assert main(["scenario", "commuter-4g", str(tmp_path)]) == 2
    assert "File exists" in capsys.readouterr().err
    assert (tmp_path / "commuter-4g.toml").read_text(encoding="utf-8") == "mine"


def test_a_name_that_none_has_is_told_with_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "comuter-4g"]) == 2
    assert 'did you mean "commuter-4g"' in capsys.readouterr().err
