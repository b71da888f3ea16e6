"""Parameters: three types go out."""

from __future__ import annotations

import pytest

from nearfar_wire.errors import ParameterError
from nearfar_wire.parameters import Parameter, parameter


@pytest.mark.parametrize(
    ("value", "choice"),
    [
        (False, "bool_param"),
        (True, "bool_param"),
        (0, "int64_param"),
        (-(1 << 63), "int64_param"),
        ((1 << 63) - 1, "int64_param"),
        ("", "string_param"),
        ("naïve", "string_param"),
    ],
)
def test_a_value_is_written_as_what_it_is(value: Parameter, choice: str) -> None:
    written = parameter("p", value)
    assert written.WhichOneof("parameter_choice") == choice
    assert getattr(written, choice) == value


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.5, "not float"), (None, "not NoneType"), (1 << 63, "more than 64 bits"), ("\ud800", "lone surrogate")],
    ids=["float", "None", "65 bits", "surrogate"],
)
def test_what_other_servers_would_not_read_is_not_written(value: Parameter, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as refused:
        parameter("temperature", value)
    assert refused.value.parameter == "temperature"
