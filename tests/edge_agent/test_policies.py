"""The policy in force is the last good one, whatever becomes of its file."""

from __future__ import annotations

import itertools
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import ConfigError
from edge_agent.policies import PolicyFile, Watcher
from router.rules.compile import MAX_POLICY_BYTES
from router.rules.policy import Policy
from router.types import Kind, Mode
from tests.builders.agents import policy_text
from tests.builders.waiting import eventually

TARGETS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}


class Told:
    """A policy file, and what it told of itself."""

    def __init__(self, path: Path, *, pause: Callable[[float], object] = lambda _: None) -> None:
        self.changes: list[Policy] = []
        self.outcomes: list[str] = []
        self.file = PolicyFile(
            path, TARGETS, on_change=self.changes.append, on_outcome=self.outcomes.append, pause=pause
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(policy_text("prefer_in_cloud", version=5), encoding="utf-8")
    return path


def test_without_a_file_the_built_in_policy_is_in_force_and_refreshing_does_nothing() -> None:
    file = PolicyFile(None, TARGETS, on_change=lambda _: None, on_outcome=lambda _: None)
    file.refresh()
    assert (file.status.name, file.status.version, file.status.problem) == ("built-in", 1, None)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        pytest.param(None, "policy", "cannot be read: No such file", id="missing"),
        pytest.param("schema = = 1", "", "not TOML", id="no_toml"),
        pytest.param(policy_text() + "mdoe = 1\n", "", 'unknown key "mdoe"; did you mean "mode"?', id="F2_typo"),
        pytest.param(policy_text() + "version = 2\n", "", 'duplicate key "version"', id="F2_duplicate"),
        pytest.param(policy_text("fast"), "mode", "only_on_device", id="unknown_mode"),
        pytest.param(
            policy_text(more="[escalation]\nbelow = nan\n"), "escalation.below", "finite", id="F1_nan_threshold"
        ),
        pytest.param(
            policy_text(more='[labels]\nopen = ["moon"]\n'), "labels.open[0]", 'unknown target "moon"', id="F9_target"
        ),
    ],
)
def test_a_policy_that_cannot_be_put_in_force_at_the_start_stops_the_start(
    path: Path, text: str | None, place: str, problem: str
) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Told(path)
    assert (caught.value.path, problem in caught.value.problem) == (place, True), caught.value
    assert str(path) in str(caught.value)


def test_a_new_version_is_put_in_force_whole_and_told_once(path: Path) -> None:
    told = Told(path)
    path.write_text(policy_text("only_on_device", version=6), encoding="utf-8")
    told.file.refresh()
    told.file.refresh()
    assert (told.file.status.version, told.file.current.mode) == (6, Mode.ONLY_ON_DEVICE)
    assert (told.changes, told.outcomes) == ([told.file.current], ["adopted"])


def _unreadable(path: Path) -> None:
    path.unlink()
    path.mkdir()  # unlike a mode of 0, this stops root too


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "F6_half_written": (
        lambda path: path.write_text(policy_text(version=6)[:-8], encoding="utf-8"), "not TOML",
    ),
    "F1_nan": (
        lambda path: path.write_text(policy_text(version=6, more="[worth]\nsecond = nan\n"), encoding="utf-8"),
        "worth.second",
    ),
    "F2_typo": (
        lambda path: path.write_text(policy_text(version=6) + "lables = {}\n", encoding="utf-8"),
        'did you mean "labels"?',
    ),
    "F4_endless": (lambda path: path.write_bytes(b"#" * (MAX_POLICY_BYTES * 2)), "longer than"),
    "F7_deleted": (lambda path: path.unlink(), "cannot be read: No such file"),
    "F7_unreadable": (_unreadable, "cannot be read"),
    "F9_removed_target": (
        lambda path: path.write_text(policy_text(version=6, more="[targets.attic]\n"), encoding="utf-8"),
        'unknown target "attic"',
    ),
    "F12_older": (
        lambda path: path.write_text(policy_text("only_on_device", version=4), encoding="utf-8"),
        "version 4 is older than 5, which is in force",
    ),
    "empty": (lambda path: path.write_bytes(b""), '"schema" is missing'),
    "no_text": (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "problem"), BROKEN.values(), ids=BROKEN)
def test_F7_the_last_good_policy_stays_in_force_and_says_what_is_wrong_until_that_is_put_right(
    path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object], problem: str
) -> None:
    caplog.set_level(logging.WARNING)
    good = path.read_bytes()
    told = Told(path)
    before = told.file.current
    spoil(path)
    for _ in range(3):
        told.file.refresh()
    assert told.file.current is before
    assert problem in (told.file.status.problem or "")
    assert (told.changes, told.outcomes) == ([], ["refused"])
    assert [record.message.endswith("stays in force") for record in caplog.records] == [True]
    # The same file again: nothing new is in force, and nothing is wrong any more.
    if path.is_dir():
        path.rmdir()
    path.write_bytes(good)
    told.file.refresh()
    assert (told.file.current, told.file.status.problem, told.changes) == (before, None, [])
    # And a new one is taken as ever.
    path.write_text(policy_text("only_on_device", version=6), encoding="utf-8")
    told.file.refresh()
    assert (told.file.status.version, told.file.status.problem) == (6, None)


def test_another_text_under_the_same_version_is_taken_and_told_until_the_version_is_raised(path: Path) -> None:
    """It stood in the log alone: neither a metric nor the agent told that two policies went by one version."""
    told = Told(path)
    path.write_text(policy_text("only_on_device", version=5), encoding="utf-8")
    told.file.refresh()
    assert told.file.current.mode is Mode.ONLY_ON_DEVICE
    assert (told.file.status.problem, told.outcomes) == (None, ["adopted_under_same_version"])
    assert told.file.status.warning == "version 5 was in force with another text: raise the version with each change"
    path.write_text(policy_text("only_on_device", version=6), encoding="utf-8")
    told.file.refresh()
    assert (told.file.status.warning, told.outcomes[-1]) == (None, "adopted")


def test_F12_of_two_versions_that_alternate_the_newer_stays(path: Path) -> None:
    told = Told(path)
    for version in (6, 5, 6, 5):
        path.write_text(policy_text(version=version), encoding="utf-8")
        told.file.refresh()
        assert told.file.status.version == 6
    assert told.outcomes == ["adopted", "refused", "refused"]


def test_F6_a_file_that_is_swapped_by_renaming_is_the_old_one_or_the_new_one(path: Path) -> None:
    told = Told(path)
    for version in range(6, 12):
        new = path.with_suffix(".new")
        new.write_text(policy_text(version=version), encoding="utf-8")
        new.replace(path)
        told.file.refresh()
        assert (told.file.status.version, told.file.status.problem) == (version, None)


@pytest.mark.skipif(sys.platform == "win32", reason="links want a privilege there")
def test_F6_a_link_that_flips_to_another_folder_is_followed(tmp_path: Path) -> None:
    """As a mounted ConfigMap is updated."""
    for version in (1, 2):
        folder = tmp_path / f"v{version}"
        folder.mkdir()
        (folder / "policy.toml").write_text(policy_text(version=version), encoding="utf-8")
    (tmp_path / "now").symlink_to("v1")
    told = Told(tmp_path / "now" / "policy.toml")
    (tmp_path / "next").symlink_to("v2")
    os.replace(tmp_path / "next", tmp_path / "now")
    told.file.refresh()
    assert told.file.status.version == 2


RULES = '[[rules]]\nname = "first"\nwhen = {}\nmode = "only_on_device"\n'
WHOLE = policy_text("prefer_in_cloud", version=6, more=f"{RULES}{RULES.replace('first', 'second')}")


@given(st.lists(st.integers(0, len(WHOLE) - 1), max_size=4, unique=True))
def test_F6_while_a_file_is_being_written_in_place_no_half_of_it_is_in_force(cuts: list[int]) -> None:
    """A policy that was cut off between two rules was a valid one, and went into force."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        path.write_text(policy_text(version=5), encoding="utf-8")
        lengths = [*sorted(cuts), len(WHOLE)]

        def write_on(_: float) -> None:
            if lengths:
                path.write_text(WHOLE[: lengths.pop(0)], encoding="utf-8")

        told = Told(path, pause=write_on)
        write_on(0)
        told.file.refresh()
        assert told.file.status.version == 6
        assert [len(policy.rules) for policy in told.changes] == [2]


def test_F6_a_file_that_never_stands_still_is_not_taken_and_holds_nobody_up(path: Path) -> None:
    written = itertools.count(6)
    told = Told(path, pause=lambda _: path.write_text(policy_text(version=next(written)), encoding="utf-8"))
    path.write_text(policy_text(version=next(written)), encoding="utf-8")
    told.file.refresh()
    assert (told.file.status.version, told.outcomes) == (5, [])


def test_the_watcher_looks_again_and_again_and_ends_when_told_twice(path: Path) -> None:
    told = Told(path)
    watcher = Watcher(told.file.refresh, 0.01)
    watcher.start()
    path.write_text(policy_text(version=6), encoding="utf-8")
    eventually(lambda: told.file.status.version == 6)
    watcher.stop()
    watcher.stop()
    assert not any(thread.name == "nearfar-policy" for thread in threading.enumerate())


def test_a_watcher_that_never_started_can_be_stopped() -> None:
    Watcher(lambda: None, 1.0).stop()


def test_a_file_that_brings_out_a_fault_of_ours_is_told_and_the_next_one_is_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watcher's thread used to die of it, and no policy was ever taken again."""
    told = Told(path)

    def broken(*_: object, **__: object) -> Policy:
        raise ZeroDivisionError("secret")

    with monkeypatch.context() as patched:
        patched.setattr("edge_agent.settled.compile_policy", broken)
        path.write_text(policy_text(version=6), encoding="utf-8")
        told.file.refresh()
    assert told.file.status.problem is not None
    assert "ZeroDivisionError" in told.file.status.problem
    assert "secret" not in told.file.status.problem
    path.write_text(policy_text(version=7), encoding="utf-8")
    told.file.refresh()
    assert (told.file.status.version, told.file.status.problem) == (7, None)
