"""The repository extension over gRPC: whoever calls may see what there is, administrators load and unload."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import softmax_mlp
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide

_TOKEN = "an administrator's token of some length".replace(" ", "-")
_ADMINISTRATOR = (("authorization", f"Bearer {_TOKEN}"),)
_PIXELS = {"pixels": np.zeros((1, 4), np.uint8)}


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    models: dict[str, bytes | dict[int, bytes]] = {"mlp": softmax_mlp(), "broken": b"junk"}
    root = write_repository(tmp_path_factory.mktemp("models"), models)
    with running_cloud(root, admin_token=_TOKEN) as cloud:
        yield cloud


def index(cloud: RunningCloud, *, ready: bool = False, administrator: bool = False) -> list[tuple[str, str, str, bool]]:
    metadata = _ADMINISTRATOR if administrator else ()
    answer = cloud.stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=ready), metadata=metadata)
    return [(entry.name, entry.version, entry.state, bool(entry.reason)) for entry in answer.models]


def test_the_index_tells_every_version_s_state_and_administrators_why(cloud: RunningCloud) -> None:
    assert index(cloud) == [("broken", "1", "UNAVAILABLE", False), ("mlp", "1", "READY", False)]
    assert index(cloud, administrator=True) == [("broken", "1", "UNAVAILABLE", True), ("mlp", "1", "READY", False)]
    assert index(cloud, ready=True) == [("mlp", "1", "READY", False)]


def test_an_administrator_takes_a_model_out_and_brings_it_back(cloud: RunningCloud) -> None:
    request = encode_request("mlp", _PIXELS)
    cloud.stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="mlp"), metadata=_ADMINISTRATOR)
    assert refused(lambda: cloud.stub.ModelInfer(request))[0] is Code.MODEL_NOT_READY
    cloud.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="mlp"), metadata=_ADMINISTRATOR)
    assert cloud.stub.ModelInfer(request).model_version == "1"


def test_whoever_is_no_administrator_changes_nothing(cloud: RunningCloud) -> None:
    load, unload = pb.RepositoryModelLoadRequest(model_name="mlp"), pb.RepositoryModelUnloadRequest(model_name="mlp")
    assert refused(lambda: cloud.stub.RepositoryModelLoad(load))[0] is Code.UNAUTHENTICATED
    assert refused(lambda: cloud.stub.RepositoryModelUnload(unload))[0] is Code.UNAUTHENTICATED
    wrong = (("authorization", "Bearer guessed"),)
    assert refused(lambda: cloud.stub.RepositoryModelUnload(unload, metadata=wrong))[0] is Code.UNAUTHENTICATED
    assert cloud.stub.ModelInfer(encode_request("mlp", _PIXELS)).model_version == "1"


def test_a_load_of_something_else_than_the_repository_has_is_refused_and_not_ignored(cloud: RunningCloud) -> None:
    load = pb.RepositoryModelLoadRequest(model_name="mlp")
    load.parameters["file:1/model.onnx"].bytes_param = b"another model"
    code, message = refused(lambda: cloud.stub.RepositoryModelLoad(load, metadata=_ADMINISTRATOR))
    assert code is Code.INVALID_INPUT
    assert "send no parameters" in message


def test_unload_dependents_has_nothing_to_do_and_is_taken(cloud: RunningCloud) -> None:
    unload = pb.RepositoryModelUnloadRequest(model_name="mlp")
    unload.parameters["unload_dependents"].bool_param = True
    cloud.stub.RepositoryModelUnload(unload, metadata=_ADMINISTRATOR)
    assert 'nearfar_cloud_model_ready{model="mlp"' not in cloud.metrics(), "nobody is woken for what was meant"
    assert index(cloud, ready=True) == []


@pytest.mark.parametrize("name", ["no-such-model", "", "../mlp"])
def test_a_model_that_the_repository_does_not_have_is_not_found(cloud: RunningCloud, name: str) -> None:
    load, unload = pb.RepositoryModelLoadRequest(model_name=name), pb.RepositoryModelUnloadRequest(model_name=name)
    for call in (
        lambda: cloud.stub.RepositoryModelLoad(load, metadata=_ADMINISTRATOR),
        lambda: cloud.stub.RepositoryModelUnload(unload, metadata=_ADMINISTRATOR),
    ):
        assert refused(call)[0] is Code.MODEL_NOT_FOUND


def test_a_message_longer_than_any_question_is_refused_unparsed(cloud: RunningCloud) -> None:
    load = pb.RepositoryModelLoadRequest(model_name="m" * 20_000)
    code, message = refused(lambda: cloud.stub.RepositoryModelLoad(load, metadata=_ADMINISTRATOR))
    assert code is Code.INVALID_INPUT
    assert "at most 16384 bytes" in message
