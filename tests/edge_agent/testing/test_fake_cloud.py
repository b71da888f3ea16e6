"""The fake cloud, seen through a plain channel and through an agent that it answers, fails and lies to."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import trustme

from edge_agent import Agent, AllTargetsFailed, DeadlineExceeded
from edge_agent.testing import (
    LIES,
    CloudModel,
    FakeCloud,
    FakeRuntime,
    Lie,
    Script,
    fake_agent,
    fake_release,
    huge,
)
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Stub
from nearfar_wire.status import Code, code_from_status
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, decode_response, encode_request
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_X = {"x": np.ones((1, 4), np.float32)}
_FULL = CloudModel({"probabilities": [[0.1, 0.2, 0.7]]})
_BOUND_S = 10


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud({"tiny": _FULL}) as started:
        yield started


@pytest.fixture
def stub(cloud: FakeCloud) -> Iterator[Stub]:
    with grpc.insecure_channel(cloud.address) as channel:
        yield Stub(channel)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text('schema = 1\nname = "remote-first"\nversion = 1\nmode = "prefer_in_cloud"\n')
    return path


@pytest.fixture
def agent(cloud: FakeCloud, policy: Path) -> Iterator[Agent]:
    """An agent that has nothing but the fake cloud."""
    with fake_agent(fake_release(), targets={"cloud": {"address": cloud.address}}, policy=policy) as started:
        yield started


def _infer(stub: Stub, model: str = "tiny", **fields: str) -> pb.ModelInferResponse:
    response: pb.ModelInferResponse = stub.ModelInfer(encode_request(model, _X, **fields), timeout=_BOUND_S)
    return response


# -- a server that behaves ---------------------------------------------------------------------------------------------


def test_it_answers_as_a_service_of_ours_does(cloud: FakeCloud, stub: Stub) -> None:
    response = _infer(stub, request_id="r-1")
    assert decode_response(response)["probabilities"].tolist() == [pytest.approx([0.1, 0.2, 0.7])]
    assert (response.id, response.model_name, response.model_version) == ("r-1", "tiny", "1")
    assert response.parameters[MODEL_DIGEST_PARAMETER].string_param == _FULL.digest
    assert (cloud.calls["ModelInfer"], cloud.last_request_id) == (1, "r-1")


def test_it_is_live_and_ready(cloud: FakeCloud, stub: Stub) -> None:
    assert stub.ServerLive(pb.ServerLiveRequest(), timeout=_BOUND_S).live
    assert stub.ServerReady(pb.ServerReadyRequest(), timeout=_BOUND_S).ready
    assert cloud.calls == {"ServerLive": 1, "ServerReady": 1}


def test_a_models_readiness_is_what_the_test_says_now(cloud: FakeCloud, stub: Stub) -> None:
    asked = pb.ModelReadyRequest(name="tiny", version="1")
    assert stub.ModelReady(asked, timeout=_BOUND_S).ready
    cloud.models["tiny"] = CloudModel(_FULL.answer, ready=False)
    assert not stub.ModelReady(asked, timeout=_BOUND_S).ready


@pytest.mark.parametrize("fields", [{"model": "big"}, {"version": "2"}], ids=["model", "version"])
def test_a_model_or_version_it_does_not_have_is_not_found(stub: Stub, fields: dict[str, str]) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        _infer(stub, **fields)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_request_that_is_none_is_refused(stub: Stub) -> None:
    request = encode_request("tiny", _X)
    request.inputs[0].shape[0] = 7
    with pytest.raises(grpc.RpcError) as raised:
        stub.ModelInfer(request, timeout=_BOUND_S)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_it_computes_where_the_answer_is_a_function(cloud: FakeCloud, stub: Stub) -> None:
    cloud.models["tiny"] = CloudModel(lambda inputs: {"sum": inputs["x"].sum(axis=1)})
    assert decode_response(_infer(stub))["sum"].tolist() == [4.0]


def test_a_model_without_a_digest_does_not_say_what_it_is(cloud: FakeCloud, agent: Agent) -> None:
    cloud.models["tiny"] = CloudModel(_FULL.answer, digest=None)
    assert agent.infer("tiny", _X, privacy="public").receipt.model_digest is None


# -- a server that fails -----------------------------------------------------------------------------------------------


def test_it_fails_with_status_details_and_trailing_metadata(cloud: FakeCloud, stub: Stub) -> None:
    cloud.script = Script(
        fails=grpc.StatusCode.RESOURCE_EXHAUSTED, details="come back", trailing=(("grpc-retry-pushback-ms", "2000"),)
    )
    with pytest.raises(grpc.RpcError) as raised:
        _infer(stub)
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "come back")
    assert ("grpc-retry-pushback-ms", "2000") in raised.value.trailing_metadata()


@pytest.mark.parametrize("code", list(Code))
def test_a_code_travels_as_our_services_send_it(cloud: FakeCloud, stub: Stub, code: Code) -> None:
    cloud.script = Script(fails=code)
    with pytest.raises(grpc.RpcError) as raised:
        _infer(stub)
    assert code_from_status(raised.value.code(), raised.value.trailing_metadata()) is code


def test_a_delay_that_never_ends_is_a_deadline_missed_and_keeps_no_thread(cloud: FakeCloud, agent: Agent) -> None:
    cloud.script = Script(delay_s=math.inf)
    with pytest.raises(DeadlineExceeded):
        agent.infer("tiny", _X, privacy="public", deadline_ms=100)
    assert cloud.calls["ModelInfer"] == 1
    cloud.stop()
    eventually(lambda: not any(thread.name.startswith("fake-cloud") for thread in threading.enumerate()))


def test_a_delay_comes_before_the_answer(cloud: FakeCloud, agent: Agent) -> None:
    cloud.script = Script(delay_s=0.05)
    assert agent.infer("tiny", _X, privacy="public").receipt.duration_s >= 0.05


def test_stopping_twice_is_harmless_and_frees_the_port(cloud: FakeCloud, stub: Stub) -> None:
    cloud.stop()
    cloud.stop()
    with pytest.raises(grpc.RpcError) as raised:
        _infer(stub)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


# -- a server that lies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_every_lie_is_seen_through_and_the_agent_goes_on(cloud: FakeCloud, agent: Agent, lie: Lie) -> None:
    cloud.script = Script(lie=lie)
    with pytest.raises(AllTargetsFailed) as raised:
        agent.infer("tiny", _X, privacy="public")
    assert raised.value.failures[0].code in (Code.BAD_RESPONSE, Code.INTERNAL)
    cloud.script = Script()
    assert agent.infer("tiny", _X, privacy="public").target == "cloud"


def test_a_huge_reply_is_refused_by_its_size(cloud: FakeCloud, policy: Path) -> None:
    cloud.script = Script(lie=huge(1 << 20))
    small = {"address": cloud.address, "max_message_bytes": 1 << 16}
    with (
        fake_agent(fake_release(), targets={"cloud": small}, policy=policy) as agent,
        pytest.raises(AllTargetsFailed) as raised,
    ):
        agent.infer("tiny", _X, privacy="public")
    assert raised.value.failures[0].code == Code.TOO_LARGE


# -- a server that proves who it is ------------------------------------------------------------------------------------


def test_with_credentials_it_serves_tls_alone(policy: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    credentials = grpc.ssl_server_credentials(
        [(certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())]
    )
    runtime = FakeRuntime({"probabilities": [[1.0, 0.0, 0.0]]})
    with FakeCloud({"tiny": _FULL}, credentials=credentials) as cloud:
        for tls, answers in (({"ca": tmp_path / "ca.pem"}, "cloud"), ({}, "device"), (None, "device")):
            target = {"address": cloud.address, "tls": tls}
            with fake_agent(fake_release(runtime=runtime), targets={"cloud": target}, policy=policy) as agent:
                assert agent.infer("tiny", _X, privacy="public").target == answers
