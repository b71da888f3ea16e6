"""An answer, written straight into the bytes that are sent. Pure.

The same message as tensors.encode_response makes. That copies a tensor three times on its way: out of numpy, into the
message, and out of it; here it is copied once. What is the same for each answer of a model is kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Any, Final

import numpy as np

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.datatypes import BYTES, datatype_of, dtype_of
from nearfar_wire.fields import tag
from nearfar_wire.parameters import parameter
from nearfar_wire.raw import to_raw
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER

__all__ = ["encode_answer"]

_RESPONSE: Final = pb.ModelInferResponse.DESCRIPTOR.fields_by_name
_RAW: Final = bytes([tag(_RESPONSE["raw_output_contents"].number)])

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the model's


def encode_answer(
    model: str, version: str, digest: str, outputs: Mapping[str, Array], *, request_id: str = ""
) -> bytes:
    """Return the bytes of the response of `model`, in the version that answered, from the file with that `digest`.

    Raises TensorError: for a type that the protocol does not have."""
    parts: list[bytes | memoryview] = [_head(model, version, digest)]
    if request_id:
        parts.append(pb.ModelInferResponse(id=request_id).SerializeToString())
    contents: list[bytes | memoryview] = []
    for name, array in outputs.items():
        described, before = _described(name, array.dtype, array.shape)
        parts.append(described)
        if before is None:
            content = to_raw(name, array)
            contents += (_RAW, _varint(len(content)), content)
        else:
            contents += (before, _whole(array).data)
    return b"".join(parts + contents)


def _whole(array: Array) -> Array:
    return array if array.flags.c_contiguous and array.dtype.isnative else array.astype(_wire(array.dtype), order="C")


def _wire(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype_of(datatype_of(dtype))


# What a repository holds and a model gives; an answer's shape differs with its batch.
@lru_cache(maxsize=256)
def _head(model: str, version: str, digest: str) -> bytes:
    message = pb.ModelInferResponse(model_name=model, model_version=version)
    message.parameters[MODEL_DIGEST_PARAMETER].CopyFrom(parameter(MODEL_DIGEST_PARAMETER, digest))
    return message.SerializeToString()


@lru_cache(maxsize=1024)
def _described(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[bytes, bytes | None]:
    """Return what describes an output, and what stands before its contents; None for texts, whose length differs."""
    datatype = datatype_of(dtype, name)
    output = pb.ModelInferResponse.InferOutputTensor(name=name, datatype=datatype, shape=shape)
    described = pb.ModelInferResponse(outputs=[output]).SerializeToString()
    return described, None if datatype == BYTES else _RAW + _varint(prod(shape) * dtype.itemsize)


def _varint(number: int) -> bytes:
    content = bytearray()
    while number >= 0x80:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)
