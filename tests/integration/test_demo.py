"""The demo as it is run: one command, no terminal, and a summary that holds what its phases promise."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builders.waiting import eventually

# A day of forty seconds, whole, as a process; its phases one by one are in tests/edge_agent/demo/test_play.py.
pytestmark = [pytest.mark.wide, pytest.mark.slow]

WITHIN_S = 120
FEW = 0.01
"""Of the requests: a machine that is shared stands still now and then, and a run of a millisecond takes a tenth of a
second. Its request stays unanswered where nothing else may answer, and the agent says that it stopped the run."""
STOOD_STILL = re.compile("nearfar-agent: model digits had to be stopped; it stays in use")
PHASES = ["good network", "battery low", "network slow", "device busy", "cloud gone", "secret", "cloud back"]
KEYS = {
    "name", "requests", "answered", "on_device", "in_cloud",
    "accuracy", "p50_ms", "p95_ms", "deadline_misses", "bytes_sent",
}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """What one run left: its output, its summary, how long it took, and its folder."""

    output: str
    errors: str
    summary: dict[str, Any]
    took_s: float
    folder: Path

    def phase(self, name: str) -> dict[str, Any]:
        return next(phase for phase in self.summary["phases"] if phase["name"] == name)


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "edge_agent.cli", "demo", *options]


def environment(temporary: Path) -> dict[str, str]:
    paths = {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    return os.environ | paths | {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "temporary").mkdir()
    started = time.monotonic()
    done = subprocess.run(
        command("--json", str(folder / "out.json")),
        capture_output=True,
        encoding="utf-8",
        env=environment(folder / "temporary"),
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    return Ran(done.stdout, done.stderr, summary, time.monotonic() - started, folder)


def test_it_takes_less_than_two_minutes(ran: Ran) -> None:
    assert ran.took_s < WITHIN_S


def test_without_a_terminal_it_writes_plain_lines_and_no_complaint(ran: Ran) -> None:
    assert ran.output.replace("\n", "").isprintable()
    assert [line for line in ran.errors.splitlines() if not STOOD_STILL.fullmatch(line)] == []


def test_it_says_what_is_scripted_and_what_is_real(ran: Ran) -> None:
    assert "battery, load  scripted" in ran.output
    assert "faults are real" in " ".join(ran.output.split())


def test_it_tells_one_decision_in_words_and_shows_its_receipt(ran: Ran) -> None:
    assert "chosen: device, then cloud if uncertain" in ran.output
    assert "answered by cloud in" in ran.output


def test_nothing_is_left_in_the_temporary_folder(ran: Ran) -> None:
    assert list((ran.folder / "temporary").iterdir()) == []


def test_the_summary_has_the_phases_and_the_baselines(ran: Ran) -> None:
    assert [phase["name"] for phase in ran.summary["phases"]] == PHASES
    assert ran.summary["baselines"].keys() == {"always_device", "always_cloud"}
    assert all(row.keys() == KEYS for row in (*ran.summary["phases"], *ran.summary["baselines"].values()))


def test_every_request_is_asked_in_every_phase_and_counted_once(ran: Ran) -> None:
    for row in (*ran.summary["phases"], *ran.summary["baselines"].values()):
        assert row["requests"] >= 500, row
        assert row["on_device"] + row["in_cloud"] == row["answered"], row
    assert len({phase["requests"] for phase in ran.summary["phases"]}) == 1


def test_on_the_good_network_accuracy_is_the_clouds_for_less_than_half_of_the_requests(ran: Ran) -> None:
    good, cloud = ran.phase("good network"), ran.summary["baselines"]["always_cloud"]
    assert good["accuracy"] >= cloud["accuracy"] - 0.01
    assert good["in_cloud"] < good["requests"] / 2
    assert good["bytes_sent"] < cloud["bytes_sent"] / 2


def test_with_a_low_battery_everything_stays_on_the_device(ran: Ran) -> None:
    low = ran.phase("battery low")
    assert low["on_device"] == low["answered"] >= low["requests"] * (1 - FEW)


def test_on_a_slow_network_hardly_anything_waits(ran: Ran) -> None:
    slow = ran.phase("network slow")
    assert slow["answered"] >= slow["requests"] * (1 - FEW)
    assert slow["deadline_misses"] <= slow["requests"] * 0.02
    assert slow["p95_ms"] < 50


def test_a_busy_device_leaves_most_to_the_cloud(ran: Ran) -> None:
    busy = ran.phase("device busy")
    # The network was slow before: it takes two round trips, while requests come, until it is held to be quick again.
    assert busy["in_cloud"] > busy["requests"] * 0.6


def test_with_the_cloud_gone_every_request_is_answered(ran: Ran) -> None:
    gone = ran.phase("cloud gone")
    assert gone["on_device"] == gone["answered"] >= gone["requests"] * (1 - FEW)


def test_of_secret_requests_not_one_byte_is_sent(ran: Ran) -> None:
    secret = ran.phase("secret")
    assert secret["bytes_sent"] == 0
    assert secret["on_device"] == secret["answered"] >= secret["requests"] * (1 - FEW)


def test_when_the_cloud_is_back_escalations_resume(ran: Ran) -> None:
    back, good = ran.phase("cloud back"), ran.phase("good network")
    assert back["in_cloud"] > good["in_cloud"] / 2


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM and SIGINT end a process there without asking it")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
def test_when_it_is_told_to_stop_nothing_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    import psutil

    (tmp_path / "temporary").mkdir()
    with running(command(), environment(tmp_path / "temporary"), tmp_path / "output") as demo:
        eventually(lambda: "good network" in (tmp_path / "output").read_text(encoding="utf-8"), within_s=60)
        children = psutil.Process(demo.pid).children(recursive=True)
        assert children
        demo.send_signal(number)
        assert demo.wait(30) == 130
    eventually(lambda: not any(child.is_running() for child in children))
    assert list((tmp_path / "temporary").iterdir()) == []


@contextmanager
def running(arguments: Sequence[str], env: dict[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as file:
        process = subprocess.Popen(arguments, stdout=file, stderr=file, env=env)
        try:
            yield process
        finally:
            process.kill()
            process.wait(30)
