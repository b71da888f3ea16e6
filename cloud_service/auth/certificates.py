"""The service's certificate and its clients': what is served, and who a verified client says it is.

Which clients are let in is TLS's to decide; here a certificate was verified."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Material", "ServerTls", "client_names", "client_names_in", "server_context"]

_MAX_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Material:
    """What was in the files, found to go together, and the context of it. `expires_utc` is the first of the chain's,
    `own_expires_utc` the service's own: a chain may bring along what has expired, and clients know a way around it."""

    certificate: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    expires_utc: float
    own_expires_utc: float
    context: ssl.SSLContext


class ServerTls:
    """What new connections are made with; those that are open keep what they were made with."""

    def __init__(self, material: Callable[[], Material]) -> None:
        """`material` gives what is in use now."""
        self.material = material
        # A port keeps the context that it was opened with: this one puts the newest in its place in each handshake.
        # Whether a client needs a certificate is settled before that, so it says it, too.
        self.context = server_context(client_ca=material().client_ca)
        self.context.sni_callback = self._hand_over

    def _hand_over(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: object) -> None:
        connection.context = self.material().context


def client_names(uris: Iterable[str], dns: Iterable[str], common: Iterable[str]) -> list[str]:
    """Return the names of a client's certificate, the one that names it best first: a SPIFFE id, another URI, a DNS
    name, the subject's common name."""
    in_order = [*sorted(uris, key=lambda uri: not uri.startswith("spiffe://")), *dns, *common]
    return [name for name in in_order if 0 < len(name) <= _MAX_NAME and name.isprintable()]


def client_names_in(peer_certificate: Mapping[str, Any] | None) -> list[str]:  # Any: the ssl module's own shape
    """Return the names in what `SSLObject.getpeercert` gives of a verified certificate."""
    if not peer_certificate:
        return []
    alternative = peer_certificate.get("subjectAltName", ())
    subject = [pair for part in peer_certificate.get("subject", ()) for pair in part]
    return client_names(
        (value for kind, value in alternative if kind == "URI"),
        (value for kind, value in alternative if kind == "DNS"),
        (value for kind, value in subject if kind == "commonName"),
    )


def server_context(*, client_ca: bytes | None) -> ssl.SSLContext:
    """Return a context that asks for a certificate of `client_ca`, where it is given; one to serve is still wanted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_ca.decode("ascii", "replace"))
    return context
