"""How much work waits for memory, on a made-up file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.signals import Pressure, Sampler
from tests.builders.kernel import BAD_FILES, bad_file

TOLD = "some avg10={} avg60=3.25 avg300=1.22 total=53736178\nfull avg10=3.30 avg60=3.01 avg300=1.07 total=26309688\n"


def pressure(file: Path, content: str) -> object:
    file.write_text(content, encoding="utf-8")
    return Pressure(file=file).read()["memory_pressure"]


@pytest.mark.parametrize(("told", "expected"), [("0.00", 0.0), ("3.73", 0.0373), ("100.00", 1.0)])
def test_it_is_the_share_of_the_last_ten_seconds(tmp_path: Path, told: str, expected: float) -> None:
    assert pressure(tmp_path / "memory", TOLD.format(told)) == pytest.approx(expected)


@pytest.mark.parametrize("told", ["-1.00", "nan", "1e9", "", "5", "5.", "0x5.00", "1000.00"])
def test_what_is_no_such_number_is_unknown(tmp_path: Path, told: str) -> None:
    assert pressure(tmp_path / "memory", TOLD.format(told)) is None


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_file_that_says_nothing_is_unknown(tmp_path: Path, fault: str) -> None:
    bad_file(tmp_path / "memory", fault)
    assert Pressure(file=tmp_path / "memory").read() == {"memory_pressure": None}


def test_more_than_all_of_the_time_is_refused(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text(TOLD.format("250.00"), encoding="utf-8")
    sampler = Sampler([Pressure(file=tmp_path / "memory")])
    sampler.sample_now()
    assert sampler.snapshot()["memory_pressure"].value is None
    assert sampler.health()[0].rejected == 1
