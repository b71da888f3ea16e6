"""A gRPC server that ends every call with a status of the test's choosing, also one that gRPC does not know. It speaks
as much HTTP/2 as that takes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["ending_with_status"]

_PREFACE_BYTES: Final = 24
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _literal(name: str, value: str) -> bytes:
    """A header field that is neither indexed nor compressed."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def _exactly(client: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        piece = client.recv(size - len(got))
        if not piece:
            raise ConnectionError("the client left")
        got += piece
    return got


def _serve(client: socket.socket, status: int) -> None:
    _exactly(client, _PREFACE_BYTES)
    client.sendall(_frame(_SETTINGS, 0, 0))
    headers = b"\x88" + _literal("content-type", "application/grpc") + _literal("grpc-status", str(status))
    while True:
        head = _exactly(client, 9)
        kind, flags, stream = head[3], head[4], struct.unpack(">I", head[5:])[0]
        payload = _exactly(client, int.from_bytes(head[:3], "big"))
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            client.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            client.sendall(_frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, headers))


@contextmanager
def ending_with_status(status: int) -> Iterator[str]:
    """Yield HOST:PORT of a server that does so until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def live() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                clients.append(client)
                threading.Thread(target=_one, args=(client,), daemon=True).start()

    def _one(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            _serve(client, status)

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for client in clients:
            client.close()
        thread.join(5)
