"""What a request may cost before it is refused or handed to a model, measured where nothing else runs: at most 20
times its length in memory, and 100 ms of a core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from cloud_service.http.json_reader import MAX_JSON_BYTES

pytestmark = pytest.mark.wide

_MEASURE = """
import gc, json, sys, time, tracemalloc
from cloud_service.http.codec import read_request

def read(body, length):
    try:
        return read_request(body, length).tensors()
    except Exception as error:
        return error

length = int(sys.argv[1]) or None
body = sys.stdin.buffer.read()
for warm in (b"[1]", b'["a\\\\n"]', b'[["a"]]'):
    read(b'{"inputs": [{"name": "x", "datatype": "BYTES", "shape": [1], "data": %s}]}' % warm, None)
gc.disable()
seconds = []
for _ in range(3):
    started = time.process_time()
    read(body, length)
    seconds.append(time.process_time() - started)
tracemalloc.start()
outcome = read(body, length)
print(json.dumps([min(seconds), tracemalloc.get_traced_memory()[1] / len(body), type(outcome).__name__]))
"""


def _tensor(data: str, datatype: str, shape: list[int]) -> bytes:
    return ('{"inputs":[{"name":"x","datatype":"%s","shape":%s,"data":%s}]}' % (datatype, shape, data)).encode()  # noqa: UP031 - braces


def _many(element: str, datatype: str, *, inner: tuple[int, ...] = (), at_most: int = 1 << 30) -> bytes:
    count = min((MAX_JSON_BYTES - 100) // (len(element) + 1), at_most)
    return _tensor(f"[{','.join([element] * count)}]", datatype, [count, *inner])


def _filled(start: bytes, unit: bytes, end: bytes) -> bytes:
    return start + unit * ((MAX_JSON_BYTES - len(start) - len(end)) // len(unit)) + end


_STRINGS = 1 << 15
_BINARY_STRINGS = 1 << 16
_BINARY_HEAD = json.dumps(
    {
        "inputs": [
            {
                "name": "x",
                "datatype": "BYTES",
                "shape": [_BINARY_STRINGS],
                "parameters": {"binary_data_size": 5 * _BINARY_STRINGS},
            }
        ]
    }
).encode()

_CASES: dict[str, Callable[[], bytes]] = {
    "digits": lambda: _many("0", "INT64"),
    "small negative integers": lambda: _many("-9", "INT64"),
    "short floats": lambda: _many("1e0", "FP64"),
    "long floats": lambda: _many("-1.2345678901234567e-107", "FP64"),
    "floats of 500 digits": lambda: _many("0." + "7" * 498, "FP64"),
    "integers of 500 digits": lambda: _many("1" + "7" * 499, "FP64"),
    "one number": lambda: _tensor(f"[{'9' * (MAX_JSON_BYTES - 100)}]", "FP64", [1]),
    "arrays of one": lambda: _many("[0]", "INT64", inner=(1,)),
    "empty arrays": lambda: _many("[]", "FP32", inner=(0,)),
    "arrays in arrays": lambda: _many("[[[[0]]]]", "INT8", inner=(1, 1, 1, 1)),
    "short strings": lambda: _many('"ab"', "BYTES", at_most=_STRINGS),
    "escaped strings": lambda: _many('"\\n"', "BYTES", at_most=_STRINGS),
    "arrays of one string": lambda: _many('["a"]', "BYTES", inner=(1,), at_most=_STRINGS),
    "too many strings": lambda: _many('""', "BYTES"),
    "a long string": lambda: _tensor(f'["{"a" * (MAX_JSON_BYTES - 100)}"]', "BYTES", [1]),
    "binary strings": lambda: _BINARY_HEAD + b"\1\0\0\0a" * _BINARY_STRINGS,
    "space": lambda: _filled(b"{", b" ", b"}"),
    "objects": lambda: _filled(b'{"a":[', b'{"":0},', b"0]}"),
    "lists": lambda: _filled(b'{"a":[', b"[],", b"0]}"),
    "strings in a list": lambda: _filled(b'{"a":[', b'"ab",', b"0]}"),
    "keys": lambda: b"{" + b",".join(b'"%d":0' % number for number in range(90_000)) + b"}",
    "depth": lambda: _filled(b'{"a":', b"[", b""),
    "backslashes": lambda: _filled(b'{"a":"', b"\\\\", b'"}'),
    "escapes": lambda: _filled(b'{"a":"', b"\\u00e9", b'"}'),
    "text with one wide character": lambda: _filled('{"a":"😀'.encode(), b"a", b'"}'),
    "brackets and spaces": lambda: _filled(b'{"inputs":[{"data":[', b"] ", b"]}]}"),
    "a string and spaces": lambda: _filled(b'{"inputs":[{"data":["a"', b" ", b"]}]}"),
    "strings and no end": lambda: _filled(b'{"inputs":[{"data":["a",', b'"b" , ', b""),
    "inputs": lambda: _filled(b'{"inputs":[', b'{"name":"","datatype":"INT8","shape":[],"data":[1]},', b"0]}"),
}


@pytest.mark.parametrize("case", _CASES)
def test_a_request_costs_little_before_it_is_known_to_be_one(case: str) -> None:
    body = _CASES[case]()
    length = len(_BINARY_HEAD) if case == "binary strings" else 0
    ran = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(length)],
        input=body,
        capture_output=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    seconds, times_its_length, outcome = json.loads(ran.stdout)
    assert outcome in ("dict", "InvalidInput", "TensorError")
    assert times_its_length < 20
    assert seconds < 0.1
