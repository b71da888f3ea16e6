"""Whatever bytes come, the readers refuse them by their own errors or make something of them: mutated for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import ManifestError, TensorError
from nearfar_wire.manifest import parse_manifest
from nearfar_wire.tensors import decode_request, decode_response, encode_request, encode_response
from router.compile import compile_policy
from router.errors import PolicyError
from tests.builders.repositories import APP_MANIFEST

pytestmark = pytest.mark.slow
_SECONDS = 20.0


def _mutated(chance: random.Random, seed: bytes) -> bytes:
    content = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content) or 1)
        match chance.randrange(4):
            case 0 if content:
                content[at % len(content)] = chance.randrange(256)
            case 1:
                content[at:at] = chance.randbytes(chance.randint(1, 9))
            case 2:
                del content[at : at + chance.randint(1, 9)]
            case _:
                content[at:at] = content[: chance.randint(0, 40)]
    return bytes(content)


def _requests(content: bytes) -> None:
    decode_request(pb.ModelInferRequest.FromString(content))


def _responses(content: bytes) -> None:
    decode_response(pb.ModelInferResponse.FromString(content))


def _manifests(content: bytes) -> None:
    parse_manifest(content, "m")


_TENSORS = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "text": np.array([b"a", b""], dtype=object)}
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
    ("read", "seed"),
    [
        pytest.param(_requests, encode_request("m", _TENSORS, request_id="r").SerializeToString(), id="requests"),
        pytest.param(_responses, encode_response("m", _TENSORS).SerializeToString(), id="responses"),
        pytest.param(_manifests, APP_MANIFEST.encode(), id="manifests"),
        pytest.param(compile_policy, _POLICY, id="policies"),
    ],
)
def test_mutated_bytes_are_read_or_refused_and_nothing_else(read: Callable[[bytes], object], seed: bytes) -> None:
    read(seed)
    chance = random.Random(20261122)
    until, rounds, refused = time.monotonic() + _SECONDS, 0, 0
    while time.monotonic() < until:
        rounds += 1
        try:
            read(_mutated(chance, seed))
        except (DecodeError, TensorError, ManifestError, PolicyError):
            refused += 1
    assert rounds > refused > 0
