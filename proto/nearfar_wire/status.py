"""The one table of error codes: what each is on gRPC and over REST, and what a caller may do about it.

Several codes share a status, so the code itself travels beside it, in the trailing metadata or a header; a stranger's
error has none and is read by its status. gRPC is imported only when a status object is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import grpc

__all__ = ["CODES", "ERROR_CODE_KEY", "Code", "Meaning", "code_from_status", "error_metadata", "grpc_status"]

ERROR_CODE_KEY: Final = "nearfar-error"


class Code(StrEnum):
    """What went wrong with a request; a bounded set, fit for a metric's label."""

    INVALID_INPUT = "INVALID_INPUT"
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND"
    MODEL_NOT_READY = "MODEL_NOT_READY"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CANCELLED = "CANCELLED"
    OVERLOADED = "OVERLOADED"
    TOO_LARGE = "TOO_LARGE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAVAILABLE = "UNAVAILABLE"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"
    BAD_RESPONSE = "BAD_RESPONSE"
    """It answered, but not with what its contract says."""
    PROTOCOL_ERROR = "PROTOCOL_ERROR"
    """What answered does not speak the protocol, such as a captive portal."""
    SECURITY_ERROR = "SECURITY_ERROR"
    """The other end could not prove who it is, or we could not."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """`status` is the name of a grpc.StatusCode, `http` what it is over REST.

    retryable: what hindered it may pass, and the same request succeed later; nothing repeats it by itself. security:
    counted apart, and no other endpoint is tried. blames_endpoint: counts against its breaker."""

    status: str
    http: int
    retryable: bool = False
    security: bool = False
    blames_endpoint: bool = False


CODES: Final[Mapping[Code, Meaning]] = MappingProxyType(
    {
        Code.INVALID_INPUT: Meaning("INVALID_ARGUMENT", 400),
        Code.MODEL_NOT_FOUND: Meaning("NOT_FOUND", 404),
        # The endpoint works, and its other models may answer: no blame.
        Code.MODEL_NOT_READY: Meaning("UNAVAILABLE", 503, retryable=True),
        Code.DEADLINE_EXCEEDED: Meaning("DEADLINE_EXCEEDED", 504, retryable=True, blames_endpoint=True),
        # No standard has a status for it; this one is what proxies log when a client has left.
        Code.CANCELLED: Meaning("CANCELLED", 499),
        # The breaker takes load off it.
        Code.OVERLOADED: Meaning("RESOURCE_EXHAUSTED", 429, retryable=True, blames_endpoint=True),
        Code.TOO_LARGE: Meaning("RESOURCE_EXHAUSTED", 413),
        Code.UNAUTHENTICATED: Meaning("UNAUTHENTICATED", 401, security=True),
        Code.PERMISSION_DENIED: Meaning("PERMISSION_DENIED", 403, security=True),
        Code.UNAVAILABLE: Meaning("UNAVAILABLE", 503, retryable=True, blames_endpoint=True),
        Code.UNIMPLEMENTED: Meaning("UNIMPLEMENTED", 501, blames_endpoint=True),
        Code.INTERNAL: Meaning("INTERNAL", 500, blames_endpoint=True),
        # The rest is what a client finds out about a server; a relay passes it on.
        Code.BAD_RESPONSE: Meaning("INTERNAL", 502, blames_endpoint=True),
        Code.PROTOCOL_ERROR: Meaning("INTERNAL", 502, blames_endpoint=True),
        Code.SECURITY_ERROR: Meaning("INTERNAL", 502, security=True),
    }
)

_NAMED: Final[Mapping[str | bytes, Code]] = MappingProxyType({code.value: code for code in Code})

# What a status says when no code travels with it.
_PLAIN: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "INVALID_ARGUMENT": Code.INVALID_INPUT,
        "NOT_FOUND": Code.MODEL_NOT_FOUND,
        "DEADLINE_EXCEEDED": Code.DEADLINE_EXCEEDED,
        "CANCELLED": Code.CANCELLED,
        "RESOURCE_EXHAUSTED": Code.OVERLOADED,
        "UNAUTHENTICATED": Code.UNAUTHENTICATED,
        "PERMISSION_DENIED": Code.PERMISSION_DENIED,
        "UNAVAILABLE": Code.UNAVAILABLE,
        "UNIMPLEMENTED": Code.UNIMPLEMENTED,
    }
)

# How gRPC itself words a message over the limit, on either side; no server of ours sees that call.
_OVER_LIMIT: Final = "larger than max"


def grpc_status(code: Code) -> grpc.StatusCode:
    """Return the status that `code` travels under."""
    import grpc

    status: grpc.StatusCode = grpc.StatusCode[CODES[code].status]
    return status


def error_metadata(code: Code) -> tuple[tuple[str, str], ...]:
    """Return the trailing metadata that carries `code`."""
    return ((ERROR_CODE_KEY, code.value),)


def code_from_status(
    status: grpc.StatusCode, trailing: Iterable[tuple[str, str | bytes]] | None = None, *, details: str = ""
) -> Code:
    """Return the code that an error stands for: the one that travelled with it, else what its status says.

    A code that contradicts its status, or that this version does not know, is not believed. A status without a
    meaning of its own is INTERNAL. `details` is only asked whether gRPC refused the size of a message."""
    for key, value in trailing or ():
        code = _NAMED.get(value) if key == ERROR_CODE_KEY else None
        if code is not None and CODES[code].status == status.name:
            return code
    if status.name == CODES[Code.TOO_LARGE].status and _OVER_LIMIT in details:
        return Code.TOO_LARGE
    return _PLAIN.get(status.name, Code.INTERNAL)
