"""The file of a policy that only looks on: read as the other's is, and never in anybody's way."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.shadow import ShadowFile
from router.types import Kind
from tests.builders.agents import policy_text

TARGETS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}


class Told:
    def __init__(self, path: Path) -> None:
        self.outcomes: Counter[str] = Counter()
        self.paused_s: list[float] = []
        self.file = ShadowFile(
            path, TARGETS, on_outcome=lambda outcome: self.outcomes.update([outcome]), pause=self.paused_s.append
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy-next.toml"
    path.write_text(policy_text("only_on_device", version=3, name="next"), encoding="utf-8")
    return path


def test_a_good_file_looks_on_from_the_start_and_holds_the_start_up_by_nothing(path: Path) -> None:
    told = Told(path)
    status = told.file.status
    assert status is not None
    assert (status.name, status.version, status.problem) == ("next", 3, None)
    assert (told.outcomes, told.paused_s) == ({"adopted": 1}, [])


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "cannot be read: No such file"),
    "half written": (lambda path: path.write_text(policy_text()[:-8], encoding="utf-8"), "not TOML"),
    "typo": (lambda path: path.write_text(policy_text() + "lables = {}\n", encoding="utf-8"), 'did you mean "labels"'),
    "unknown target": (
        lambda path: path.write_text(policy_text(more="[targets.attic]\n"), encoding="utf-8"),
        'unknown target "attic"',
    ),
}


@pytest.mark.parametrize(("spoil", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_stops_no_start_and_is_told_once(
    path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object], problem: str
) -> None:
    spoil(path)
    with caplog.at_level(logging.WARNING, logger="nearfar.agent"):
        told = Told(path)
        told.file.refresh()
    assert (told.file.current, told.file.status) == (None, None)
    assert problem in (told.file.problem or "")
    assert told.outcomes == {"refused": 1}
    (record,) = caplog.records
    assert problem in record.message and record.message.endswith("no policy looks on")


@pytest.mark.parametrize(("spoil", "problem"), BROKEN.values(), ids=BROKEN)
def test_the_last_good_text_goes_on_looking_on_until_the_file_is_put_right(
    path: Path, spoil: Callable[[Path], object], problem: str
) -> None:
    good, told = path.read_bytes(), Told(path)
    before = told.file.current
    spoil(path)
    told.file.refresh()
    assert told.file.current is before is not None
    assert problem in (told.file.problem or "")
    path.write_bytes(good)
    told.file.refresh()
    assert (told.file.current is before, told.file.problem) == (True, None)
    assert told.outcomes == {"adopted": 1, "refused": 1}


def test_why_a_file_cannot_be_read_is_told_anew_where_it_is_another_reason(path: Path) -> None:
    """Of a file that was missing, and then a folder, it was said for ever that it was missing."""
    told = Told(path)
    path.unlink()
    told.file.refresh()
    path.mkdir()
    told.file.refresh()
    told.file.refresh()
    assert "Is a directory" in (told.file.problem or "")
    assert told.outcomes == {"adopted": 1, "refused": 2}


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """An agent whose shadow policy was a pipe never started: it waited for somebody to write."""
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    told = Told(pipe)
    assert "it is a pipe" in (told.file.problem or "")
    assert told.outcomes == {"refused": 1}


@pytest.mark.parametrize("version", [2, 3, 4])
def test_another_text_is_taken_whatever_its_version(path: Path, version: int) -> None:
    """The policy in force never goes back; what nobody acts on may."""
    told = Told(path)
    path.write_text(policy_text("only_in_cloud", version=version), encoding="utf-8")
    told.file.refresh()
    assert told.file.current is not None
    assert (told.file.current.mode.value, told.file.current.version) == ("only_in_cloud", version)
    assert told.outcomes == {"adopted": 2}


def test_a_file_that_appears_later_is_taken_then(path: Path) -> None:
    text = path.read_bytes()
    path.unlink()
    told = Told(path)
    path.write_bytes(text)
    told.file.refresh()
    assert told.file.current is not None
