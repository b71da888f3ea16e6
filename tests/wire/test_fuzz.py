"""Whatever bytes come, the readers refuse them by their own errors or make something of them: mutated for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.envelope import open_envelope
from nearfar_wire.errors import ManifestError, MessageError, TensorError
from nearfar_wire.manifest import parse_manifest
from nearfar_wire.tensors import decode_request, decode_response, encode_request, encode_response
from router.errors import PolicyError
from router.rules.compile import compile_policy
from tests.builders.repositories import APP_MANIFEST
from tests.wire.mutation import mutated

pytestmark = pytest.mark.slow


def _envelopes(content: bytes) -> None:
    """Both ways to read a request agree: the service's, and the parser's."""
    try:
        tensors = open_envelope(content).tensors()
    except MessageError:
        return
    assert list(tensors) == list(decode_request(pb.ModelInferRequest.FromString(content)))


def _requests(content: bytes) -> None:
    decode_request(pb.ModelInferRequest.FromString(content))


def _responses(content: bytes) -> None:
    decode_response(pb.ModelInferResponse.FromString(content))


def _manifests(content: bytes) -> None:
    parse_manifest(content, "m")


_TENSORS = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "text": np.array([b"a", b""], dtype=object)}
_REQUEST = encode_request("m", _TENSORS, request_id="r").SerializeToString()
_TYPED_REQUEST = pb.ModelInferRequest(
    model_name="m",
    inputs=[
        pb.ModelInferRequest.InferInputTensor(
            name=name, datatype=datatype, shape=[2], contents=pb.InferTensorContents(**{field: values})
        )
        for name, datatype, field, values in (
            ("a", "INT64", "int64_contents", [1, -2]),
            ("b", "UINT8", "uint_contents", [0, 200]),
            ("c", "FP32", "fp32_contents", [0.5, 1]),
            ("d", "BYTES", "bytes_contents", [b"", b"ab"]),
        )
    ],
).SerializeToString()
_POLICY = b"""
schema = 1
name = "p"
version = 1
labels = { open = ["device", "cloud"], secret = ["device"] }
[escalation]
below = 0.5
[[rules]]
name = "r"
when = { any = [{ battery_pct = { less_than = 20 } }, { not = { charging = true } }] }
forbid = ["cloud"]
"""


@pytest.mark.parametrize(
    ("read", "seed", "seconds"),
    [
        # What a stranger reaches before anybody asked who it is: longest.
        pytest.param(_envelopes, _REQUEST, 40.0, id="raw requests"),
        pytest.param(_envelopes, _TYPED_REQUEST, 20.0, id="typed requests"),
        pytest.param(_requests, _REQUEST, 20.0, id="parsed requests"),
        pytest.param(_responses, encode_response("m", _TENSORS).SerializeToString(), 20.0, id="responses"),
        pytest.param(_manifests, APP_MANIFEST.encode(), 20.0, id="manifests"),
        pytest.param(compile_policy, _POLICY, 20.0, id="policies"),
    ],
)
def test_mutated_bytes_are_read_or_refused_and_nothing_else(
    read: Callable[[bytes], object], seed: bytes, seconds: float
) -> None:
    read(seed)
    chance = random.Random(20261122)
    until, rounds, refused = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        rounds += 1
        try:
            read(mutated(chance, seed))
        except (DecodeError, MessageError, TensorError, ManifestError, PolicyError):
            refused += 1
    assert rounds > refused > 0
