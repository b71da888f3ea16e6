"""The examples run as their first lines say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tests.docs.desk import python_environment

pytestmark = pytest.mark.wide


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy, so that what the examples write stays out of the checkout."""
    folder = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", folder, ignore=shutil.ignore_patterns("releases", "models", "__pycache__"))
    return folder


def _run(script: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(script)], env=python_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_digits_are_asked_without_a_cloud(examples: Path) -> None:
    assert _run(examples / "digits" / "make_release.py") == "wrote releases/digits and models\n"
    said = _run(examples / "digits" / "ask.py")
    assert "says device" in said
    assert "nothing left the device" in said or "cloud failed" in said


def test_the_fakes_need_no_model_and_no_cloud(examples: Path) -> None:
    assert "secret: device answered, 0 bytes left" in _run(examples / "fakes.py")


def test_every_example_is_run_by_this_file() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for script in (ROOT / "examples").rglob("*.py"):
        assert f'"{script.name}"' in text, script
