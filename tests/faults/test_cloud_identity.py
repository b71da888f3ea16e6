"""Who may call the service, and over what: real TLS, real tokens, and every way to have neither.

After each refusal the service still answers who is known, and nothing secret is in its log or its metrics."""

from __future__ import annotations

import http.client
import json
import logging
import os
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cloud_service.errors import SettingsError
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.certificates import Authority
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import identity
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository
from tests.builders.tokens import Issuer, bearer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

ISSUER, STRANGER = Issuer(), Issuer()
REQUEST = encode_request("echo", {"x": np.ones(1, np.float32)})
LIVE = pb.ServerLiveRequest()
FITS: dict[str, Any] = {"aud": "nearfar", "iss": "https://issuer.test"}
RENEWED_S = 10
"""A service looks at its files every 2 s."""


@dataclass(frozen=True)
class Pki:
    ours: Authority
    rogue: Authority


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    return Pki(Authority(folder / "ours"), Authority(folder / "rogue"))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return write_repository(tmp_path / "models", {"echo": identity()})


def _token_settings(folder: Path) -> dict[str, Any]:  # Any: settings
    path = folder / "keys.pem"
    path.write_bytes(ISSUER.public_pem)
    return {"token_keys": path, "token_audience": FITS["aud"], "token_issuer": FITS["iss"]}


def _tls_settings(pair: tuple[Path, Path], clients: Authority | None = None) -> dict[str, Any]:
    return {"tls_certificate": pair[0], "tls_key": pair[1]} | (
        {} if clients is None else {"tls_client_ca": clients.file}
    )


@contextmanager
def _channel(
    cloud: RunningCloud, trusted: Authority, identity: tuple[Path, Path] | None = None, *, name: str | None = None
) -> Iterator[Stub]:
    options: list[tuple[str, object]] = [("grpc.use_local_subchannel_pool", 1)]
    if name is not None:
        options.append(("grpc.ssl_target_name_override", name))
    with grpc.secure_channel(cloud.target, trusted.channel(identity), options) as channel:
        yield Stub(channel)


def _told(cloud: RunningCloud, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> str:
    printed = capfd.readouterr()
    return caplog.text + cloud.metrics() + cloud.http("/readyz").body.decode() + printed.out + printed.err


REFUSED_TOKENS: dict[str, Callable[[], tuple[tuple[str, str], ...]]] = {
    "missing": tuple,
    "expired": lambda: bearer(ISSUER.token(**FITS, exp=int(time.time()) - 60)),
    "of_a_stranger": lambda: bearer(STRANGER.token(**FITS)),
    "for_another_service": lambda: bearer(ISSUER.token(**FITS | {"aud": "other"})),
    "alg_none": lambda: bearer(ISSUER.unsigned({"alg": "none"}, **FITS)),
    "two_headers": lambda: bearer(ISSUER.token(**FITS)) * 2,
    "wrong_scheme": lambda: (("authorization", f"Basic {ISSUER.token(**FITS)}"),),
    "huge": lambda: bearer("a" * 12_000),
    "of_another_header": lambda: (("x-authorization", f"Bearer {ISSUER.token(**FITS)}"),),
}


@pytest.mark.parametrize("metadata", [pytest.param(make, id=name) for name, make in REFUSED_TOKENS.items()])
def test_I3_who_brings_no_token_that_counts_is_refused_before_anything_is_parsed(
    tmp_path: Path,
    models: Path,
    metadata: Callable[[], tuple[tuple[str, str], ...]],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_cloud(models, access_log=True, **_token_settings(tmp_path)) as cloud:
        sent = metadata()
        for method in ("ModelInfer", "ServerLive", "ServerMetadata", "ModelMetadata"):
            call = cloud.channel.unary_unary(f"/inference.GRPCInferenceService/{method}", bytes, bytes)
            code, message = refused(partial(call, b"\xff no message", metadata=sent))
            assert (code, message) == (
                Code.UNAUTHENTICATED,
                "this service has to know who calls; send a credential that it takes",
            )
        assert cloud.count("requests_total", method="ModelInfer", code="UNAUTHENTICATED") == 1
        assert cloud.count("refused_total", reason="identity") == 4
        assert cloud.stub.ModelInfer(REQUEST, metadata=bearer(ISSUER.token(**FITS, sub="canary-subject")))
        told = _told(cloud, caplog, capfd)
    assert "canary-subject" not in told
    assert not any(value.removeprefix("Bearer ") in told for _, value in sent)


def test_I3_a_probe_needs_no_token(tmp_path: Path, models: Path) -> None:
    with running_cloud(models, **_token_settings(tmp_path)) as cloud:
        answer = health_pb2_grpc.HealthStub(cloud.channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert cloud.http("/livez").status == cloud.http("/readyz").status == 200


def test_I4_a_revoked_device_is_refused_within_seconds_and_the_others_are_not(tmp_path: Path, models: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("# nobody yet\n")
    with running_cloud(models, revoked=revoked, **_token_settings(tmp_path)) as cloud:
        stolen, other = (bearer(ISSUER.token(**FITS, sub=name)) for name in ("stolen", "other"))
        cloud.stub.ModelInfer(REQUEST, metadata=stolen)
        _replace(revoked, b"stolen\n")
        eventually(lambda: _code(cloud, stolen) is Code.PERMISSION_DENIED, within_s=RENEWED_S)
        assert _code(cloud, other) is None
        assert cloud.count("refused_total", reason="permission") == 1


def test_keys_are_replaced_without_a_restart_and_what_they_vouched_for_ends_with_them(
    tmp_path: Path, models: Path
) -> None:
    settings = _token_settings(tmp_path)
    with running_cloud(models, **settings) as cloud:
        old, new = bearer(ISSUER.token(**FITS)), bearer(STRANGER.token(**FITS))
        assert (_code(cloud, old), _code(cloud, new)) == (None, Code.UNAUTHENTICATED)
        _replace(tmp_path / "keys.pem", STRANGER.public_pem)
        eventually(lambda: _code(cloud, new) is None, within_s=RENEWED_S)
        assert _code(cloud, old) is Code.UNAUTHENTICATED


def test_I5_what_a_request_says_of_its_tenant_changes_nothing(tmp_path: Path, models: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("victim\n")
    request = encode_request("echo", {"x": np.ones(1, np.float32)})
    for name in ("tenant", "sub", "authorization"):
        request.parameters[name].string_param = "victim"
    with running_cloud(models, revoked=revoked, **_token_settings(tmp_path)) as cloud:
        claimed = (("tenant", "victim"), ("x-tenant", "victim"), ("sub", "victim"))
        assert cloud.stub.ModelInfer(request, metadata=bearer(ISSUER.token(**FITS)) + claimed)
        assert refused(lambda: cloud.stub.ModelInfer(request, metadata=claimed))[0] is Code.UNAUTHENTICATED


@dataclass(frozen=True)
class Handshake:
    """What the service shows, and what the client trusts, is, and calls it."""

    served: Callable[[Pki], tuple[Path, Path]] = lambda pki: pki.ours.issue("127.0.0.1")
    identity: Callable[[Pki], tuple[Path, Path] | None] = lambda pki: pki.ours.issue("device.test")
    name: str | None = None
    trusted_by: Callable[[Pki], Authority | None] = lambda pki: pki.ours
    """Whose clients the service answers all the same."""


def _wrong_key(pki: Pki) -> tuple[Path, Path]:
    # Its certificate is public; the key is not.
    return pki.ours.issue("device.test")[0], pki.rogue.issue("device.test")[1]


REFUSED_HANDSHAKES = {
    "A9_service_of_another_authority": Handshake(
        served=lambda pki: pki.rogue.issue("127.0.0.1"), trusted_by=lambda pki: pki.rogue
    ),
    "A9_expired_service": Handshake(
        served=lambda pki: pki.ours.issue("127.0.0.1", expired=True), trusted_by=lambda _: None
    ),
    "A10_service_of_another_name": Handshake(name="other.test"),
    "A11_no_client_certificate": Handshake(identity=lambda _: None),
    "A11_expired_client": Handshake(identity=lambda pki: pki.ours.issue("device.test", expired=True)),
    "A11_client_of_another_authority": Handshake(identity=lambda pki: pki.rogue.issue("device.test")),
    "A11_wrong_key": Handshake(identity=_wrong_key),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in REFUSED_HANDSHAKES.items()])
def test_A9_A10_A11_a_handshake_that_fails_leaves_the_service_as_it_was(
    models: Path, pki: Pki, case: Handshake, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    served, client = case.served(pki), case.identity(pki)
    with running_cloud(models, **_tls_settings(served, pki.ours)) as cloud:
        for _ in range(3):
            with _channel(cloud, pki.ours, client, name=case.name) as stub:
                code, _ = refused(partial(stub.ModelInfer, REQUEST, timeout=5))
                assert code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED)
        assert cloud.count("requests_total", method="ModelInfer", code="OK") == 0
        trusting = case.trusted_by(pki)
        if trusting is not None:
            with _channel(cloud, trusting, pki.ours.issue("device.test")) as stub:
                assert stub.ModelInfer(REQUEST, timeout=5)
        assert cloud.http("/livez").status == 200
        told = _told(cloud, caplog, capfd)
    # Served all the same: it may be the clock. What nobody was told is that it was to blame.
    assert (f"{served[0]} has expired and is served" in told) == (case is REFUSED_HANDSHAKES["A9_expired_service"])
    for key in filter(None, (served[1], client and client[1])):
        assert not any(line in told for line in key.read_text().splitlines() if line)


def test_A12_what_strangers_do_to_a_handshake_writes_nothing_between_the_lines_of_the_log(
    models: Path, pki: Pki
) -> None:
    """gRPC wrote a line of its own for each, in no format, where whoever reads the log expects JSON."""
    certificate, key = map(str, pki.ours.issue("127.0.0.1"))
    flags = ("--tls-certificate", certificate, "--tls-key", key, "--log-format", "json")
    with cloud_process(models, *flags) as cloud:
        for _ in range(3):
            with grpc.insecure_channel(cloud.target) as channel:
                refused(partial(Stub(channel).ServerLive, LIVE, timeout=5))
        cloud.process.terminate()
        assert cloud.process.wait(30) == 0
    assert cloud.log
    assert all(isinstance(json.loads(line), dict) for line in cloud.log)


def test_A12_plaintext_to_a_port_that_speaks_tls_gets_nothing(models: Path, pki: Pki) -> None:
    with running_cloud(models, **_tls_settings(pki.ours.issue("127.0.0.1"))) as cloud:
        with grpc.insecure_channel(cloud.target) as channel:
            code, _ = refused(lambda: Stub(channel).ModelInfer(REQUEST, timeout=5))
        assert code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED)
        with _channel(cloud, pki.ours) as stub:
            assert stub.ModelInfer(REQUEST, timeout=5)


def test_a_certificate_names_its_caller_and_a_token_beside_it_says_more(tmp_path: Path, models: Path, pki: Pki) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("spiffe://test/stolen\ndevice\n")
    settings = _tls_settings(pki.ours.issue("127.0.0.1"), pki.ours) | _token_settings(tmp_path)
    with running_cloud(models, revoked=revoked, **settings) as cloud:
        with _channel(cloud, pki.ours, pki.ours.issue_client(uris=("spiffe://test/stolen",))) as stub:
            assert refused(lambda: stub.ModelInfer(REQUEST, timeout=5))[0] is Code.PERMISSION_DENIED
        with _channel(cloud, pki.ours, pki.ours.issue_client(uris=("spiffe://test/good",))) as stub:
            assert stub.ModelInfer(REQUEST, timeout=5)
            revoked_token = bearer(ISSUER.token(**FITS))
            assert refused(lambda: stub.ModelInfer(REQUEST, timeout=5, metadata=revoked_token))[0] is (
                Code.PERMISSION_DENIED
            )
            assert refused(lambda: stub.ModelInfer(REQUEST, timeout=5, metadata=bearer("wrong")))[0] is (
                Code.UNAUTHENTICATED
            )


def test_rest_knows_callers_by_the_same_certificates_and_tokens(tmp_path: Path, models: Path, pki: Pki) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("spiffe://test/stolen\n")
    settings = _tls_settings(pki.ours.issue("127.0.0.1"), pki.ours) | _token_settings(tmp_path)
    good, stolen = (pki.ours.issue_client(uris=(f"spiffe://test/{name}",)) for name in ("good", "stolen"))
    with running_cloud(models, revoked=revoked, **settings) as cloud:
        assert cloud.app.rest_address is not None
        address = cloud.app.rest_address

        def status(client: tuple[Path, Path] | None, authorization: str | None = None) -> int | None:
            context = ssl.create_default_context(cafile=pki.ours.file)
            if client is not None:
                context.load_cert_chain(*client)
            connection = http.client.HTTPSConnection(address.host, address.port, timeout=10, context=context)
            try:
                headers = {} if authorization is None else {"authorization": authorization}
                connection.request("GET", "/v2/models/echo", headers=headers)
                return connection.getresponse().status
            except OSError:
                return None
            finally:
                connection.close()

        assert status(good) == 200
        assert status(good, f"Bearer {ISSUER.token(**FITS)}") == 200
        assert status(good, f"Bearer {STRANGER.token(**FITS)}") == 401
        assert status(stolen) == 403
        assert status(pki.rogue.issue_client(uris=("spiffe://test/good",))) is None
        assert status(None) is None
        assert status(good) == 200


def test_certificates_are_replaced_while_calls_run_and_a_bad_one_changes_nothing(
    tmp_path: Path, models: Path, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    served = tmp_path / "served.pem", tmp_path / "served.key"
    for source, file in zip(pki.ours.issue("127.0.0.1"), served, strict=True):
        shutil.copy(source, file)
    with running_cloud(models, **_tls_settings(served)) as cloud:
        before = cloud.count("certificate_expires_utc_seconds")
        assert before > time.time()
        failures: list[object] = []
        stop = threading.Event()

        def call_on() -> None:
            with _channel(cloud, pki.ours) as stub:
                while not stop.is_set():
                    try:
                        stub.ModelInfer(REQUEST, timeout=5)
                    except grpc.RpcError as error:
                        failures.append(error)

        caller = threading.Thread(target=call_on)
        caller.start()
        try:
            _replace(served[1], b"no key")
            eventually(lambda: "stays in use" in caplog.text, within_s=RENEWED_S)
            with _channel(cloud, pki.ours) as stub:
                assert stub.ModelInfer(REQUEST, timeout=5)
            for source, file in zip(pki.ours.issue("127.0.0.1", expired=True), served, strict=True):
                _replace(file, source.read_bytes())
            eventually(lambda: "the new certificate has expired" in caplog.text, within_s=RENEWED_S)
            for source, file in zip(pki.rogue.issue("127.0.0.1"), served, strict=True):
                _replace(file, source.read_bytes())

            def renewed() -> bool:
                with _channel(cloud, pki.rogue) as stub:
                    try:
                        return bool(stub.ServerLive(LIVE, timeout=2).live)
                    except grpc.RpcError:
                        return False

            eventually(renewed, within_s=RENEWED_S)
            with _channel(cloud, pki.ours) as stub:
                refused(lambda: stub.ServerLive(LIVE, timeout=2))
        finally:
            stop.set()
            caller.join(10)
        assert not failures
        assert (
            caplog.text.count("stays in use") <= 4
        )  # the key alone, the expired, and perhaps certificates before their keys


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        pytest.param({"tls_certificate": "c.pem"}, "tls_key", id="certificate_without_key"),
        pytest.param({"tls_key": "k.pem"}, "tls_certificate", id="key_without_certificate"),
        pytest.param({"tls_client_ca": "ca.pem"}, "tls_certificate", id="client_authority_without_tls"),
        pytest.param({"token_audience": "nearfar"}, "token_keys", id="audience_without_keys"),
        pytest.param({"token_issuer": "nearfar"}, "token_keys", id="issuer_without_keys"),
        pytest.param({"revoked": "revoked"}, "token_keys", id="revoked_without_identity"),
        pytest.param({"administrators": "ops"}, "token_keys", id="administrators_without_identity"),
        pytest.param({"token_algorithms": "HS256", "token_keys": "k"}, "token_algorithms", id="shared_secret"),
        pytest.param({"token_algorithms": "none", "token_keys": "k"}, "token_algorithms", id="no_signature"),
        pytest.param({"token_keys": "gone.pem"}, "gone.pem cannot be read", id="no_keys"),
        pytest.param({"tls_certificate": "gone.pem", "tls_key": "k"}, "cannot be read", id="no_certificate"),
    ],
)
def test_half_an_identity_is_refused_with_what_to_do(models: Path, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem), running_cloud(models, **settings):
        pass


def _code(cloud: RunningCloud, metadata: tuple[tuple[str, str], ...]) -> Code | None:
    try:
        cloud.stub.ModelInfer(REQUEST, metadata=metadata)
    except grpc.RpcError as error:
        raised = error

        def again() -> None:
            raise raised

        return refused(again)[0]
    return None


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    os.replace(fresh, path)
