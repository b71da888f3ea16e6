from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cloud_service.cli import main
from tests.builders.onnx_models import identity
from tests.builders.processes import ANY_PORTS, cloud_process
from tests.builders.repositories import write_repository


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["train"], id="unknown command"),
        pytest.param(["serve", "--models", "m", "--prot", "1"], id="unknown flag"),
        pytest.param(["serve", "--models", "m", "--thread", "1"], id="a part of a flag's name"),
    ],
)
def test_a_call_that_argparse_refuses_is_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert _lines(capsys) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--models", ""], "models: "),
        (["--grpc", "8001"], "grpc: "),
        (["--grpc", "0.0.0.0:8001"], "--plaintext-beyond-loopback"),
        (["--http", "0.0.0.0:8001"], "--operations-beyond-loopback"),
        (["--drain-s", "nan"], "drain_s: "),
        (["--threads", "none"], "threads: "),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_and_exit_code_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--models", "m", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("nearfar-cloud: ")
    assert named in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_missing_repository_is_one_line_and_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--models", str(tmp_path / "none"), *ANY_PORTS]) == 1
    assert _lines(capsys) == 1


@pytest.mark.wide
@pytest.mark.parametrize("port", ["grpc", "http"])  # rest: as soon as it is served
def test_an_address_in_use_is_one_line_and_exit_code_1(
    tmp_path: Path, port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["serve", "--models", str(tmp_path), *ANY_PORTS, f"--{port}", address]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"nearfar-cloud: cannot listen on {address}")


@pytest.mark.wide
def test_it_prints_where_it_serves_once_the_models_answer(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with cloud_process(tmp_path) as cloud:
        assert cloud.http("/readyz").status == 200
        assert cloud.lines[0].startswith("grpc 127.0.0.1:")
        assert cloud.lines[1].startswith("http 127.0.0.1:")


@pytest.mark.wide
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
def test_it_serves_although_nobody_reads_where(tmp_path: Path) -> None:
    """A closed pipe ended the service with a traceback."""
    write_repository(tmp_path, {"echo": identity()})
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "cloud_service.cli", "serve", "--models", str(tmp_path)]
    with subprocess.Popen(
        [*command, *ANY_PORTS],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        os.close(writing)
        assert process.stderr is not None
        try:
            log = [next(line for line in process.stderr if "nobody is told" in line)]
            process.terminate()
            log += process.stderr
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert len(log) == 1, log


def _lines(capsys: pytest.CaptureFixture[str]) -> int:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.count("\n")


def test_without_its_extra_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It used to end in a traceback, --help too."""
    monkeypatch.setattr("cloud_service.cli.command.find_spec", lambda _: None)
    assert main(["serve", "--models", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "pip install 'nearfar[cloud]'" in told
    assert told.count("\n") == 1


@pytest.mark.wide
def test_the_command_loads_nothing_of_its_extra_before_it_serves() -> None:
    code = "import cloud_service.cli, sys; sys.exit('grpc_health' in sys.modules)"
    path = os.pathsep.join(sys.path)
    ran = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, check=False)
    assert ran.returncode == 0
