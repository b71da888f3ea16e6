"""Answers that are not what was asked for: each takes the right response and spoils one thing about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.digest import digest_of
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, Array, decode_response, encode_response

__all__ = ["LIES", "Lie", "huge"]

Lie = Callable[[pb.ModelInferResponse], pb.ModelInferResponse | bytes]
"""Bytes go out as they are: they need not be a message."""


def _another_digest(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
    response.parameters[MODEL_DIGEST_PARAMETER].string_param = digest_of(b"another model")
    return response


def _another_model(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
    response.model_name += "-other"
    return response


def _another_version(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
    response.model_version = f"{response.model_version}0"
    return response


def _another_request(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
    response.id = "somebody-else"
    return response


def _truncated(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
    response.raw_output_contents[0] = response.raw_output_contents[0][:-1]
    return response


def _garbage(_: pb.ModelInferResponse) -> bytes:
    return b"\xff" * 32


def huge(size_bytes: int) -> Lie:
    """Return a lie of `size_bytes`: the right answer, with so much more beside it."""

    def lie(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
        response.parameters["padding"].string_param = "x" * size_bytes
        return response

    return lie


def _told(change: Callable[[dict[str, Array]], dict[str, Array]]) -> Lie:
    """Make a lie of a change to the outputs; what is around them stays."""

    def lie(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
        changed = encode_response(
            response.model_name,
            change(decode_response(response)),
            version=response.model_version,
            request_id=response.id,
        )
        for name, parameter in response.parameters.items():
            changed.parameters[name].CopyFrom(parameter)
        return changed

    return lie


def _each(change: Callable[[Array], Array]) -> Lie:
    return _told(lambda outputs: {name: change(array) for name, array in outputs.items()})


LIES: Final[Mapping[str, Lie]] = MappingProxyType(
    {
        "another digest": _another_digest,
        "another model": _another_model,
        "another version": _another_version,
        "another request": _another_request,
        "another name": _told(lambda outputs: {f"{name}-other": array for name, array in outputs.items()}),
        "no outputs": _told(lambda _: {}),
        "another shape": _each(lambda array: np.expand_dims(array, 0)),
        "another datatype": _each(lambda array: array.astype(np.float64)),
        "NaN": _each(lambda array: np.full_like(array, np.nan)),
        "infinity": _each(lambda array: np.full_like(array, np.inf)),
        "truncated contents": _truncated,
        "no message": _garbage,
    }
)
"""Every lie by name, for a table of tests. Those about contents are lies where the outputs are 32-bit floats."""
