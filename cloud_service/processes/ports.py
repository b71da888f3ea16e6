"""Ports that several processes share: each listens on its own socket, and the kernel deals out the connections.

The parent holds each port with a socket that never listens, so that it stays ours while every process is down."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from cloud_service.config import Address
from cloud_service.errors import BindError

__all__ = ["reserved"]


@contextmanager
def reserved(address: Address) -> Iterator[Address]:
    """Hold `address` for as long as the block lasts, and yield it with the port that was given.

    Raises BindError: also where another service would share it, each with a part of the calls."""
    try:
        family, *_ = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        if address.port:
            with socket.socket(family, socket.SOCK_STREAM) as alone:
                # Connections of a service that has just ended may linger; what listens may not.
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind((address.host, address.port))
                alone.listen(1)
        held = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise BindError(str(address)) from error
    with held:
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind((address.host, address.port))
        except OSError as error:
            raise BindError(str(address)) from error
        yield Address(address.host, held.getsockname()[1])
