"""Which of the contract's codes each refusal is. What a code is on a transport is nearfar_wire.status's to say.

An error that is not in the table is INTERNAL, and its text stays here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cloud_service.errors import (
    DeadlineExceeded,
    Draining,
    InvalidInput,
    LoadFailed,
    ModelNotFound,
    ModelNotReady,
    NotByRequest,
    Overloaded,
    PermissionDenied,
    TooLarge,
    Unauthenticated,
)
from nearfar_wire.errors import MessageError, TensorError
from nearfar_wire.status import Code

__all__ = ["CODE_OF", "code_of"]

CODE_OF: Final[Mapping[type[Exception], Code]] = MappingProxyType(
    {
        InvalidInput: Code.INVALID_INPUT,
        MessageError: Code.INVALID_INPUT,
        TensorError: Code.INVALID_INPUT,
        ModelNotFound: Code.MODEL_NOT_FOUND,
        ModelNotReady: Code.MODEL_NOT_READY,
        LoadFailed: Code.MODEL_NOT_READY,
        NotByRequest: Code.UNIMPLEMENTED,
        DeadlineExceeded: Code.DEADLINE_EXCEEDED,
        Overloaded: Code.OVERLOADED,
        Unauthenticated: Code.UNAUTHENTICATED,
        PermissionDenied: Code.PERMISSION_DENIED,
        TooLarge: Code.TOO_LARGE,
        Draining: Code.UNAVAILABLE,
    }
)


def code_of(error: Exception) -> Code:
    """Return the code of a refusal; INTERNAL for every other error."""
    return CODE_OF.get(type(error), Code.INTERNAL)
