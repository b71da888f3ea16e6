"""`nearfar-cloud` itself: how it ends where nobody called it wrongly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloud_service.cli import command

COMMAND = (sys.executable, "-m", "cloud_service.cli")


def test_a_key_pressed_ends_it_as_a_shell_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_run", pressed)
    assert command.main([]) == 130
    assert capsys.readouterr().err == "nearfar-cloud: interrupted\n"


def test_who_has_read_enough_of_it_ends_it_quietly(tmp_path: Path) -> None:
    """It left a trace of calls behind."""
    reader, writer = os.pipe()
    os.close(reader)
    serve = (*COMMAND, "serve", "--models", str(tmp_path), "--print-config")
    with os.fdopen(writer, "wb") as closed:
        ended = subprocess.run(serve, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
