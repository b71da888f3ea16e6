"""What is told before anything starts. The demo as a whole: tests/integration/test_demo.py."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from edge_agent.demo.options import Options
from edge_agent.demo.run import run


@pytest.mark.parametrize("library", ["grpc_health", "onnx", "rich", "sklearn"])
def test_a_missing_library_is_told_in_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert run(Options(), stream=io.StringIO(), environment={}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'nearfar[demo,cloud]'" in line


def test_a_summary_that_could_not_be_written_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    assert run(Options(summary=tmp_path / "none" / "out.json"), stream=stream, environment={}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no such folder" in line
    assert stream.getvalue() == ""


def test_standard_output_is_refused_for_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    """It was written into a file that was called `-`."""
    stream = io.StringIO()
    assert run(Options(summary=Path("-")), stream=stream, environment={}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "--json -: on standard output stands how the day goes; name a file" in line
    assert stream.getvalue() == ""


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(Options(folder=tmp_path / "file"), stream=io.StringIO(), environment={}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "file") in line
