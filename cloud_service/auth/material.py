"""The files of the service's certificate, read and held against each other before they are used.

So a certificate that is being replaced, with its key still the old one, is never served. Apart from what serves it,
because a service without TLS need not load what reads certificates."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from cloud_service.auth.certificates import Material, server_context
from cloud_service.errors import SettingsError

__all__ = ["TlsFiles", "read_material", "refuse_expired"]


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
    context = server_context(client_ca=client_ca)
    try:
        context.load_cert_chain(files.certificate, files.key, password=lambda: b"")
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError("tls_certificate", f"{files.certificate} cannot be served with {files.key}") from error
    if (certificate, key) != (_read("tls_certificate", files.certificate), _read("tls_key", files.key)):
        raise SettingsError("tls_certificate", f"{files.certificate} or its key changed while it was read")
    expires = min(part.not_valid_after_utc.timestamp() for part in chain)
    return Material(certificate, key, client_ca, expires, chain[0].not_valid_after_utc.timestamp(), context)


def refuse_expired(old: Material, new: Material, *, clock_utc: Callable[[], float] = time.time) -> None:
    """Let `new` take the place of `old`. Raises SettingsError: where it has expired and the old one has not."""
    if new.own_expires_utc <= clock_utc() < old.own_expires_utc:
        when = datetime.fromtimestamp(new.own_expires_utc, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise SettingsError("tls_certificate", f"the new certificate has expired at {when}; put one there that holds")


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
