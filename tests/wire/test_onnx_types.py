from __future__ import annotations

import numpy as np
import pytest

from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.onnx_types import DATATYPE_OF, bytes_of, shape_of, text_of


def test_each_of_the_protocols_datatypes_has_one_type() -> None:
    assert sorted(DATATYPE_OF.values()) == sorted(DATATYPES)


def test_dimensions_without_a_size_may_vary() -> None:
    assert shape_of([1, "batch", None, 0]) == (1, -1, -1, 0)


@pytest.mark.parametrize("shape", [(), (0,), (2, 1)])
def test_texts_come_back_as_the_bytes_they_were(shape: tuple[int, ...]) -> None:
    tensor = np.full(shape, "naïve".encode(), object)
    text = text_of(tensor)
    assert text.dtype == DATATYPES[BYTES]
    assert all(element == "naïve" for element in text.flat)
    np.testing.assert_array_equal(bytes_of(text), tensor)


def test_what_is_no_UTF_8_is_no_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        text_of(np.array([b"\xff"], object))
