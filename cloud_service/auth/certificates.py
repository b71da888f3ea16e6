"""The service's certificate and its clients': what is served, until when, and who a verified client says it is.

Files are read and held against each other before they are used, so a certificate that is being replaced, with its key
still the old one, is never served. Which clients are let in is TLS's to decide; here a certificate was verified."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from cloud_service.errors import SettingsError

__all__ = ["Material", "ServerTls", "TlsFiles", "client_names", "client_names_in", "read_material"]

_MAX_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the service's PEM files are. With `client_ca` a client has to have a certificate of one of its
    authorities."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def paths(self) -> Sequence[Path]:
        """Return all of them."""
        return [path for path in (self.certificate, self.key, self.client_ca) if path is not None]


@dataclass(frozen=True, slots=True)
class Material:
    """What was in the files, found to go together, and the context of it. `expires_utc` is the first of the chain's."""

    certificate: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    expires_utc: float
    context: ssl.SSLContext


class ServerTls:
    """What new connections are made with; those that are open keep what they were made with."""

    def __init__(self, material: Callable[[], Material]) -> None:
        """`material` gives what is in use now."""
        self.material = material
        # A port keeps the context that it was opened with: this one puts the newest in its place in each handshake.
        # Whether a client needs a certificate is settled before that, so it says it, too.
        self.context = _context(client_ca=material().client_ca)
        self.context.sni_callback = self._hand_over

    def _hand_over(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: object) -> None:
        connection.context = self.material().context


def read_material(files: TlsFiles) -> Material:
    """Read the files and check that they go together. Raises SettingsError: naming the setting to look at."""
    certificate, key = _read("tls_certificate", files.certificate), _read("tls_key", files.key)
    client_ca = None if files.client_ca is None else _read("tls_client_ca", files.client_ca)
    chain = _certificates("tls_certificate", files.certificate, certificate)
    if client_ca is not None and files.client_ca is not None:
        _certificates("tls_client_ca", files.client_ca, client_ca)
    if _public_key(files.key, key) != chain[0].public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ):
        raise SettingsError("tls_key", f"{files.key} is not the key of the first certificate in {files.certificate}")
    context = _context(client_ca=client_ca)
    try:
        context.load_cert_chain(files.certificate, files.key, password=lambda: b"")
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError("tls_certificate", f"{files.certificate} cannot be served with {files.key}") from error
    if (certificate, key) != (_read("tls_certificate", files.certificate), _read("tls_key", files.key)):
        raise SettingsError("tls_certificate", f"{files.certificate} or its key changed while it was read")
    expires = min(part.not_valid_after_utc.timestamp() for part in chain)
    return Material(certificate, key, client_ca, expires, context)


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


def _context(*, client_ca: bytes | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_ca.decode("ascii", "replace"))
    return context


def _read(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(setting, f"{path} cannot be read ({error.strerror})") from error


def _certificates(setting: str, path: Path, pem: bytes) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise SettingsError(setting, f"{path} holds no PEM certificate (BEGIN CERTIFICATE)") from error


def _public_key(path: Path, pem: bytes) -> bytes:
    # Without the cause: what it says of a key is not for a log.
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise SettingsError("tls_key", f"{path} is encrypted; give the key without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError("tls_key", f"{path} holds no PEM private key (BEGIN PRIVATE KEY)") from None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
