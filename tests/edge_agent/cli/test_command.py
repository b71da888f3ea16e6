from __future__ import annotations

import errno
import io
import json
import math
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from edge_agent.testing import FakeCloud, Script
from tests.builders.agents import Home, policy_text
from tests.builders.waiting import eventually
from tests.edge_agent.cli.conftest import FULL_MODEL, Desk, Run, target


def test_help_lists_the_commands(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    assert all(f"\n    {command} " in ran.out for command in ("infer", "doctor", "demo"))


@pytest.mark.parametrize("command", ["infer", "doctor", "demo"])
def test_each_command_has_help(run: Run, command: str) -> None:
    assert run(command, "--help").out.startswith(f"usage: nearfar-agent {command}")


def test_version_is_one_line(run: Run) -> None:
    ran = run("--version")
    assert ran.code == 0
    assert ran.out.startswith("nearfar ")
    assert ran.out.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="no command"),
        pytest.param(("guess",), id="an unknown command"),
        pytest.param(("doctor",), id="no configuration"),
        pytest.param(("infer", "--config", "agent.toml"), id="no model"),
        pytest.param(("infer", "--config", "agent.toml", "m", "--deadline-ms", "soon"), id="no number"),
    ],
)
def test_a_wrong_call_is_one_line_on_stderr_and_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert "--help" in ran.err


@pytest.mark.parametrize("command", [("doctor",), ("infer", "tiny")], ids=["doctor", "infer"])
def test_a_configuration_that_cannot_be_used_is_told_with_its_place(
    run: Run, desk: Desk, command: tuple[str, ...]
) -> None:
    config = desk.config("[targets.cloud]\naddress = 'example.org:1'")
    ran = run(*command, "--config", config)
    assert ran.code == 2
    assert ran.err.startswith(f"nearfar-agent: {config}: line 4: targets.cloud.tls: ")
    assert ran.err.count("\n") == 1


def test_every_fault_of_a_policy_is_told_with_its_line_and_place(run: Run, desk: Desk) -> None:
    """The first one was told, and its author learnt of the next by asking again."""
    policy = 'schema = 1\nname = "p"\nversion = 1\nmode = "fast"\n[worth]\nsecond = nan\n[targets.attic]\n'
    ran = run("doctor", "--config", desk.config(policy=policy))
    path = desk.home.root / "policy.toml"
    assert ran.code == 2
    places = [line.removeprefix(f"nearfar-agent: {path}: ").partition(": ")[0] for line in ran.err.splitlines()]
    assert places == ["line 4", "line 6"]
    assert "mode: " in ran.err and "worth.second: " in ran.err


def test_every_fault_of_a_configuration_is_told(run: Run, desk: Desk) -> None:
    config = desk.config()
    config.write_text('polcy = "p"\njournal_size = 0\n' + config.read_text("utf-8"), "utf-8")
    ran = run("doctor", "--config", config)
    assert ran.code == 2
    assert [line.partition(f"{config}: ")[2][:6] for line in ran.err.splitlines()] == ["line 1", "line 2"]


def test_a_release_that_cannot_be_read_is_exit_code_1(run: Run, desk: Desk) -> None:
    (desk.home.root / "releases" / "tiny" / "manifest.toml").write_text("schema = 1")
    ran = run("doctor", "--config", desk.config())
    assert ran.code == 1
    assert ran.err.startswith("nearfar-agent: model 'tiny': ")
    assert ran.err.count("\n") == 1


@pytest.mark.wide
def test_the_module_runs_where_the_command_is_not_installed(desk: Desk) -> None:
    """On a terminal that can write ASCII alone, too."""
    ran = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "doctor", "--config", str(desk.config())],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert b"Signals" in ran.stdout
    assert b"\x1b" not in ran.stdout


@pytest.mark.parametrize("platform", ["win32", "linux"])
def test_whoever_has_stopped_reading_on_windows_has_seen_enough(
    platform: str, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows says of a pipe that nobody reads that an argument is invalid: the command ended with a traceback."""

    class _Pipe(io.FileIO):
        nobody_reads = True

        def write(self, content: Any, /) -> int:  # Any: whatever has bytes
            if self.nobody_reads:
                raise OSError(errno.EINVAL, "Invalid argument")
            return super().write(content)

    with _Pipe(tmp_path / "out", "w") as pipe, io.TextIOWrapper(pipe, write_through=True) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with nullcontext() if platform == "win32" else pytest.raises(OSError, match="Invalid argument"):
            assert main(["doctor", "--config", str(desk.config())], platform=platform) == 0
        pipe.nobody_reads = False


def test_json_is_json_whatever_letters_a_terminal_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it lacked one, an escape was written in its place that JSON does not know."""
    home = Home(tmp_path / "für mich")
    (home.release() / "small.onnx").unlink()
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii"))
    assert main(["doctor", "--config", str(Desk(home).config()), "--json"]) == 1
    (model,) = json.loads(output.getvalue())["models"]
    assert str(home.root) in model["why_not"]


@pytest.mark.wide
def test_telling_how_it_is_called_loads_no_runtime_and_no_transport(tmp_path: Path) -> None:
    probe = (
        "import sys\n"
        "from edge_agent.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*(name for name in ('onnxruntime', 'grpc', 'sklearn', 'onnx', 'rich') if name in sys.modules))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == ""


@pytest.mark.wide
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT can be sent to one process there")
def test_an_interrupt_ends_a_request_that_waits_without_a_traceback(desk: Desk) -> None:
    with FakeCloud({"tiny": FULL_MODEL}, Script(delay_s=math.inf)) as cloud:
        config = desk.config(target(cloud), policy=policy_text("only_in_cloud"))
        asks = ["infer", "tiny", "--config", str(config), "--input", "pixels=[[1, 2, 3, 4]]"]
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_agent.cli", *asks, "--privacy", "public", "--deadline-ms", "60000"],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            eventually(lambda: cloud.calls["ModelInfer"] == 1, within_s=60)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait(30)
    assert (process.returncode, said) == (130, "")


@pytest.mark.wide
def test_a_reader_that_has_seen_enough_is_no_fault(desk: Desk) -> None:
    """It used to end in a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "doctor", "--config", str(desk.config())],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")
