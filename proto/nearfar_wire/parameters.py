"""Parameters of a request or a response.

Written are only bool, int64 and string, because some servers of the protocol know no others; read are all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nearfar_wire.errors import ParameterError
from nearfar_wire.inference_pb2 import InferParameter

__all__ = ["Parameter", "parameter", "read_parameters"]

Parameter = bool | int | str

_INT64: Final = range(-(1 << 63), 1 << 63)


def parameter(name: str, value: Parameter) -> InferParameter:
    """Return `value` as it is written.

    Raises ParameterError: for another type, an integer of more than 64 bits, or text that UTF-8 cannot carry."""
    if isinstance(value, bool):  # before int, which bool is
        return InferParameter(bool_param=value)
    if isinstance(value, int):
        if value not in _INT64:
            raise ParameterError(name, "the integer needs more than 64 bits; send it as text")
        return InferParameter(int64_param=value)
    if isinstance(value, str):
        try:
            return InferParameter(string_param=value)
        except ValueError:  # not chained: the cause quotes the text
            raise ParameterError(name, "the text holds a lone surrogate, which UTF-8 cannot carry") from None
    raise ParameterError(name, f"takes bool, int or str, not {type(value).__name__}")


def read_parameters(parameters: Mapping[str, InferParameter]) -> dict[str, bool | int | str | float]:
    """Return the values by name; a parameter without a value is left out."""
    values: dict[str, bool | int | str | float] = {}
    for name, given in parameters.items():
        choice = given.WhichOneof("parameter_choice")
        if choice is not None:
            values[name] = getattr(given, choice)
    return values
