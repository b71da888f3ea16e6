"""Our messages are the protocol's, byte for byte: numbers, types and labels of every field, written out once.

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
    message = field.message_type
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
