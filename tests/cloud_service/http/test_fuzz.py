"""Whatever bytes come as a REST body, they are read or refused: mutated for a while."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

import pytest

from cloud_service.errors import InvalidInput, TooLarge
from cloud_service.http.codec import read_request
from cloud_service.http.encoding import packed, unpacked
from nearfar_wire.errors import TensorError
from tests.wire.mutation import mutated

pytestmark = pytest.mark.slow

_HEAD = json.dumps(
    {
        "id": "r",
        "parameters": {"priority": 1, "timeout": 5, "binary_data_output": True},
        "inputs": [
            {"name": "a", "datatype": "FP32", "shape": [2, 2], "data": [[1.5, -2e3], [0, 1]]},
            {"name": "b", "datatype": "BYTES", "shape": [2, 1], "data": [["a\"]\u00fc"], [""]]},
            {"name": "c", "datatype": "BOOL", "shape": [2], "data": [True, False]},
            {"name": "d", "datatype": "INT64", "shape": [1], "parameters": {"binary_data_size": 8}},
        ],
        "outputs": [{"name": "y", "parameters": {"binary_data": False}}],
    }
).encode()  # fmt: skip
_BODY = _HEAD + bytes(8)


def _read_as_it_stands(content: bytes) -> None:
    read_request(content, len(content) - 8).tensors()


def _read_with_the_old_length(content: bytes) -> None:
    read_request(content, len(_HEAD)).tensors()


def _unpack(content: bytes) -> None:
    _read_as_it_stands(unpacked(content, "gzip", at_most=1 << 16))


@pytest.mark.parametrize(
    ("read", "seed"),
    [
        pytest.param(_read_as_it_stands, _BODY, id="JSON"),
        pytest.param(_read_with_the_old_length, _BODY, id="JSON and binary data"),
        pytest.param(_unpack, packed(_BODY, "gzip"), id="packed"),
    ],
)
def test_mutated_bodies_are_read_or_refused_and_nothing_else(read: Callable[[bytes], None], seed: bytes) -> None:
    read(seed)
    chance = random.Random(20261122)
    until, rounds, refused = time.monotonic() + 20, 0, 0
    while time.monotonic() < until:
        rounds += 1
        try:
            read(mutated(chance, seed))
        except (InvalidInput, TensorError, TooLarge):
            refused += 1
    assert rounds > refused > 0
