"""`nearfar-cloud health` tells with one word and its exit code how a service is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_service.cli import main
from tests.builders.certificates import Authority
from tests.builders.clouds import running_cloud
from tests.builders.onnx_models import identity
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide


def _ask(*flags: str) -> int:
    return main(["health", *flags])


def test_a_service_that_can_answer_is_serving_and_so_is_its_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_cloud(write_repository(tmp_path, {"same": identity()})) as cloud:
        assert _ask("--target", cloud.target) == 0
        assert _ask("--target", cloud.target, "--model", "same") == 0
        assert capsys.readouterr().out == "SERVING\nSERVING\n"
        assert _ask("--target", cloud.target, "--model", "other") == 1
        assert "knows no model 'other'" in capsys.readouterr().err


def test_a_service_with_a_broken_model_is_not_serving(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_cloud(write_repository(tmp_path, {"broken": b"no model"})) as cloud:
        assert _ask("--target", cloud.target) == 1
        assert capsys.readouterr().out == "NOT_SERVING\n"


def test_nobody_there_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask("--target", "127.0.0.1:1", "--timeout-s", "5") == 1
    assert capsys.readouterr().err == (
        "nearfar-cloud: 127.0.0.1:1 does not answer (UNAVAILABLE); check the address, and on both sides whether TLS is "
        "spoken\n"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_without_a_target_it_asks_the_service_of_its_own_environment(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_cloud(write_repository(tmp_path, {"same": identity()})) as cloud:
        monkeypatch.setenv("NEARFAR_CLOUD_GRPC", f"{host}:{cloud.target.rpartition(':')[2]}")
        assert _ask() == 0


def test_a_service_of_its_own_environment_that_speaks_tls_is_asked_on_its_operations_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A container of the image with a certificate was unhealthy for ever: its own check spoke plaintext to it."""
    certificate, key = Authority(tmp_path / "tls").issue("cloud")
    models = write_repository(tmp_path / "models", {"same": identity()})
    monkeypatch.setenv("NEARFAR_CLOUD_TLS_CERTIFICATE", str(certificate))
    with running_cloud(models, tls_certificate=certificate, tls_key=key) as cloud:
        config = tmp_path / "cloud.toml"
        config.write_text(f'http = "0.0.0.0:{cloud.app.http_address.port}"')
        monkeypatch.setenv("NEARFAR_CLOUD_CONFIG", str(config))
        assert _ask() == 0
        assert _ask("--model", "same") == 2
        assert "model: is asked for over TLS; add --ca" in capsys.readouterr().err
    assert _ask() == 1
    assert "does not answer" in capsys.readouterr().err


def test_a_service_that_speaks_tls_and_is_not_ready_is_not_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate, key = Authority(tmp_path / "tls").issue("cloud")
    models = write_repository(tmp_path / "models", {"broken": b"no model"})
    with running_cloud(models, tls_certificate=certificate, tls_key=key) as cloud:
        monkeypatch.setenv("NEARFAR_CLOUD_TLS_CERTIFICATE", str(certificate))
        monkeypatch.setenv("NEARFAR_CLOUD_HTTP", str(cloud.app.http_address))
        assert _ask() == 1
    assert capsys.readouterr().out == "NOT_SERVING\n"


def test_over_tls_it_wants_the_authority_and_its_own_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.issue("cloud")
    settings = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": authority.file}
    ours, our_key = authority.issue_client(common_name="prober")
    with running_cloud(write_repository(tmp_path / "models", {"same": identity()}), **settings) as cloud:
        tls = ("--target", cloud.target, "--ca", str(authority.file), "--server-name", "cloud")
        assert _ask(*tls, "--cert", str(ours), "--key", str(our_key)) == 0
        assert _ask(*tls) == 1
        assert _ask("--target", cloud.target) == 1
    assert capsys.readouterr().out == "SERVING\n"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--target", "nowhere"], "target: 'nowhere' is not HOST:PORT"),
        (["--target", "127.0.0.1:1", "--cert", "c.pem"], "cert: is for TLS; add --ca"),
        (["--target", "127.0.0.1:1", "--ca", "no/such/file"], "ca: no/such/file cannot be read"),
    ],
)
def test_a_wrong_question_is_told_and_not_asked(
    flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ask(*flags) == 2
    assert says in capsys.readouterr().err
