"""Short messages, which are parsed as they are: every request but an inference.

The longest name of a model has 128 characters. What is longer than any question can be is refused unparsed, because
two bytes of it may become fifty."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from cloud_service.caller import Caller
from cloud_service.errors import InvalidInput
from cloud_service.grpc.guard import Context, Handler

__all__ = ["parsed"]

_MAX_BYTES: Final = 16 << 10

Request = TypeVar("Request", bound=Message)


def parsed(request_type: type[Request], answer: Callable[[Request, Caller], Awaitable[Message]]) -> Handler:
    """Return `answer`, which is from message to message, as a handler from bytes to bytes."""

    async def handler(received: bytes, _context: Context, caller: Caller) -> bytes:
        name = request_type.DESCRIPTOR.name
        if len(received) > _MAX_BYTES:
            raise InvalidInput(f"a {name} has at most {_MAX_BYTES} bytes here, this one has {len(received)}")
        try:
            request = request_type.FromString(received)
        except DecodeError:
            raise InvalidInput(f"these bytes are no {name}; send the protocol's message") from None
        return (await answer(request, caller)).SerializeToString()

    return handler
