"""A service's REST port asked as any client would, and as none would."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Mapping

from cloud_service.config import Address
from tests.builders.clouds import HttpAnswer

__all__ = ["ask", "infer_json", "send_raw"]

_BOUND_S = 30


def ask(
    address: Address | None,
    path: str,
    body: bytes | str | None = None,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """Send one request, GET without a body and POST with one, and return the answer with lower-case headers."""
    assert address is not None
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_BOUND_S)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, dict(headers or {}))
        response = connection.getresponse()
        return HttpAnswer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def infer_json(address: Address | None, model: str, document: object, **headers: str) -> HttpAnswer:
    """Send an inference whose body is JSON."""
    return ask(address, f"/v2/models/{model}/infer", json.dumps(document), headers=headers)


def send_raw(address: Address | None, request: bytes, *, answers: int = 1) -> bytes:
    """Send these bytes and return what comes back: until so many answers are whole, or the connection ends."""
    assert address is not None
    received = bytearray()
    with socket.create_connection((address.host, address.port), timeout=_BOUND_S) as connection:
        try:
            connection.sendall(request)
            while not _holds(bytes(received), answers) and (piece := connection.recv(1 << 16)):
                received += piece
        except ConnectionError:  # it hung up, with or without an answer
            pass
    return bytes(received)


def _holds(received: bytes, answers: int) -> bool:
    for _ in range(answers):
        head, end, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not end or length is None or len(rest) < int(length[1]):
            return False
        received = rest[int(length[1]) :]
    return True
