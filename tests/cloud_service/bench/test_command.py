from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cloud_service.cli import main
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.tensors import decode_request
from tests.builders.certificates import Authority
from tests.builders.echo_servers import EchoServer, echo_server
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_KEYS = {
    "throughput_rps",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "errors",
    "errors_by_code",
    "requests",
    "seconds",
    "concurrency",
}
_KEYS |= {"offered_rps", "target", "model"}


@pytest.fixture
def server() -> Iterator[EchoServer]:
    with echo_server() as running:
        yield running


def _bench(server: EchoServer, *flags: str) -> int:
    return main(["bench", "--target", server.target, "--model", "echo", "--seconds", "0.3", "--warm-up", "0", *flags])


def test_it_prints_a_table_and_writes_json(
    server: EchoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert _bench(server, "--concurrency", "2", "--json", str(report)) == 0
    told = json.loads(report.read_text())
    assert set(told) >= _KEYS
    assert told["errors"] == 0
    assert told["throughput_rps"] > 10
    assert 0 < told["p50_ms"] <= told["p95_ms"] <= told["p99_ms"] <= told["max_ms"]
    table = capsys.readouterr().out
    assert all(word in table for word in ("throughput", "p50", "p95", "p99", "max", "errors"))


def test_a_dash_is_standard_output_and_the_table_makes_room(
    server: EchoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a file of that name."""
    monkeypatch.chdir(tmp_path)
    assert _bench(server, "--concurrency", "2", "--json", "-") == 0
    said = capsys.readouterr()
    assert set(json.loads(said.out)) >= _KEYS
    assert "throughput" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", ["--input", "--token-file", "--ca"])
def test_the_report_never_takes_the_place_of_what_is_read(
    server: EchoServer, tmp_path: Path, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` of the very file that `--input` names ended with a report, and without the arrays."""
    np.savez(tmp_path / "given.npz", x=np.ones((1, 4), np.float32))
    given = (tmp_path / "given.npz").read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / "given.npz")
    assert _bench(server, flag, str(tmp_path / "given.npz"), "--json", str(tmp_path / "link")) == 2
    assert "link is what is read" in capsys.readouterr().err
    assert (tmp_path / "given.npz").read_bytes() == given
    assert server.requests == []


def test_a_report_that_cannot_be_written_is_told_before_anything_is_sent(
    server: EchoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (tmp_path, tmp_path / "none" / "report.json"):
        assert _bench(server, "--json", str(place)) == 2
        assert str(place) in capsys.readouterr().err
    assert server.requests == []


def test_requests_are_made_from_the_metadata_and_differ(server: EchoServer) -> None:
    server.datatype, server.shape = "INT64", (-1, 3, -1)
    assert _bench(server, "--rows", "2", "--free", "5", "--version", "7", "--priority", "1") == 0
    sent = [decode_request(request)["x"] for request in server.requests]
    assert {tensor.shape for tensor in sent} == {(2, 3, 5)}
    assert len({tensor.tobytes() for tensor in sent}) > 1
    last = server.requests[-1]
    assert (last.model_name, last.model_version) == ("echo", "7")
    assert last.parameters["priority"].int64_param == 1


def test_given_arrays_are_sent_as_they_are(server: EchoServer, tmp_path: Path) -> None:
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.savez(tmp_path / "given.npz", x=x)
    assert _bench(server, "--input", str(tmp_path / "given.npz")) == 0
    assert np.array_equal(decode_request(server.requests[-1])["x"], x)


def test_processes_share_the_load_and_report_together(server: EchoServer, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    flags = ("--rate", "100", "--arrivals", "constant", "--processes", "2", "--json", str(report))
    assert _bench(server, *flags) == 0
    assert json.loads(report.read_text())["requests"] == 30


def test_a_token_goes_with_every_call(server: EchoServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc.def\n", encoding="ascii")
    assert _bench(server, "--token-file", str(tmp_path / "token")) == 0
    assert {metadata["authorization"] for metadata in server.metadata} == {"Bearer abc.def"}


def test_both_sides_can_say_who_they_are(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("client.test")
    flags = ["--ca", str(authority.file), "--cert", str(certificate), "--key", str(key)]
    with echo_server(authority.server("127.0.0.1", clients=authority)) as server:
        assert _bench(server, *flags) == 0
        assert _bench(server, *flags[:2]) == 1
        assert _bench(server) == 1


@pytest.mark.parametrize(
    ("flags", "code", "named"),
    [
        pytest.param(["--target", "127.0.0.1:9"], 1, "cannot reach 127.0.0.1:9", id="nobody there"),
        pytest.param(["--model", "other"], 1, "NOT_FOUND", id="unknown model"),
        pytest.param(["--ca", "none.pem"], 1, "none.pem", id="no such file"),
        pytest.param(["--input", "none.npz"], 1, "none.npz", id="no such input"),
        pytest.param(["--target", "192.0.2.1:9"], 2, "--beyond-loopback", id="another machine"),
        pytest.param(["--processes", "64"], 2, "--concurrency", id="more processes than callers"),
        pytest.param(["--cert", "a.pem"], 2, "--key", id="half an identity"),
        pytest.param(["--input", "a.npz", "--rows", "2"], 2, "--rows", id="rows of what is given"),
        pytest.param(
            ["--target", "192.0.2.1:9", "--beyond-loopback", "--token-file", __file__], 2, "token", id="no token"
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    server: EchoServer, flags: list[str], code: int, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _bench(server, *flags) == code
    captured = capsys.readouterr()
    assert named in captured.err
    assert captured.err.startswith("nearfar-cloud: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize(
    ("datatype", "shape", "named"),
    [
        pytest.param("BF16", (-1, 4), "BF16", id="datatype"),
        pytest.param("FP32", (1 << 20, 1 << 20), "--input", id="size"),
    ],
)
def test_metadata_that_no_input_can_be_made_from_is_one_line(
    server: EchoServer, datatype: str, shape: tuple[int, ...], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.datatype, server.shape = datatype, shape
    assert _bench(server) == 1
    assert named in capsys.readouterr().err


def test_a_server_that_answers_something_else_is_not_measured(
    server: EchoServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answer = lambda request, _context: pb.ModelInferResponse(model_name=request.model_name)
    assert _bench(server) == 1
    assert "promises" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt goes to the whole console there")
def test_an_interrupt_prints_what_was_measured(server: EchoServer) -> None:
    command = [sys.executable, "-m", "cloud_service.cli", "bench", "--target", server.target, "--model", "echo"]
    with subprocess.Popen(
        [*command, "--seconds", "60", "--warm-up", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        try:
            eventually(lambda: len(server.requests) > 50, within_s=30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "interrupted" in out
    assert err == ""
