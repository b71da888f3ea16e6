"""One side cannot prove who it is: real certificates, over a link that counts what was written.

gRPC calls most of these UNAVAILABLE, the word for a server that is down, which would be tried again elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from edge_agent import AllTargetsFailed, ConfigError, RemoteConfig, SignalsConfig, TlsConfig
from edge_agent.testing import CloudModel, FakeCloud
from router.types import BreakerPhase
from tests.builders.certificates import Authority
from tests.builders.scenes import Scene, X, answering

pytestmark = pytest.mark.wide

LARGE = {"x": np.ones((20_000, 4), np.float32)}
HANDSHAKE_BYTES = 16_384
"""More than a handshake or two take, and far less than the large request."""


@dataclass(frozen=True)
class Pki:
    """Two authorities; the cloud belongs to ours."""

    ours: Authority
    rogue: Authority

    @property
    def device(self) -> tuple[Path, Path]:
        return self.ours.issue("device.test")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    return Pki(Authority(folder / "ours"), Authority(folder / "rogue"))


@dataclass(frozen=True)
class Case:
    """How the server is set up, and how the agent is."""

    server: Callable[[Pki], grpc.ServerCredentials | None]
    agent: Callable[[Pki], TlsConfig | None]


FINE = {
    "own_authority": Case(lambda pki: pki.ours.server("127.0.0.1"), lambda pki: pki.ours.tls()),
    "other_name": Case(lambda pki: pki.ours.server("cloud.test"), lambda pki: pki.ours.tls(server_name="cloud.test")),
    "mutual": Case(lambda pki: pki.ours.server("127.0.0.1", clients=pki.ours), lambda pki: pki.ours.tls(pki.device)),
}
REFUSED = {
    "A9_rogue_authority": Case(lambda pki: pki.rogue.server("127.0.0.1"), lambda pki: pki.ours.tls()),
    "A9_unknown_to_the_system": Case(lambda pki: pki.ours.server("127.0.0.1"), lambda _: TlsConfig()),
    "A9_expired_server": Case(lambda pki: pki.ours.server("127.0.0.1", expired=True), lambda pki: pki.ours.tls()),
    "A10_host_name": Case(lambda pki: pki.ours.server("other.test"), lambda pki: pki.ours.tls()),
    "A10_server_name": Case(
        lambda pki: pki.ours.server("127.0.0.1"), lambda pki: pki.ours.tls(server_name="cloud.test")
    ),
    "A11_no_client_certificate": Case(
        lambda pki: pki.ours.server("127.0.0.1", clients=pki.ours), lambda pki: pki.ours.tls()
    ),
    "A11_expired_client_certificate": Case(
        lambda pki: pki.ours.server("127.0.0.1", clients=pki.ours),
        lambda pki: pki.ours.tls(pki.ours.issue("device.test", expired=True)),
    ),
    "A11_client_of_another_authority": Case(
        lambda pki: pki.ours.server("127.0.0.1", clients=pki.ours),
        lambda pki: pki.ours.tls(pki.rogue.issue("device.test")),
    ),
    "plaintext_to_a_tls_port": Case(lambda pki: pki.ours.server("127.0.0.1"), lambda _: None),
    "tls_to_a_plaintext_port": Case(lambda _: None, lambda pki: pki.ours.tls()),
}
UNPROBED = SignalsConfig(round_trip_s=15)  # the first look comes before the first request, the next one too late


def _table(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in cases.items()])


@_table(FINE)
def test_who_proves_itself_is_answered(tmp_path: Path, pki: Pki, case: Case) -> None:
    with (
        Scene(tmp_path, credentials=case.server(pki)) as scene,
        scene.agent(tls=case.agent(pki), signals=UNPROBED) as watched,
    ):
        for _ in range(3):
            assert watched.infer("tiny", X).target == "cloud"
        assert scene.link.connections == 1


@_table(REFUSED)
def test_A9_A10_A11_the_device_answers_and_nothing_of_the_request_is_written(
    tmp_path: Path, pki: Pki, case: Case
) -> None:
    registry = CollectorRegistry()
    with (
        Scene(tmp_path, credentials=case.server(pki)) as scene,
        scene.agent(tls=case.agent(pki), signals=UNPROBED, registry=registry) as watched,
    ):
        result = watched.infer("tiny", LARGE, deadline_ms=5000)
        assert result.target == "device"
        assert [(f.target, f.code, f.security) for f in result.receipt.failures] == [("cloud", "SECURITY_ERROR", True)]
        assert scene.link.bytes_up < HANDSHAKE_BYTES
        assert not result.receipt.sent
        assert not scene.cloud.calls
        # The connection that failed, the one that asked why, and on a slow machine one that gRPC tried again by itself.
        assert scene.link.connections <= 3
        counted = registry.get_sample_value("nearfar_security_failures_total", {"target": "cloud"})
        assert counted == watched.agent.core.metrics.totals()["security_failures"] == 1


@_table(REFUSED)
def test_A11_it_is_no_outage_and_no_other_endpoint_is_asked_instead(tmp_path: Path, pki: Pki, case: Case) -> None:
    rules = "[targets.fog]\nusd_per_request = 100.0\n"  # so that the cloud stands first
    with (
        FakeCloud({"tiny": CloudModel(answering(0.2, 0.7, 0.1))}) as fog,
        Scene(tmp_path, credentials=case.server(pki)) as scene,
    ):
        targets = {"cloud": scene.remote(tls=case.agent(pki)), "fog": RemoteConfig(address=fog.address)}
        with scene.agent("prefer_in_cloud", rules=rules, targets=targets, signals=UNPROBED) as watched:
            for _ in range(6):  # more than open a breaker
                result = watched.infer("tiny", X, deadline_ms=5000)
                assert result.decision.plan is not None
                assert [leg.target for leg in result.decision.plan.legs] == ["cloud", "fog", "device"]
                assert (result.target, result.receipt.failures[0].code) == ("device", "SECURITY_ERROR")
            assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED
        assert not fog.calls


@_table(REFUSED)
def test_an_error_tells_the_operator_what_to_look_at_and_holds_no_key(tmp_path: Path, pki: Pki, case: Case) -> None:
    tls = case.agent(pki)
    with (
        Scene(tmp_path, credentials=case.server(pki)) as scene,
        scene.agent("only_in_cloud", tls=tls, signals=UNPROBED) as watched,
        pytest.raises(AllTargetsFailed, match=r"cloud: SECURITY_ERROR \(.*check .*tls") as caught,
    ):
        watched.infer("tiny", X, deadline_ms=5000)
    if tls is not None and tls.key is not None:
        assert not any(line in str(caught.value) for line in tls.key.read_text().splitlines())


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        pytest.param(lambda tls, _: tls.model_copy(update={"ca": Path("gone.pem")}), "gone.pem", id="no_authority"),
        pytest.param(lambda tls, _: tls.model_copy(update={"key": Path("gone.key")}), "gone.key", id="no_key"),
        pytest.param(
            lambda tls, other: tls.model_copy(update={"key": other[1]}), "KEY_VALUES_MISMATCH", id="wrong_key"
        ),
        pytest.param(lambda tls, _: tls.model_copy(update={"certificate": tls.key}), "PEM", id="key_for_certificate"),
        pytest.param(lambda tls, _: tls.model_copy(update={"ca": tls.key}), "PEM", id="key_for_authority"),
    ],
)
def test_A11_tls_files_that_do_not_go_together_are_told_before_anything_runs(
    scene: Scene, pki: Pki, spoil: Callable[[TlsConfig, tuple[Path, Path]], TlsConfig], problem: str
) -> None:
    tls = spoil(pki.ours.tls(pki.device), pki.device)
    with pytest.raises(ConfigError, match=problem) as caught, scene.agent(tls=tls):
        pass
    assert caught.value.path.startswith("targets.cloud.tls")
    assert "PRIVATE KEY" not in str(caught.value)
    assert scene.link.connections == 0
