"""What goes through a pipe comes out the same, and what is damaged is refused."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge_agent.runtimes.frames import BrokenFrame, read_frame, write_frame
from nearfar_wire.errors import TensorError


def _through(header: dict[str, Any], tensors: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    pipe = io.BytesIO()
    write_frame(pipe, header, tensors)  # type: ignore[arg-type]  # a file in memory
    pipe.seek(0)
    frame = read_frame(io.BufferedReader(pipe))  # type: ignore[arg-type]
    assert frame is not None
    return frame


NUMBERS = st.sampled_from(["?", "u1", "<u2", "<u4", "<u8", "i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8"])


@given(NUMBERS.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))))
def test_numbers_go_through(array: np.ndarray) -> None:
    header, tensors = _through({"kind": "run", "id": 7}, {"x": array})
    assert header == {"kind": "run", "id": 7}
    np.testing.assert_array_equal(tensors["x"], array)
    assert (tensors["x"].dtype, tensors["x"].shape) == (array.dtype, array.shape)


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.arange(12, dtype=np.float32).reshape(3, 4).T, id="transposed"),
        pytest.param(np.arange(12, dtype=np.int64)[::3], id="strided"),
        pytest.param(np.arange(3, dtype=">i4"), id="the_other_byte_order"),
    ],
)
def test_numbers_that_lie_in_memory_in_another_way_go_through(array: np.ndarray) -> None:
    _, tensors = _through({}, {"x": array})
    np.testing.assert_array_equal(tensors["x"], array)


def test_text_goes_through_as_bytes_and_several_tensors_in_their_order() -> None:
    text = np.array([["a", "ü"], ["", "\0"]], object)
    _, tensors = _through({}, {"b": text, "a": np.zeros(2, np.uint8)})
    assert list(tensors) == ["b", "a"]
    assert tensors["b"].tolist() == [[b"a", "ü".encode()], [b"", b"\0"]]


@pytest.mark.wide
def test_more_strings_than_a_message_may_have_go_through() -> None:
    """They ended the process."""
    text = np.array([b"a", b""] * 200_000, object)
    assert _through({}, {"x": text})[1]["x"].tolist() == text.tolist()


def test_what_came_out_may_be_written_to() -> None:
    _, tensors = _through({}, {"x": np.zeros(2, np.float32)})
    tensors["x"][0] = 1


def test_what_the_protocol_has_no_type_for_is_refused_before_anything_is_written() -> None:
    pipe = io.BytesIO()
    with pytest.raises(TensorError):
        write_frame(pipe, {}, {"x": np.zeros(1, np.complex64)})
    assert pipe.getvalue() == b""


def test_a_pipe_that_ended_between_two_frames_has_ended() -> None:
    assert read_frame(io.BufferedReader(io.BytesIO())) is None  # type: ignore[arg-type]


def _frame(head: object, *rest: bytes) -> bytes:
    content = json.dumps(head).encode()
    return struct.pack("<I", len(content)) + content + b"".join(rest)


WHOLE = _frame({"id": 1, "tensors": [["x", "FP32", [2], 8]]}, bytes(8))
DAMAGED = {
    "a huge header": struct.pack("<I", 0xFFFFFFFF),
    "no json": struct.pack("<I", 2) + b"{]",
    "no header": _frame([1]),
    "another size than its shape": _frame({"tensors": [["x", "FP32", [2], 9]]}, bytes(9)),
    "a huge tensor": _frame({"tensors": [["x", "UINT8", [1 << 40], 1 << 40]]}),
    "a negative size": _frame({"tensors": [["x", "BYTES", [1], -1]]}),
    "an unknown type": _frame({"tensors": [["x", "FP7", [2], 8]]}, bytes(8)),
    "text that runs past its end": _frame({"tensors": [["x", "BYTES", [1], 4]]}, struct.pack("<I", 9)),
    "fewer strings than it has bytes for": _frame({"tensors": [["x", "BYTES", [1], 5]]}, bytes(5)),
    "a tensor described in part": _frame({"tensors": [["x", "FP32"]]}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_refused(content: bytes) -> None:
    with pytest.raises(BrokenFrame):
        read_frame(io.BufferedReader(io.BytesIO(content)))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_what_ends_early_is_refused(length: int) -> None:
    with pytest.raises(BrokenFrame):
        read_frame(io.BufferedReader(io.BytesIO(WHOLE[:length])))  # type: ignore[arg-type]
