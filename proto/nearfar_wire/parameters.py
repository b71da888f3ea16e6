"""Parameters of a response, as they are written: bool, int64 and string only, because some clients of the protocol
know no others."""

from __future__ import annotations

from typing import Final

from nearfar_wire.errors import ParameterError
from nearfar_wire.inference_pb2 import InferParameter

__all__ = ["Parameter", "parameter"]

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
