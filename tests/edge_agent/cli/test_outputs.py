from __future__ import annotations

import json
import math

import numpy as np
import pytest

from edge_agent.cli.outputs import outputs_as_json, outputs_as_text


@pytest.mark.parametrize(
    ("array", "line"),
    [
        pytest.param(np.array([[0.25, 0.75]], np.float32), "y FP32 [1, 2]: [[0.25, 0.75]]", id="a row"),
        pytest.param(np.array([[1], [2]], np.int64), "y INT64 [2, 1]: [[1], [2]]", id="rows on one line"),
        pytest.param(np.array(7, np.int8), "y INT8 []: 7", id="one number"),
        pytest.param(np.array([True, False]), "y BOOL [2]: [ True, False]", id="flags"),
        pytest.param(np.array([], np.float32), "y FP32 [0]: []", id="nothing"),
        pytest.param(np.array([b"a b"], object), "y BYTES [1]: [b'a b']", id="bytes"),
        pytest.param(np.array([b"\x1b[31m"], object), "y BYTES [1]: [b'\\x1b[31m']", id="no control characters"),
    ],
)
def test_an_output_is_one_line(array: np.ndarray, line: str) -> None:
    assert outputs_as_text({"y": array}) == [line]


@pytest.mark.parametrize("array", [np.arange(1_000_000), np.array([b"x" * 1_000_000], object)], ids=["many", "long"])
def test_a_large_output_is_shortened_for_people_and_whole_in_json(array: np.ndarray) -> None:
    assert len(outputs_as_text({"y": array})[0]) < 200
    data = outputs_as_json({"y": array})["y"]["data"]
    assert len(data) == array.size
    assert len(data[-1]) == 1_000_000 if array.dtype.kind == "O" else data[-1] == 999_999


def test_json_says_type_and_shape_and_has_null_for_what_is_no_number() -> None:
    document = outputs_as_json({"y": np.array([[1.0, math.nan], [math.inf, -math.inf]])})
    assert document == {"y": {"datatype": "FP64", "shape": [2, 2], "data": [[1.0, None], [None, None]]}}
    json.dumps(document, allow_nan=False)


def test_bytes_are_text_in_json_and_escaped_where_they_are_none() -> None:
    data = outputs_as_json({"y": np.array(["å".encode(), b"\xff"], object)})["y"]["data"]
    assert data == ["å", "\\xff"]
