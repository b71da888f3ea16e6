"""Our messages are the protocol's, or Triton's, byte for byte: numbers, types and labels of every field, written once.

The table was made from the protocol's text, not from our .proto."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from nearfar_wire import inference_pb2 as pb
from nearfar_wire import orca_pb2 as orca

PARAMETERS = (4, "map InferParameter")
TENSOR = {
    "name": (1, "string"),
    "datatype": (2, "string"),
    "shape": (3, "repeated int64"),
    "parameters": PARAMETERS,
    "contents": (5, "InferTensorContents"),
}
REPOSITORY_MODEL = {
    "repository_name": (1, "string"),
    "model_name": (2, "string"),
    "parameters": (3, "map ModelRepositoryParameter"),
}
NAME_AND_VERSION = {"name": (1, "string"), "version": (2, "string")}

PROTOCOL: dict[str, dict[str, tuple[int, str]]] = {
    "ServerLiveRequest": {},
    "ServerLiveResponse": {"live": (1, "bool")},
    "ServerReadyRequest": {},
    "ServerReadyResponse": {"ready": (1, "bool")},
    "ModelReadyRequest": NAME_AND_VERSION,
    "ModelReadyResponse": {"ready": (1, "bool")},
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {**NAME_AND_VERSION, "extensions": (3, "repeated string")},
    "ModelMetadataRequest": NAME_AND_VERSION,
    "ModelMetadataResponse": {
        "name": (1, "string"),
        "versions": (2, "repeated string"),
        "platform": (3, "string"),
        "inputs": (4, "repeated TensorMetadata"),
        "outputs": (5, "repeated TensorMetadata"),
        "properties": (6, "map string"),
    },
    "ModelMetadataResponse.TensorMetadata": {
        "name": (1, "string"),
        "datatype": (2, "string"),
        "shape": (3, "repeated int64"),
    },
    "ModelInferRequest": {
        "model_name": (1, "string"),
        "model_version": (2, "string"),
        "id": (3, "string"),
        "parameters": PARAMETERS,
        "inputs": (5, "repeated InferInputTensor"),
        "outputs": (6, "repeated InferRequestedOutputTensor"),
        "raw_input_contents": (7, "repeated bytes"),
    },
    "ModelInferRequest.InferInputTensor": TENSOR,
    "ModelInferRequest.InferRequestedOutputTensor": {"name": (1, "string"), "parameters": (2, "map InferParameter")},
    "ModelInferResponse": {
        "model_name": (1, "string"),
        "model_version": (2, "string"),
        "id": (3, "string"),
        "parameters": PARAMETERS,
        "outputs": (5, "repeated InferOutputTensor"),
        "raw_output_contents": (6, "repeated bytes"),
    },
    "ModelInferResponse.InferOutputTensor": TENSOR,
    "InferParameter": {
        "bool_param": (1, "bool"),
        "int64_param": (2, "int64"),
        "string_param": (3, "string"),
        "double_param": (4, "double"),
        "uint64_param": (5, "uint64"),
    },
    "InferTensorContents": {
        "bool_contents": (1, "repeated bool"),
        "int_contents": (2, "repeated int32"),
        "int64_contents": (3, "repeated int64"),
        "uint_contents": (4, "repeated uint32"),
        "uint64_contents": (5, "repeated uint64"),
        "fp32_contents": (6, "repeated float"),
        "fp64_contents": (7, "repeated double"),
        "bytes_contents": (8, "repeated bytes"),
    },
    "ModelRepositoryParameter": {
        "bool_param": (1, "bool"),
        "int64_param": (2, "int64"),
        "string_param": (3, "string"),
        "bytes_param": (4, "bytes"),
    },
    "RepositoryIndexRequest": {"repository_name": (1, "string"), "ready": (2, "bool")},
    "RepositoryIndexResponse": {"models": (1, "repeated ModelIndex")},
    "RepositoryIndexResponse.ModelIndex": {
        "name": (1, "string"),
        "version": (2, "string"),
        "state": (3, "string"),
        "reason": (4, "string"),
    },
    "RepositoryModelLoadRequest": REPOSITORY_MODEL,
    "RepositoryModelLoadResponse": {},
    "RepositoryModelUnloadRequest": REPOSITORY_MODEL,
    "RepositoryModelUnloadResponse": {},
    "StatisticDuration": {"count": (1, "uint64"), "ns": (2, "uint64")},
    "InferStatistics": {
        "success": (1, "StatisticDuration"),
        "fail": (2, "StatisticDuration"),
        "queue": (3, "StatisticDuration"),
        "compute_input": (4, "StatisticDuration"),
        "compute_infer": (5, "StatisticDuration"),
        "compute_output": (6, "StatisticDuration"),
        "cache_hit": (7, "StatisticDuration"),
        "cache_miss": (8, "StatisticDuration"),
    },
    "InferBatchStatistics": {
        "batch_size": (1, "uint64"),
        "compute_input": (2, "StatisticDuration"),
        "compute_infer": (3, "StatisticDuration"),
        "compute_output": (4, "StatisticDuration"),
    },
    "ModelStatistics": {
        **NAME_AND_VERSION,
        "last_inference": (3, "uint64"),
        "inference_count": (4, "uint64"),
        "execution_count": (5, "uint64"),
        "inference_stats": (6, "InferStatistics"),
        "batch_stats": (7, "repeated InferBatchStatistics"),
    },
    "ModelStatisticsRequest": NAME_AND_VERSION,
    "ModelStatisticsResponse": {"model_stats": (1, "repeated ModelStatistics")},
    "ModelInstanceGroup": {"name": (1, "string"), "count": (2, "int32"), "kind": (4, "enum Kind")},
    "ModelInput": {"name": (1, "string"), "data_type": (2, "enum DataType"), "dims": (4, "repeated int64")},
    "ModelOutput": {"name": (1, "string"), "data_type": (2, "enum DataType"), "dims": (3, "repeated int64")},
    "ModelVersionPolicy": {"latest": (1, "Latest"), "all": (2, "All"), "specific": (3, "Specific")},
    "ModelVersionPolicy.Latest": {"num_versions": (1, "uint32")},
    "ModelVersionPolicy.All": {},
    "ModelVersionPolicy.Specific": {"versions": (1, "repeated int64")},
    "ModelDynamicBatching": {
        "preferred_batch_size": (1, "repeated int32"),
        "max_queue_delay_microseconds": (2, "uint64"),
    },
    "ModelParameter": {"string_value": (1, "string")},
    "ModelConfig": {
        "name": (1, "string"),
        "platform": (2, "string"),
        "version_policy": (3, "ModelVersionPolicy"),
        "max_batch_size": (4, "int32"),
        "input": (5, "repeated ModelInput"),
        "output": (6, "repeated ModelOutput"),
        "instance_group": (7, "repeated ModelInstanceGroup"),
        "default_model_filename": (8, "string"),
        "dynamic_batching": (11, "ModelDynamicBatching"),
        "parameters": (14, "map ModelParameter"),
        "backend": (17, "string"),
    },
    "ModelConfigRequest": NAME_AND_VERSION,
    "ModelConfigResponse": {"config": (1, "ModelConfig")},
}

ENUMS = {
    "DataType": {
        "TYPE_INVALID": 0,
        "TYPE_BOOL": 1,
        "TYPE_UINT8": 2,
        "TYPE_UINT16": 3,
        "TYPE_UINT32": 4,
        "TYPE_UINT64": 5,
        "TYPE_INT8": 6,
        "TYPE_INT16": 7,
        "TYPE_INT32": 8,
        "TYPE_INT64": 9,
        "TYPE_FP16": 10,
        "TYPE_FP32": 11,
        "TYPE_FP64": 12,
        "TYPE_STRING": 13,
    },
    "Kind": {"KIND_AUTO": 0, "KIND_GPU": 1, "KIND_CPU": 2},
}

LOAD_REPORT = {
    "cpu_utilization": (1, "double"),
    "mem_utilization": (2, "double"),
    "rps": (3, "uint64"),
    "request_cost": (4, "map double"),
    "utilization": (5, "map double"),
    "rps_fractional": (6, "double"),
    "eps": (7, "double"),
    "named_metrics": (8, "map double"),
    "application_utilization": (9, "double"),
}

SCALARS = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def spelled(field: FieldDescriptor) -> str:
    message, enum = field.message_type, field.enum_type
    if enum is not None:
        return f"enum {enum.name}"
    if message is None:
        return f"repeated {SCALARS[field.type]}" if field.is_repeated else SCALARS[field.type]
    if message.GetOptions().map_entry:
        assert spelled(message.fields_by_name["key"]) == "string"
        return f"map {spelled(message.fields_by_name['value'])}"
    return f"repeated {message.name}" if field.is_repeated else message.name


def messages() -> dict[str, Descriptor]:
    found: dict[str, Descriptor] = {}
    for name, message in pb.DESCRIPTOR.message_types_by_name.items():
        found[name] = message
        for nested in message.nested_types:
            if not nested.GetOptions().map_entry:
                found[f"{name}.{nested.name}"] = nested
    return found


def test_there_are_exactly_the_protocol_s_messages() -> None:
    assert set(messages()) == set(PROTOCOL)


@pytest.mark.parametrize("name", PROTOCOL)
def test_fields_have_the_protocol_s_numbers_and_types(name: str) -> None:
    assert {field.name: (field.number, spelled(field)) for field in messages()[name].fields} == PROTOCOL[name]


def test_enums_have_Triton_s_numbers() -> None:
    enums = [pb.DataType.DESCRIPTOR, pb.ModelInstanceGroup.Kind.DESCRIPTOR]
    assert {enum.name: {value.name: value.number for value in enum.values} for enum in enums} == ENUMS


def test_the_load_report_has_ORCA_s_numbers_and_types() -> None:
    fields = orca.OrcaLoadReport.DESCRIPTOR.fields
    assert {field.name: (field.number, spelled(field)) for field in fields} == LOAD_REPORT


def test_a_parameter_has_one_value() -> None:
    (choice,) = pb.InferParameter.DESCRIPTOR.oneofs
    assert choice.name == "parameter_choice"
    assert {field.name for field in choice.fields} == set(PROTOCOL["InferParameter"])


def test_the_proto_package_is_our_own() -> None:
    """Other implementations register theirs as `inference`, and one process can hold only one of a name."""
    assert pb.DESCRIPTOR.package == orca.DESCRIPTOR.package == "nearfar.wire.v1"
