"""Parameters: three types go out, all come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire.errors import ParameterError
from nearfar_wire.inference_pb2 import InferParameter
from nearfar_wire.parameters import Parameter, parameter, read_parameters


@given(st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_written_is_read_back_with_its_type(value: Parameter) -> None:
    read = read_parameters({"p": parameter("p", value)})["p"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (InferParameter(bool_param=False), False),
        (InferParameter(int64_param=0), 0),
        (InferParameter(string_param=""), ""),
        (InferParameter(double_param=0.5), 0.5),
        (InferParameter(uint64_param=(1 << 64) - 1), (1 << 64) - 1),
    ],
)
def test_every_kind_is_read(written: InferParameter, value: object) -> None:
    assert read_parameters({"p": written}) == {"p": value}


def test_a_parameter_without_a_value_is_left_out() -> None:
    assert read_parameters({"p": InferParameter()}) == {}


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.5, "not float"), (None, "not NoneType"), (1 << 63, "more than 64 bits"), ("\ud800", "lone surrogate")],
    ids=["float", "None", "65 bits", "surrogate"],
)
def test_what_other_servers_would_not_read_is_not_written(value: Parameter, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as refused:
        parameter("temperature", value)
    assert refused.value.parameter == "temperature"
