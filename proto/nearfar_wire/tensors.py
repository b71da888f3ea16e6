"""Tensors in the protocol's messages. Pure.

Written as raw contents; read from raw or typed contents, whichever the sender chose, but never both. Names are unique
in a message. Decoded numbers may be read-only views over the message's bytes; BYTES are object arrays of `bytes`.
Whatever a stranger sends is decoded or refused with TensorError or MessageError, and what is allocated on the way is
bounded by the size of the message. A server reads requests by envelope.py, before it has parsed them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.contents import from_contents
from nearfar_wire.datatypes import BYTES, datatype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.fields import MAX_FIELDS, Allowance, Content
from nearfar_wire.parameters import Parameter, parameter
from nearfar_wire.raw import from_raw, to_raw
from nearfar_wire.shapes import element_count
from nearfar_wire.specs import TensorSpec, check

__all__ = [
    "MODEL_DIGEST_PARAMETER",
    "Described",
    "Known",
    "TensorSpec",
    "check",
    "decode_request",
    "decode_response",
    "decode_tensors",
    "encode_request",
    "encode_response",
    "requested_outputs",
]

MODEL_DIGEST_PARAMETER: Final = "model_digest"
"""The response parameter that says which file answered, as digest.py writes it."""

_NO_PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType({})

# What Triton's clients may ask for and nearfar does not do; silently ignored, it would be answered wrongly.
_SHARED_MEMORY: Final = "shared_memory_region"
_CLASSIFICATION: Final = "classification"

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the datatype's, known at run time


class Known(NamedTuple):
    """What describes an input, read once: each look into a message makes what it finds anew."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: frozenset[str]
    """Their names."""


Described = pb.ModelInferRequest.InferInputTensor | pb.ModelInferResponse.InferOutputTensor | Known
_Message = pb.ModelInferRequest.InferInputTensor | pb.ModelInferResponse.InferOutputTensor


def encode_request(
    model: str,
    inputs: Mapping[str, Array],
    *,
    version: str = "",
    request_id: str = "",
    outputs: Sequence[str] = (),
) -> pb.ModelInferRequest:
    """Return the request for `outputs` of `model`; no outputs are all of them, an empty version is the server's choice.

    Raises TensorError: for a type that the protocol does not have."""
    request = pb.ModelInferRequest(model_name=model, model_version=version, id=request_id)
    for name, array in inputs.items():
        request.inputs.add(name=name, datatype=datatype_of(array.dtype, name), shape=array.shape)
        request.raw_input_contents.append(to_raw(name, array))
    for name in outputs:
        request.outputs.add(name=name)
    return request


def encode_response(
    model: str,
    outputs: Mapping[str, Array],
    *,
    version: str = "",
    request_id: str = "",
    parameters: Mapping[str, Parameter] = _NO_PARAMETERS,
) -> pb.ModelInferResponse:
    """Return the response of `model` in the version that answered.

    Raises TensorError: for a type that the protocol does not have. Raises ParameterError."""
    response = pb.ModelInferResponse(model_name=model, model_version=version, id=request_id)
    for name, array in outputs.items():
        response.outputs.add(name=name, datatype=datatype_of(array.dtype, name), shape=array.shape)
        response.raw_output_contents.append(to_raw(name, array))
    for name, value in parameters.items():
        response.parameters[name].CopyFrom(parameter(name, value))
    return response


def decode_request(request: pb.ModelInferRequest) -> dict[str, Array]:
    """Return the input tensors by name.

    Raises TensorError: when names, datatypes, shapes and contents do not agree. Raises MessageError: where there are
    more strings than are read."""
    return _decode(request.inputs, request.raw_input_contents)


def decode_response(response: pb.ModelInferResponse) -> dict[str, Array]:
    """Return the output tensors by name.

    Raises TensorError: when names, datatypes, shapes and contents do not agree. Raises MessageError: where there are
    more strings than are read."""
    return _decode(response.outputs, response.raw_output_contents)


def requested_outputs(request: pb.ModelInferRequest) -> list[str]:
    """Return the names of the outputs asked for, in that order; an empty list asks for all.

    Raises TensorError: for a name given twice, or an extension that nearfar does not have."""
    names: dict[str, None] = {}
    for output in request.outputs:
        if output.name in names:
            raise TensorError(output.name, "is asked for twice")
        for extension in (_SHARED_MEMORY, _CLASSIFICATION):
            if extension in output.parameters:
                raise TensorError(output.name, f"asks for the extension {extension!r}, which this server does not have")
        names[output.name] = None
    return list(names)


def decode_tensors(
    tensors: Iterable[tuple[Described, Content | None]], count: int, raw: Sequence[Content], allowance: Allowance
) -> dict[str, Array]:
    """Return `count` tensors by name; with each come the bytes of its typed contents, None where it has none.

    Raises TensorError: when names, datatypes, shapes and contents do not agree. Raises MessageError: where there are
    too many parts, or they are damaged."""
    if raw and len(raw) != count:
        raise TensorError(None, f"{count} tensors with {len(raw)} raw contents; send one for each, or none")
    decoded: dict[str, Array] = {}
    for tensor, typed in tensors:
        name, datatype, shape = tensor.name, tensor.datatype, tuple(tensor.shape)
        if name in decoded:
            raise TensorError(name, "stands twice in the message")
        if tensor.parameters and _SHARED_MEMORY in tensor.parameters:
            raise TensorError(name, "lies in shared memory, which is not supported; send its contents")
        if not raw:
            decoded[name] = from_contents(name, datatype, shape, typed or b"", allowance)
            continue
        if typed:  # MLServer sends empty ones beside raw contents
            raise TensorError(name, "has typed contents beside raw ones; send one of them")
        if datatype == BYTES:
            _take_strings(name, element_count(name, shape), allowance)
        # Read once: protobuf copies the bytes out of its message at each access.
        decoded[name] = from_raw(name, datatype, shape, raw[len(decoded)])
    return decoded


def _take_strings(name: str, count: int, allowance: Allowance) -> None:
    if count > allowance.left:
        raise TensorError(name, f"holds {count} strings; a message may have at most {MAX_FIELDS}, send several")
    allowance.left -= count


def _decode(tensors: Sequence[_Message], raw: Sequence[bytes]) -> dict[str, Array]:
    typed = (t.contents.SerializeToString() if t.HasField("contents") else None for t in tensors)
    return decode_tensors(zip(tensors, typed, strict=True), len(tensors), raw, Allowance())
