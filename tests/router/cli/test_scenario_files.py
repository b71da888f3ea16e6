"""What stands beside a scenario: plain, packed, in an archive, cut off, far too large, or no file at all."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
from pathlib import Path
from typing import Literal

import pytest

from router.cli import scenario_files
from router.cli.scenario_files import Beside, find_scenario, shipped
from router.errors import ScenarioError
from router.simulate.traces.lines import MAX_LINE_BYTES, MAX_TRACE_BYTES
from router.simulate.world import World

LINES = [b"0 1.5\n", b"1 2.5\n"]


def _archive(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def _read(folder: Path, name: str) -> list[bytes] | None:
    lines = Beside(folder).lines(name)
    return None if lines is None else list(lines)


def test_plain_and_packed_files_give_the_same_lines(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"".join(LINES))
    (tmp_path / "packed").write_bytes(gzip.compress(b"".join(LINES)))
    _archive(tmp_path / "all.tar.gz", {"4G/one": b"".join(LINES), "4G/two": b""})
    assert _read(tmp_path, "plain") == LINES
    assert _read(tmp_path, "packed") == LINES
    assert _read(tmp_path, "all.tar.gz/4G/one") == LINES


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    _archive(tmp_path / "all.tar.gz", {"one": b""})
    (tmp_path / "folder").mkdir()
    for name in ("nothing", "folder", "all.tar.gz/two", "no.tar/one", "nul\0"):
        assert _read(tmp_path, name) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert _read(tmp_path, "pipe") is None


def test_a_packed_file_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(gzip.compress(b"".join(LINES) * 1000)[:-20])
    with pytest.raises(EOFError):
        _read(tmp_path, "cut")


@pytest.mark.parametrize("place", [12, 30, 60])
def test_a_packed_file_that_is_damaged_is_an_error(tmp_path: Path, place: int) -> None:
    packed = bytearray(gzip.compress(os.urandom(400)))
    packed[place] ^= 0xFF
    (tmp_path / "damaged").write_bytes(packed)
    with pytest.raises((OSError, EOFError)):
        _read(tmp_path, "damaged")


def test_an_archive_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    _archive(tmp_path / "all.tar.gz", {"one": os.urandom(4000)})
    whole = (tmp_path / "all.tar.gz").read_bytes()
    (tmp_path / "all.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises((OSError, EOFError)):
        _read(tmp_path, "all.tar.gz/one")


def test_a_bomb_is_given_up_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario_files, "MAX_TRACE_BYTES", 1 << 20)
    bomb = b"1\n" * (1 << 20)
    (tmp_path / "bomb").write_bytes(gzip.compress(bomb))
    _archive(tmp_path / "all.tar.gz", {"small": b"1\n", "bomb": bomb})
    for name in ("bomb", "all.tar.gz/bomb"):
        with pytest.raises(OSError, match="larger than 1 MiB, which is the most that is read; cut it"):
            _read(tmp_path, name)
    assert _read(tmp_path, "all.tar.gz/small") == [b"1\n"]


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A file of 100 MB was read for fifteen seconds, and then refused."""
    with (tmp_path / "vast").open("wb") as file:
        file.truncate(MAX_TRACE_BYTES + 1)
    with pytest.raises(OSError, match="larger than 64 MiB"):
        Beside(tmp_path).lines("vast")  # and no line of it is asked for


def test_a_file_in_an_archive_is_read_as_its_lines_are_taken(tmp_path: Path) -> None:
    """All lines of it were put into a list first, of which nobody may want more than one."""
    _archive(tmp_path / "all.tar.gz", {"one": b"1\n" * 100_000})
    lines = Beside(tmp_path).lines("all.tar.gz/one")
    assert lines is not None
    assert not isinstance(lines, list)
    assert next(iter(lines)) == b"1\n"


@pytest.mark.parametrize("packing", ["bz2", "xz"])
def test_an_archive_in_another_packing_is_an_error(tmp_path: Path, packing: Literal["bz2", "xz"]) -> None:
    """Its faults were no OSError, and ended the command with a traceback."""
    with tarfile.open(tmp_path / "all.tar", f"w:{packing}") as archive:
        info = tarfile.TarInfo("one")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"1\n2\n"))
    content = bytearray((tmp_path / "all.tar").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "all.tar").write_bytes(content)
    with pytest.raises(OSError, match="damaged"):
        _read(tmp_path, "all.tar/one")


def test_all_traces_of_a_scenario_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each had one of its own; a scenario that names one file for a hundred links would fill the memory."""
    monkeypatch.setattr("router.simulate.reading.MAX_LINES_IN_ALL", 3)
    shown = (Path(scenario_files.__file__).parents[1] / "simulate" / "scenarios" / "slow-server.toml").read_text()
    shown = shown.replace("up = 30", 'up = { mahimahi = "up" }')
    (tmp_path / "up").write_bytes(b"1\n2\n")
    (tmp_path / "s.toml").write_text(shown)
    assert find_scenario(str(tmp_path / "s.toml")).name == "slow-server"
    (tmp_path / "s.toml").write_text(re.sub(r"down = [0-9]+", 'down = { mahimahi = "up" }', shown))
    with pytest.raises(ScenarioError, match=r"home\.down.*up: with it the scenario's traces have more than 3 lines"):
        find_scenario(str(tmp_path / "s.toml"))


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "endless").write_bytes(b"1" * 100_000)
    lines = Beside(tmp_path).lines("endless")
    assert lines is not None
    assert len(next(iter(lines))) == MAX_LINE_BYTES + 1


def test_a_document_ends_in_toml_or_is_of_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"schema = 1")
    beside = Beside(tmp_path)
    assert beside.document("radio", "mine.toml") == b"schema = 1"
    assert beside.document("radio", "other.toml") is None
    assert beside.document("radio", "lte") is not None
    assert beside.document("radio", "../device/edge-box") is None


@pytest.mark.parametrize("name", shipped())
def test_every_scenario_that_ships_can_be_simulated(name: str) -> None:
    scenario = find_scenario(name)
    world = World(scenario.setting, scenario.seed)
    first = next(world.arrivals())
    assert scenario.name == name
    assert scenario.about
    assert set(first.truth.right) >= {"device"}


def test_the_fault_of_a_trace_names_scenario_field_file_and_line(tmp_path: Path) -> None:
    shown = (Path(scenario_files.__file__).parents[1] / "simulate" / "scenarios" / "slow-server.toml").read_text()
    (tmp_path / "s.toml").write_text(shown.replace("up = 30", 'up = { mahimahi = "up.gz" }'))
    (tmp_path / "up.gz").write_bytes(gzip.compress(b"1\n2\n" * 500)[:-9])
    with pytest.raises(ScenarioError, match=r"s\.toml: line \d+: links\.home\.up\.mahimahi: up\.gz: "):
        find_scenario(str(tmp_path / "s.toml"))
