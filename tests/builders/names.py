"""A name server on loopback, that says of every name what a test wants."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Sequence
from typing import Final, Self

__all__ = ["NameServer"]

_IPV4: Final = 1
_NO_SUCH_NAME: Final = 3
_ANSWERED: Final = 0x8180
_NAME_OF_THE_QUESTION: Final = b"\xc0\x0c"


class NameServer:
    """`with NameServer() as names:`. `addresses` may be replaced at any time; None: there is no such name."""

    def __init__(self) -> None:
        self.addresses: Sequence[str] | None = ()
        self.asked = 0
        """How often it was asked for IPv4 addresses."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, name="name-server", daemon=True)

    def endpoint(self, name: str, port: int) -> str:
        """Return NAME:PORT as gRPC writes it where this server is to be asked for it."""
        return f"dns://127.0.0.1:{self._socket.getsockname()[1]}/{name}:{port}"

    def __enter__(self) -> Self:
        self._socket.bind(("127.0.0.1", 0))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # An empty question ends it: closing a socket wakes nobody who reads from it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(4096)
            if not question:
                return
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        end = 12
        while question[end]:
            end += question[end] + 1
        (kind,) = struct.unpack_from(">H", question, end + 1)
        self.asked += kind == _IPV4
        addresses = (self.addresses or ()) if kind == _IPV4 else ()
        flags = _ANSWERED | (_NO_SUCH_NAME if self.addresses is None else 0)
        records = [
            _NAME_OF_THE_QUESTION + struct.pack(">HHIH", _IPV4, 1, 1, 4) + socket.inet_aton(address)
            for address in addresses
        ]
        head = question[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        return head + question[12 : end + 5] + b"".join(records)
