"""An answer that is written at once is the message that the parser reads, and the one that encode_response makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.answer import encode_answer
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.errors import TensorError
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER, encode_response

DIGEST = "sha256:" + "a" * 64
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
NUMBERS = st.sampled_from([dtype for dtype in DATATYPES.values() if dtype.kind != "O"]).flatmap(
    lambda dtype: hnp.arrays(dtype, SHAPES)
)
TEXTS = hnp.arrays(object, SHAPES, elements=st.binary(max_size=5) | st.just("ü"))


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), NUMBERS | TEXTS, max_size=3),
    st.sampled_from(["", "r", "ü" * 100]),
)
def test_it_is_what_the_message_would_be(outputs: dict[str, np.ndarray[Any, Any]], request_id: str) -> None:
    content = encode_answer("m", "4", DIGEST, outputs, request_id=request_id)
    parameters = {MODEL_DIGEST_PARAMETER: DIGEST}
    message = encode_response("m", outputs, version="4", request_id=request_id, parameters=parameters)
    assert pb.ModelInferResponse.FromString(content) == message


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.arange(12, dtype=np.float32).reshape(3, 4).T, id="transposed"),
        pytest.param(np.arange(12, dtype=np.int64)[::-2], id="backwards"),
        pytest.param(np.arange(3, dtype=">f8"), id="foreign byte order"),
        pytest.param(np.arange(100_000, dtype=np.float32), id="long"),
    ],
)
def test_whatever_lies_in_memory_in_its_own_way_is_written_row_by_row(array: np.ndarray[Any, Any]) -> None:
    message = pb.ModelInferResponse.FromString(encode_answer("m", "1", DIGEST, {"y": array}))
    assert message == encode_response("m", {"y": array}, version="1", parameters={MODEL_DIGEST_PARAMETER: DIGEST})


def test_a_type_that_the_protocol_does_not_have_is_refused() -> None:
    with pytest.raises(TensorError, match="'y': numpy type complex64"):
        encode_answer("m", "1", DIGEST, {"y": np.zeros(1, np.complex64)})
