"""The protocol's datatypes and numpy's are one to one."""

from __future__ import annotations

import numpy as np
import pytest

from nearfar_wire.datatypes import DATATYPES, datatype_of, dtype_of
from nearfar_wire.errors import TensorError


@pytest.mark.parametrize("datatype", DATATYPES)
def test_a_datatype_comes_back_from_its_numpy_type(datatype: str) -> None:
    assert datatype_of(dtype_of(datatype)) == datatype


def test_every_number_and_boolean_of_numpy_has_a_datatype_except_wide_ones() -> None:
    codes = np.typecodes["AllInteger"] + np.typecodes["Float"] + "?"
    for dtype in {np.dtype(code) for code in codes} - {np.dtype(np.longdouble)}:
        assert dtype_of(datatype_of(dtype)).itemsize == dtype.itemsize


@pytest.mark.parametrize("dtype", ["S3", "U3", "O"])
def test_bytes_text_and_objects_are_BYTES(dtype: str) -> None:
    assert datatype_of(np.dtype(dtype)) == "BYTES"


def test_an_unknown_datatype_is_named_with_what_there_is() -> None:
    with pytest.raises(TensorError, match=r"'pixels': datatype 'BF16' is not one of BOOL, UINT8.*BYTES"):
        dtype_of("BF16", "pixels")
