"""What the service must not tell: not to the caller, not in a log, not in a metric."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.backends import EchoBackend, RaisingBackend
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import adder, gather, identity
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide

_CANARY = "canary7f3a"
_X = {"x": np.ones(1, np.float32)}


def test_B13_an_error_nobody_expected_is_an_incidents_id_to_the_caller_and_classes_and_lines_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    write_repository(tmp_path, {"raising": b""})
    with running_cloud(tmp_path, open_backend=lambda _, __: RaisingBackend(ValueError(_CANARY))) as cloud:
        code, message = refused(lambda: cloud.stub.ModelInfer(encode_request("raising", _X)))
        metrics = cloud.metrics() + cloud.http("/readyz").body.decode()
    told = capfd.readouterr()
    assert code is Code.INTERNAL
    incident = re.search(r"incident ([0-9a-f]{16})$", message)
    assert incident is not None
    assert incident[1] in caplog.text
    assert "ValueError at backends.py:" in caplog.text
    assert _CANARY not in message + caplog.text + metrics + told.out + told.err


def test_B13_an_error_while_loading_keeps_its_text_to_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: bytes, __: object) -> EchoBackend:
        raise ValueError(_CANARY)

    write_repository(tmp_path, {"raising": b""})
    with running_cloud(tmp_path, open_backend=fail) as cloud:
        ready = cloud.http("/readyz")
    assert b"incident" in ready.body
    assert _CANARY not in ready.body.decode() + caplog.text


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda c: c.stub.ModelInfer(encode_request(_CANARY, _X)), id="model"),
        pytest.param(lambda c: c.stub.ModelInfer(encode_request("echo", _X, version=_CANARY)), id="version"),
        pytest.param(lambda c: c.stub.ModelInfer(encode_request("echo", {_CANARY: _X["x"]})), id="input's name"),
        pytest.param(lambda c: c.stub.ModelInfer(encode_request("echo", _X, outputs=[_CANARY])), id="output's name"),
        pytest.param(lambda c: c.stub.ModelInfer(encode_request("echo", _X, request_id=_CANARY * 99)), id="id"),
        pytest.param(
            lambda c: c.stub.ModelInfer(
                encode_request("adder", {"left": np.ones(2, np.float32), "right": np.ones(3, np.float32)}),
                metadata=[("x-note", _CANARY)],
            ),
            id="metadata of a call that fails",
        ),
        pytest.param(
            lambda c: c.stub.ModelInfer(encode_request("adder", {"left": np.ones(2), "right": np.ones(3)})), id="value"
        ),
        pytest.param(
            lambda c: c.channel.unary_unary(f"/{_CANARY}/{_CANARY}", bytes, bytes)(_CANARY.encode()), id="method"
        ),
    ],
)
def test_G2_what_a_caller_writes_is_in_no_log_and_no_metric(
    tmp_path: Path,
    call: Callable[[RunningCloud], object],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    write_repository(tmp_path, {"echo": identity(), "adder": adder()})
    with running_cloud(tmp_path) as cloud:
        refused(lambda: call(cloud))
        metrics = cloud.metrics() + cloud.http("/readyz").body.decode()
    told = capfd.readouterr()
    assert _CANARY not in caplog.text + metrics + told.out + told.err


def test_G2_a_tensors_value_is_not_even_told_to_its_sender(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_cloud(write_repository(tmp_path, {"gather": gather()})) as cloud:
        _, message = refused(lambda: cloud.stub.ModelInfer(encode_request("gather", {"x": np.array([987654321])})))
    told = capfd.readouterr()
    assert "987654321" not in message + caplog.text + told.out + told.err


def test_G4_ten_thousand_names_make_no_new_time_series(tmp_path: Path) -> None:
    def series(cloud: RunningCloud) -> set[str]:
        return {line.rsplit(" ", 1)[0] for line in cloud.metrics().splitlines()}

    with running_cloud(write_repository(tmp_path, {"echo": identity()})) as cloud:
        refused(lambda: cloud.stub.ModelInfer(encode_request("first", _X)))
        before = series(cloud)
        for i in range(200):
            refused(partial(cloud.stub.ModelInfer, encode_request(f"model-{i}", _X, version=str(i))))
        assert series(cloud) == before


def test_G5_the_port_for_inference_has_no_metrics_and_no_reflection(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"echo": identity()})) as cloud:
        for path in (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            "/grpc.channelz.v1.Channelz/GetServers",
        ):
            call = cloud.channel.unary_unary(path, bytes, bytes)
            assert refused(partial(call, b""))[0] is Code.UNIMPLEMENTED
        assert cloud.app.grpc_address.port != cloud.app.http_address.port
        assert cloud.http("/debug").status == 404
