"""Where commands write: never over what they read, to standard output where that is said; where not, with words."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.cli import main
from router.cli.outputs import STDOUT, page, refuse_early, write
from router.errors import RouterError
from tests.docs.desk import python_environment

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no device here is always full")
SCENARIO = """\
schema = 1
name = "minute"
duration_s = 60

[device]
model = "devices/mine.toml"
load = { table = "load.csv" }

[links.home]
radio = "wifi"
up.mahimahi = "home.up"
down.table = "all.tar/home.csv"
rtt_ms = 8

[targets.cloud]
server = "cpu-2"
rtt_ms = 20

[models.vision]
device_ms = 20
service_ms = { cloud = 20 }
upload_bytes = 20000
answers = { examples = "examples.csv" }

[[workload]]
name = "camera"
model = "vision"
deadline_ms = 500
arrivals = { trace = "arrivals.csv" }
"""
FILES = {
    "load.csv": "0,0.1\n1,0.2\n",
    "home.up": "1\n2\n2\n3\n",
    "examples.csv": "score,device,cloud\n0.9,1,1\n0.3,0,1\n",
    "arrivals.csv": "".join(f"{number / 4}\n" for number in range(200)),
    "near.toml": 'schema = 1\nname = "near"\nversion = 1\nmode = "only_on_device"\n',
    "far.toml": 'schema = 1\nname = "far"\nversion = 1\nmode = "only_in_cloud"\n',
    "minute.toml": SCENARIO,
}
ONLY = "escalation.below,worth.second,backup"
READ = [*FILES, "all.tar", "devices/mine.toml"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "home.csv").write_text("0,20\n1,30\n", encoding="utf-8")
    subprocess.run(["tar", "cf", "all.tar", "home.csv"], cwd=tmp_path, check=True)
    catalogue = Path(sys.modules["router.simulate"].__file__ or "").parent / "catalogue"
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "mine.toml").write_bytes((catalogue / "device" / "phone-midrange.toml").read_bytes())
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


# -- what is read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(
    "command",
    [
        ["simulate", "minute.toml", "--policy", "near.toml", "--policy", "far.toml", "--json"],
        ["simulate", "minute.toml", "--policy", "near.toml", "--policy", "far.toml", "--html"],
        ["gate", "minute.toml", "--baseline", "near.toml", "--candidate", "far.toml", "--json"],
    ],
    ids=["json", "html", "gate"],
)
def test_nothing_is_written_over_what_is_read_nor_over_what_that_names(
    desk: Path, command: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Traces that a scenario names were written over; what the command line itself names was not."""
    before = (desk / name).read_bytes()
    assert main([*command, str(desk / name)]) in {2, 3}
    said = capsys.readouterr()
    assert (desk / name).read_bytes() == before
    assert said.err == f"nearfar-policy: {desk / name}: is one of the files that are read; write to another one\n"
    assert said.out == ""


@pytest.mark.parametrize("name", sorted({*READ} - {"far.toml"}))
def test_nor_is_a_better_policy_or_its_journal(desk: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = (desk / name).read_bytes()
    command = ["tune", "minute.toml", "--policy", "near.toml", "--evaluations", "1", "-o"]
    assert main([*command, name]) == 2
    (desk / "x.journal").symlink_to(desk / name)
    assert main([*command, "x"]) == 2
    assert (desk / name).read_bytes() == before
    assert capsys.readouterr().err.count("is one of the files that are read; write to another one") == 2


def test_two_documents_do_not_go_to_one_place(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second was written over the first."""
    (desk / "out").touch()
    (desk / "same").symlink_to(desk / "out")
    for json_to, html_to in (("-", "-"), ("new", "new"), ("out", "same")):
        assert main(["simulate", "minute.toml", "--json", json_to, "--html", html_to]) == 1
        assert "two documents cannot go to one place" in capsys.readouterr().err
    refuse_early((Path(os.devnull), Path(os.devnull), None), [])


def test_what_was_looked_at_is_left_as_it_was(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("of last week", encoding="utf-8")
    refuse_early((tmp_path / "new", there, STDOUT), [])
    assert there.read_text(encoding="utf-8") == "of last week"
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


# -- standard output ---------------------------------------------------------------------------------------------------


def test_people_are_written_to_where_no_document_goes() -> None:
    assert page(None, Path("a")) is sys.stdout
    assert page(Path("a"), STDOUT) is sys.stderr


@pytest.mark.wide
def test_a_dash_is_standard_output_for_every_command(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was a file of that name."""
    assert main(["simulate", "minute.toml", "--json", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["scenario"]["name"] == "minute"
    assert "upper bound" in said.err
    assert main(["simulate", "minute.toml", "--html", "-", "--json", "out.json", "--points", "0"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("<!doctype html>")
    assert "upper bound" in said.err
    assert json.loads((desk / "out.json").read_text(encoding="utf-8"))["scenario"]["name"] == "minute"
    gate = ["gate", "minute.toml", "--baseline", "near.toml", "--candidate", "far.toml", "--seeds", "3", "--json", "-"]
    assert main(gate) in {0, 1, 2}
    said = capsys.readouterr()
    assert json.loads(said.out)["seeds"] == 3
    assert "verdict: " in said.err
    assert main(["scenario", "slow-server", "-"]) == main(["scenario", "slow-server"]) == 0
    assert not (desk / "-").exists()


@pytest.mark.wide
def test_a_better_policy_goes_to_standard_output_alone(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low = (
        'schema = 1\nname = "low"\nversion = 1\nmode = "auto"\n[escalation]\nbelow = 0.05\n'
        "[worth]\nsecond = 0.3\ndollar = 1000.0\n[targets.cloud]\nusd_per_request = 0.0002\n"
    )
    (desk / "low.toml").write_text(low, encoding="utf-8")
    (desk / "street.toml").write_text(
        SCENARIO.replace("devices/mine.toml", "phone-midrange")
        .replace('load = { table = "load.csv" }', "")
        .replace('"cpu-2"\nrtt_ms = 20', '"cpu-16"\nrtt_ms = 30\nusd_per_request = 0.0002')
        .replace("rtt_ms = 8", "rtt_ms = 20")
        .replace("deadline_ms = 500", "deadline_ms = 600")
        .replace('up.mahimahi = "home.up"', "up = 9")
        .replace('down.table = "all.tar/home.csv"', "down = 40")
        .replace('answers = { examples = "examples.csv" }', "answers = { accuracy = { device = 0.7, cloud = 0.95 } }")
        .replace('arrivals = { trace = "arrivals.csv" }', "arrivals = { per_s = 2 }"),
        encoding="utf-8",
    )
    command = ["tune", "street.toml", "--policy", "low.toml", "--evaluations", "9", "--only", ONLY, "-o"]
    assert main([*command, "-"]) == 0
    said = capsys.readouterr()
    assert "wrote standard output, version 2" in said.err
    assert main([*command, "better.toml"]) == 0
    assert said.out == (desk / "better.toml").read_text(encoding="utf-8")
    assert not list(desk.glob("*.journal"))
    assert not (desk / "-").exists()


# -- no room -----------------------------------------------------------------------------------------------------------


@needs_full
def test_a_full_disk_is_told_with_the_files_name() -> None:
    """The message was that no space was left, and not where."""
    with pytest.raises(OSError, match="No space left on device; what is in it is not whole") as raised:
        write(FULL, "x" * 100_000)
    assert raised.value.filename == str(FULL)


@needs_full
@pytest.mark.wide
@pytest.mark.parametrize("option", ["--json", "--html"])
def test_figures_for_a_full_disk_cost_one_line(desk: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "minute.toml", "--points", "0", "--html", "x.html", option, str(FULL)]) == 2
    said = capsys.readouterr()
    assert "upper bound" in said.out
    assert said.err == f"nearfar-policy: {FULL}: No space left on device; what is in it is not whole\n"


@needs_full
@pytest.mark.wide
@pytest.mark.parametrize(
    ("arguments", "code", "unbuffered"),
    [
        (["check", "near.toml"], 2, ""),
        (["schema"], 2, ""),
        (["schema"], 2, "1"),
        (["simulate", "minute.toml", "--json", "-"], 2, ""),
        (["gate", "minute.toml", "--baseline", "near.toml", "--candidate", "far.toml", "--seeds", "3"], 3, ""),
    ],
    ids=["check", "schema", "unbuffered", "simulate", "gate"],
)
def test_a_page_for_a_full_disk_is_told_as_such(desk: Path, arguments: list[str], code: int, unbuffered: str) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "router.cli", *arguments],
            cwd=desk,
            env=python_environment() | {"PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == code
    assert done.stderr.splitlines()[-1] == "nearfar-policy: standard output: No space left on device"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


_LIMITED = """
import resource, sys
from router.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.wide
@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_journal_that_finds_no_room_is_told_with_its_name(desk: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, "tune", "minute.toml", "--policy", "near.toml", "-o", "out"],
        cwd=desk,
        env=python_environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "nearfar-policy: out.journal: File too large\n")


@pytest.mark.wide
def test_letters_that_a_terminal_does_not_have_end_nothing(desk: Path) -> None:
    """A table has a plus-minus sign, at which a terminal of ASCII alone ended the command with a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "router.cli", "simulate", "minute.toml"],
        cwd=desk,
        env=python_environment() | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "?0.0" in done.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_where_it_would_be_read_twice(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe was waited for, for ever, or was empty when it was read again."""
    os.mkfifo("pipe")
    assert main(["gate", "minute.toml", "--baseline", "near.toml", "--candidate", "pipe"]) == 3
    assert main(["tune", "minute.toml", "--policy", "pipe", "-o", "out"]) == 1
    assert capsys.readouterr().err.count("pipe: is no file, and it is read more than once here") == 2
    assert main(["simulate", "pipe"]) == 2
    assert capsys.readouterr().err.startswith("nearfar-policy: pipe: Is no file, such as traces could lie beside")


def test_who_names_a_folder_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(IsADirectoryError):
        refuse_early((desk,), [])
    with pytest.raises(RouterError):
        refuse_early((desk / "a", desk / "a"), [])
    assert main(["simulate", "minute.toml", "--json", str(desk)]) == 2
    assert capsys.readouterr().err == f"nearfar-policy: {desk}: Is a directory\n"


class _Output(io.BytesIO):
    """Standard output, as what was written there."""

    fails: OSError | None = None

    def write(self, content: Any, /) -> int:  # Any: whatever has bytes
        if self.fails is not None:
            raise self.fails
        return super().write(content)


def _on_windows(monkeypatch: pytest.MonkeyPatch) -> _Output:
    """Have standard output know ASCII alone, and end lines as Windows does."""
    output = _Output()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii", newline="\r\n"))
    return output


@pytest.mark.parametrize(
    ("arguments", "letter"),
    [
        pytest.param(["init", "-"], "", id="init"),
        pytest.param(["check", "näher.toml", "--json"], "ä", id="check"),
        pytest.param(["diff", "näher.toml", "näher.toml", "--json"], "", id="diff"),
        pytest.param(["decide", "näher.toml", "--json"], "", id="decide"),
        pytest.param(["scenario", "commuter-4g"], "", id="scenario"),
        pytest.param(["schema"], "°", id="schema"),
    ],
)
def test_a_document_on_standard_output_is_utf_8_whatever_a_terminal_has(
    arguments: list[str], letter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Question marks stood in it, and on Windows its letters were those of a code page, and no JSON or TOML."""
    monkeypatch.chdir(tmp_path)
    assert main(["init", "näher.toml"]) == 0
    output = _on_windows(monkeypatch)
    assert main(arguments) == 0
    written = output.getvalue()
    assert letter in written.decode("utf-8")
    assert b"\r" not in written


@pytest.mark.parametrize(("platform", "code"), [("win32", 0), ("linux", 2)])
def test_whoever_has_stopped_reading_on_windows_has_seen_enough(
    platform: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Windows says of a pipe that nobody reads that an argument is invalid, which was told as a fault."""
    _on_windows(monkeypatch).fails = OSError(errno.EINVAL, "Invalid argument")
    assert main(["schema"], platform=platform) == code
    assert capsys.readouterr().err.count("\n") == (1 if code else 0)
