"""Requests, made and serialised before the first is sent: under load, making one would cost more than sending it.

From the model's metadata, or from arrays that somebody has. What a stranger's metadata asks for is bounded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from cloud_service.errors import BenchFailed
from cloud_service.samples import Array, sample
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import TensorError, quoted
from nearfar_wire.parameters import parameter
from nearfar_wire.specs import TensorSpec
from nearfar_wire.tensors import decode_response, encode_request

__all__ = ["examine", "messages_of", "sampled", "specs_of"]

# Requests go in turn, so that no cache, the server's or the machine's, answers for the model.
_DIFFERENT: Final = 8
_MOST_ELEMENTS: Final = 1 << 26


def specs_of(metadata: Sequence[pb.ModelMetadataResponse.TensorMetadata]) -> list[TensorSpec]:
    """Return what metadata says of its tensors."""
    return [TensorSpec(tensor.name, tensor.datatype, tuple(tensor.shape)) for tensor in metadata]


def sampled(specs: Sequence[TensorSpec], *, rows: int, free: int) -> list[dict[str, Array]]:
    """Return different inputs that fit `specs`. Raises BenchFailed: where metadata tells too little, or too much."""
    if not specs:
        raise BenchFailed("the model's metadata names no input; give tensors with --input FILE.npz")
    for spec in specs:
        size = (extent if extent >= 0 else free if axis else rows for axis, extent in enumerate(spec.shape))
        if math.prod(size) > _MOST_ELEMENTS:
            raise BenchFailed(f"the metadata asks for {spec}, more than is made up; give tensors with --input FILE.npz")
    try:
        return [sample(specs, rows=rows, free=free, seed=seed) for seed in range(_DIFFERENT)]
    except TensorError as error:
        raise BenchFailed(f"no input can be made from the model's metadata: {error}") from error


def messages_of(
    model: str, inputs: Sequence[Mapping[str, Array]], *, version: str = "", priority: int = 0
) -> list[bytes]:
    """Return a serialised request for each of `inputs`. Raises BenchFailed: for arrays the protocol cannot carry."""
    messages = []
    for tensors in inputs:
        try:
            request = encode_request(model, tensors, version=version)
        except TensorError as error:
            raise BenchFailed(f"an input cannot be sent: {error}") from error
        if priority:
            request.parameters["priority"].CopyFrom(parameter("priority", priority))
        messages.append(request.SerializeToString())
    return messages


def examine(response: pb.ModelInferResponse, promised: Sequence[TensorSpec]) -> None:
    """See that a response can be read and holds the outputs that metadata promised. Raises BenchFailed."""
    try:
        outputs = decode_response(response)
    except TensorError as error:
        raise BenchFailed(f"its answer cannot be read: {error}") from error
    given = {tensor.name: tensor.datatype for tensor in response.outputs}
    for spec in promised:
        if given.get(spec.name) != spec.datatype:
            found = ", ".join(f"{quoted(name)} {datatype}" for name, datatype in given.items()) or "nothing"
            raise BenchFailed(f"its metadata promises {spec}, and it answers {found}")
    if not outputs:
        raise BenchFailed("its answer holds no output")
