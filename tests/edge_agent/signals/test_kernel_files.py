"""Reading the kernel's small files: what they say, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.signals.kernel_files import folders, number_in, text_in
from tests.builders.kernel import BAD_FILES, bad_file


@pytest.mark.parametrize(
    ("content", "number"),
    [("12\n", 12), ("-3", -3), ("0\n", 0), ("  7  \n", 7), ("18446744073709551615", 2**64 - 1)],
)
def test_a_file_that_is_a_number_is_that_number(tmp_path: Path, content: str, number: int) -> None:
    (tmp_path / "file").write_text(content, encoding="utf-8")
    assert number_in(tmp_path / "file") == number


@pytest.mark.parametrize("content", ["1.5", "0x10", "1 2", "--1", "-", "1e9", "+4", "１２", "1_000", "9" * 21, "٣"])
def test_a_file_that_is_no_whole_number_says_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_text(content, encoding="utf-8")
    assert number_in(tmp_path / "file") is None


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_file_that_says_nothing_is_nothing_and_no_exception(tmp_path: Path, fault: str) -> None:
    file = tmp_path / "file"
    bad_file(file, fault)
    assert number_in(file) is None
    if fault not in ("empty", "blank", "garbage", "pipe"):
        assert text_in(file) is None
    else:
        assert not (text_in(file) or "").isdecimal()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("12", encoding="utf-8")
    (tmp_path / "file").chmod(0)
    assert text_in(tmp_path / "file") is None


def test_a_file_is_read_to_its_limit_and_no_further(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x" * 100, encoding="utf-8")
    assert text_in(tmp_path / "file", 100) == "x" * 100
    assert text_in(tmp_path / "file", 99) is None


def test_nothing_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x" * 100, encoding="utf-8")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    for _ in range(20):
        text_in(tmp_path / "file")
        text_in(tmp_path / "file", 1)
        text_in(tmp_path)
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


def test_folders_are_listed_in_order_and_none_where_there_are_none(tmp_path: Path) -> None:
    for name in ("cpu10", "cpu2", "cpufreq", "other"):
        (tmp_path / name).mkdir()
    assert [folder.name for folder in folders(tmp_path, "cpu")] == ["cpu10", "cpu2", "cpufreq"]
    assert folders(tmp_path / "nowhere") == []
