from __future__ import annotations

import pytest

from cloud_service.backend import Backend
from cloud_service.batching.planner import Rules
from cloud_service.configuration import batch_size, configuration_of
from cloud_service.http.documents import document_of
from cloud_service.inspection import config_message
from cloud_service.repository.serving import All, Instances, Latest, Serving, Specific, VersionPolicy
from cloud_service.servable import Form, Servable, form_of
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.specs import TensorSpec
from tests.builders.backends import EchoBackend

_ROWS = (TensorSpec("x", "FP32", (-1, 4)),)
_TOGETHER = Rules(max_batch=8, max_queue_delay_s=0.0025, preferred=(4, 8))


def _servable(
    inputs: tuple[TensorSpec, ...] = _ROWS, *, serving: Serving | None = None, form: Form | None = None
) -> Servable:
    backend: Backend = EchoBackend(inputs=inputs, outputs=(TensorSpec("y", "FP32", (-1, 3)),))
    return Servable("m", 1, "sha256:1", backend, form or form_of(None, backend), serving=serving or Serving())


def test_calls_that_run_together_are_a_batch_whose_axis_is_in_no_dims() -> None:
    told = config_message(configuration_of(_servable(), _TOGETHER, 2))
    assert (told.name, told.platform, told.backend) == ("m", "onnxruntime_onnx", "onnxruntime")
    assert told.max_batch_size == 8
    assert [(each.name, each.data_type, list(each.dims)) for each in told.input] == [("x", pb.TYPE_FP32, [4])]
    assert [(each.name, list(each.dims)) for each in told.output] == [("y", [3])]
    assert told.WhichOneof("scheduling_choice") == "dynamic_batching"
    assert list(told.dynamic_batching.preferred_batch_size) == [4, 8]
    assert told.dynamic_batching.max_queue_delay_microseconds == 2500


def test_calls_that_run_alone_are_no_batch_and_their_dims_have_all_axes() -> None:
    told = config_message(configuration_of(_servable(), Rules(), 2))
    assert (told.max_batch_size, list(told.input[0].dims)) == (0, [-1, 4])
    assert told.WhichOneof("scheduling_choice") is None


def test_what_callers_send_without_rows_is_no_batch_though_the_model_file_takes_rows() -> None:
    form = Form(inputs=(TensorSpec("image", "UINT8", (2, 2)),), outputs=(TensorSpec("y", "FP32", (-1, 3)),))
    assert batch_size(_servable(form=form), _TOGETHER) == 0


def test_runs_and_threads_are_told_as_they_are() -> None:
    serving = Serving(instances=Instances(threads_per_run=3))
    told = config_message(configuration_of(_servable(serving=serving), Rules(), 2))
    (group,) = told.instance_group
    assert (group.count, group.kind) == (2, pb.ModelInstanceGroup.KIND_CPU)
    assert told.parameters["intra_op_thread_count"].string_value == "3"
    assert told.default_model_filename == "model.onnx"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        pytest.param(All(), {"all": {}}, id="all"),
        pytest.param(Latest(2), {"latest": {"num_versions": 2}}, id="latest"),
        pytest.param(Specific(frozenset({7, 3})), {"specific": {"versions": [3, 7]}}, id="specific"),
    ],
)
def test_the_version_policy_is_the_models(policy: VersionPolicy, told: dict[str, object]) -> None:
    message = config_message(configuration_of(_servable(serving=Serving(versions=policy)), Rules(), 1))
    assert document_of(message)["version_policy"] == told


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_has_its_type(datatype: str) -> None:
    told = config_message(configuration_of(_servable((TensorSpec("x", datatype, (-1,)),)), Rules(), 1))
    wanted = "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
    assert pb.DataType.Name(told.input[0].data_type) == wanted


def test_over_rest_every_field_is_there_and_an_enum_is_its_name() -> None:
    document = document_of(config_message(configuration_of(_servable(), Rules(), 1)))
    assert document["max_batch_size"] == 0
    assert document["input"] == [{"name": "x", "data_type": "TYPE_FP32", "dims": [-1, 4]}]
    assert document["instance_group"] == [{"name": "m", "count": 1, "kind": "KIND_CPU"}]
    assert document["parameters"] == {"intra_op_thread_count": {"string_value": "1"}}
    assert "dynamic_batching" not in document


def test_over_rest_a_batcher_without_wishes_is_told_of_all_the_same() -> None:
    document = document_of(config_message(configuration_of(_servable(), Rules(max_batch=2), 1)))
    assert document["dynamic_batching"] == {"preferred_batch_size": [], "max_queue_delay_microseconds": 0}
