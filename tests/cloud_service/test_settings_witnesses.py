"""Every setting does something: for each there is a test that shows what, here or where the table says."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import grpc
import numpy as np
import pytest

from cloud_service.admission.opening import open_gate
from cloud_service.admission.tenants import Tenants
from cloud_service.config import Settings, read_settings
from cloud_service.errors import Overloaded, SettingsError
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.backends import HeldBackend
from tests.builders.clouds import refused, running_cloud
from tests.builders.onnx_models import identity
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository
from tests.builders.tokens import Issuer, bearer
from tests.builders.waiting import eventually

_TESTS = Path(__file__).parents[1]
_HERE = "cloud_service/test_settings_witnesses.py"
_CONFIG, _CLI = "cloud_service/test_cloud_config.py", "cloud_service/test_cloud_cli.py"
_IDENTITY, _OVERLOAD = "faults/test_cloud_identity.py", "faults/test_cloud_overload.py"

_WITNESSES = {
    "models": (_CLI, "test_it_prints_where_it_serves_once_the_models_answer"),
    "grpc": (_CLI, "test_an_address_in_use_is_one_line_and_exit_code_1"),
    "rest": (_HERE, "test_rest_can_be_switched_off"),
    "http": (_CLI, "test_an_address_in_use_is_one_line_and_exit_code_1"),
    "plaintext_beyond_loopback": (_CONFIG, "test_plaintext_beyond_loopback_has_to_be_asked_for_in_so_many_words"),
    "operations_beyond_loopback": (_CONFIG, "test_plaintext_beyond_loopback_has_to_be_asked_for_in_so_many_words"),
    "tls_certificate": (_IDENTITY, "test_A9_A10_A11_a_handshake_that_fails_leaves_the_service_as_it_was"),
    "tls_key": (_IDENTITY, "test_A9_A10_A11_a_handshake_that_fails_leaves_the_service_as_it_was"),
    "tls_client_ca": (_IDENTITY, "test_a_certificate_names_its_caller_and_a_token_beside_it_says_more"),
    "token_keys": (_IDENTITY, "test_I3_who_brings_no_token_that_counts_is_refused_before_anything_is_parsed"),
    "token_algorithms": (_HERE, "test_a_token_s_algorithm_audience_and_issuer_are_what_the_settings_say"),
    "token_audience": (_HERE, "test_a_token_s_algorithm_audience_and_issuer_are_what_the_settings_say"),
    "token_issuer": (_HERE, "test_a_token_s_algorithm_audience_and_issuer_are_what_the_settings_say"),
    "token_tenant_claim": (_HERE, "test_the_tenant_is_the_claim_s_and_has_what_the_document_says"),
    "administrators": (_HERE, "test_administrators_are_those_who_are_named"),
    "admin_token": ("strangers/test_strangers.py", "test_tritonclient_infers_on_our_service_over_rest"),
    "revoked": (_IDENTITY, "test_I4_a_revoked_device_is_refused_within_seconds_and_the_others_are_not"),
    "tenants": (_HERE, "test_the_tenant_is_the_claim_s_and_has_what_the_document_says"),
    "processes": ("faults/test_cloud_processes.py", "test_calls_reach_every_process_and_one_port_tells_of_all"),
    "threads": (_HERE, "test_so_many_runs_go_on_at_once_as_there_are_threads"),
    "max_in_flight": (_OVERLOAD, "test_B15_calls_over_the_limit_are_refused_at_once_and_the_others_answered"),
    "max_message_bytes": ("faults/test_cloud_inputs.py", "test_B11_a_request_over_the_limit_is_too_large"),
    "longest_call_s": (_OVERLOAD, "test_a_call_without_a_deadline_ends_when_the_service_says"),
    "drain_s": (
        "faults/test_cloud_life.py",
        "test_B7_what_does_not_end_in_time_is_cut_off_and_the_service_ends_all_the_same",
    ),
    "batching": (_HERE, "test_without_batching_every_call_runs_alone"),
    "queue_target_ms": (_HERE, "test_calls_may_wait_as_long_as_the_target_says_before_fewer_are_let_in"),
    "poll_s": (_HERE, "test_a_repository_is_looked_at_again_where_the_settings_say_so"),
    "memory_limit_bytes": ("faults/test_cloud_repository.py", "test_a_model_without_room_comes_when_it_is_called"),
    "log_format": (_HERE, "test_the_log_has_the_form_the_level_and_the_calls_that_were_asked_for"),
    "log_level": (_HERE, "test_the_log_has_the_form_the_level_and_the_calls_that_were_asked_for"),
    "access_log": (_HERE, "test_the_log_has_the_form_the_level_and_the_calls_that_were_asked_for"),
}
_X = {"x": np.ones(1, np.float32)}
_ECHO = encode_request("echo", _X)


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_a_setting_has_a_test_that_shows_what_it_does(setting: str) -> None:
    path, name = _WITNESSES[setting]
    tree = ast.parse((_TESTS / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_no_witness_is_of_a_setting_that_is_gone() -> None:
    assert set(_WITNESSES) == set(Settings.model_fields)


def test_calls_may_wait_as_long_as_the_target_says_before_fewer_are_let_in() -> None:
    def let_in(target_ms: float) -> int:
        settings = read_settings({"models": "m", "threads": 1, "max_in_flight": 64, "queue_target_ms": target_ms})
        gate, now = open_gate(settings, Tenants()), 0.0
        for _ in range(300):  # 20 callers wait 0.2 s for a run of 10 ms, again and again
            tickets = []
            for _ in range(20):
                try:
                    tickets.append(gate.enter("m", "", 0, now))
                except Overloaded:
                    break
            now += 0.2
            for ticket in tickets:
                gate.leave(ticket, 0.01 * len(tickets), 0.01, now)
        return gate.room("m", now)[0]

    assert let_in(50) < let_in(1000) / 2


@pytest.mark.wide
def test_rest_can_be_switched_off(tmp_path: Path) -> None:
    models = write_repository(tmp_path, {"echo": identity()})
    with running_cloud(models) as cloud:
        assert cloud.app.rest_address is not None
    with running_cloud(models, rest="off") as cloud:
        assert cloud.app.rest_address is None


@pytest.mark.wide
@pytest.mark.parametrize("threads", [1, 3])
def test_so_many_runs_go_on_at_once_as_there_are_threads(tmp_path: Path, threads: int) -> None:
    held = HeldBackend()
    write_repository(tmp_path, {"held": b""})
    with running_cloud(tmp_path, open_backend=lambda _, __: held, threads=threads, batching=False) as cloud:
        calls = [cloud.stub.ModelInfer.future(encode_request("held", _X)) for _ in range(6)]
        eventually(lambda: cloud.count("requests_in_flight") == 6 and held.running == threads)
        held.go.set()
        assert [call.result(10).model_name for call in calls] == ["held"] * 6


@pytest.mark.wide
@pytest.mark.parametrize("batching", [True, False])
def test_without_batching_every_call_runs_alone(tmp_path: Path, batching: bool) -> None:
    held = HeldBackend()
    write_repository(tmp_path, {"held": b""})
    (tmp_path / "held" / "serving.toml").write_text("[batching]\nmax_batch = 8\n")
    with running_cloud(tmp_path, open_backend=lambda _, __: held, threads=1, batching=batching) as cloud:
        calls = [cloud.stub.ModelInfer.future(encode_request("held", _X)) for _ in range(6)]
        eventually(lambda: cloud.count("model_in_flight", model="held") == 6 and held.running == 1)
        held.go.set()
        assert [call.result(10).model_name for call in calls] == ["held"] * 6
        alone = cloud.count("batch_rows_bucket", model="held", le="1.0")
    assert (alone < 6) is batching


@pytest.mark.wide
def test_a_repository_is_looked_at_again_where_the_settings_say_so(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    with running_cloud(tmp_path, poll_s=0.05) as cloud:
        write_repository(tmp_path, {"later": identity()})
        eventually(lambda: cloud.count("model_ready", model="later", version="1") == 1)


@pytest.mark.wide
def test_a_token_s_algorithm_audience_and_issuer_are_what_the_settings_say(tmp_path: Path) -> None:
    issuer = Issuer()
    keys = tmp_path / "keys.pem"
    keys.write_bytes(issuer.public_pem)
    models = write_repository(tmp_path / "models", {"echo": identity()})
    token = issuer.token(aud="nearfar", iss="https://issuer.test")
    fits = {"token_keys": keys, "token_audience": "nearfar", "token_issuer": "https://issuer.test"}
    with running_cloud(models, **fits, token_algorithms="EdDSA") as cloud:
        assert cloud.stub.ModelInfer(_ECHO, metadata=bearer(token)).model_name == "echo"
    for other in ({"token_audience": "other"}, {"token_issuer": "other"}):
        with running_cloud(models, **fits | other) as cloud:
            call = cloud.stub.ModelInfer
            assert refused(lambda call=call: call(_ECHO, metadata=bearer(token)))[0] is Code.UNAUTHENTICATED, other
    with (
        pytest.raises(SettingsError, match="no public key for ES256"),
        running_cloud(models, **fits, token_algorithms="ES256"),
    ):
        pass


@pytest.mark.wide
def test_the_tenant_is_the_claim_s_and_has_what_the_document_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "cloud_service.access")
    issuer = Issuer()
    keys, tenants = tmp_path / "keys.pem", tmp_path / "tenants.toml"
    keys.write_bytes(issuer.public_pem)
    tenants.write_text("[tenants.acme]\nrequests_per_s = 0.001\nburst = 1\n")
    models = write_repository(tmp_path / "models", {"echo": identity()})
    settings = {"token_keys": keys, "token_tenant_claim": "org", "tenants": tenants, "access_log": True}
    with running_cloud(models, **settings) as cloud:

        def infer(org: str) -> object:
            return cloud.stub.ModelInfer(_ECHO, metadata=bearer(issuer.token(org=org, tenant="other")))

        assert infer("acme")
        assert refused(lambda: infer("acme"))[0] is Code.OVERLOADED
        assert infer("another")
    lines = [record.fields for record in caplog.records]  # type: ignore[attr-defined]  # what `extra` set
    assert [line.get("tenant") for line in lines] == ["acme", "acme", None]


@pytest.mark.wide
def test_administrators_are_those_who_are_named(tmp_path: Path) -> None:
    issuer = Issuer()
    keys = tmp_path / "keys.pem"
    keys.write_bytes(issuer.public_pem)
    models = write_repository(tmp_path / "models", {"echo": identity()})
    with running_cloud(models, token_keys=keys, administrators="ops,more") as cloud:
        unload = cloud.channel.unary_unary("/inference.GRPCInferenceService/RepositoryModelUnload", bytes, bytes)
        name = b"\x12\x04echo"
        code, _ = refused(lambda: unload(name, metadata=bearer(issuer.token(sub="app"))))
        assert code is Code.PERMISSION_DENIED
        unload(name, metadata=bearer(issuer.token(sub="ops")))
        assert refused(lambda: cloud.stub.ModelInfer(_ECHO, metadata=bearer(issuer.token(sub="app"))))[0] in (
            Code.MODEL_NOT_READY,
            Code.MODEL_NOT_FOUND,
        )


@pytest.mark.wide
def test_the_log_has_the_form_the_level_and_the_calls_that_were_asked_for(tmp_path: Path) -> None:
    write_repository(tmp_path, {"echo": identity()})
    trace = "0af7651916cd43dd8448eb211c80319c"

    def logged(*flags: str) -> list[str]:
        with cloud_process(tmp_path, *flags) as cloud, grpc.insecure_channel(cloud.target) as channel:
            Stub(channel).ModelInfer(_ECHO, metadata=[("traceparent", f"00-{trace}-b7ad6b7169203331-01")])
            cloud.process.terminate()
            cloud.process.wait(30)
        return cloud.log

    lines = [json.loads(line) for line in logged("--log-format", "json", "--access-log")]
    (call,) = [line for line in lines if line["logger"] == "cloud_service.access"]
    assert (call["method"], call["code"], call["model"], call["version"]) == ("ModelInfer", "OK", "echo", "1")
    assert call["trace_id"] == trace
    assert any("is ready" in line["message"] for line in lines)
    text = logged("--access-log")
    assert any("method=ModelInfer code=OK" in line and trace in line for line in text)
    assert logged("--access-log", "--log-level", "warning") == []
    assert not any("ModelInfer" in line for line in logged())
