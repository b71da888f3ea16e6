"""Certificates for tests: authorities made on the spot, and what they issue, as files and as gRPC's credentials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from edge_agent import TlsConfig

__all__ = ["Authority"]


class Authority:
    """A certificate authority whose files lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ca = trustme.CA()
        self._issued = 0
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str, expired: bool = False) -> tuple[Path, Path]:
        """Return the files of a certificate chain for host names or addresses, and of its key."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        issued = self._ca.issue_cert(
            *names,
            not_before=yesterday - timedelta(days=1),
            not_after=yesterday if expired else yesterday + timedelta(days=30),
        )
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        return self._written(chain, issued.private_key_pem.bytes())

    def issue_client(self, *, uris: tuple[str, ...] = (), common_name: str = "") -> tuple[Path, Path]:
        """Return the files of a certificate that names its owner by URIs or by its subject, and of its key."""
        signer = load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate(self._ca.cert_pem.bytes()).subject
        subject = [x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else []
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(issuer, x509.Name(subject), key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
        )
        if uris:
            names = [x509.UniformResourceIdentifier(uri) for uri in uris]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        chain = builder.sign(signer, SHA256()).public_bytes(Encoding.PEM)
        return self._written(chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def server(self, *names: str, clients: Authority | None = None, expired: bool = False) -> grpc.ServerCredentials:
        """Return a server's credentials for `names`; with `clients` it wants a certificate of that authority."""
        chain, key = self.issue(*names, expired=expired)
        return grpc.ssl_server_credentials(
            [(key.read_bytes(), chain.read_bytes())],
            root_certificates=None if clients is None else clients.file.read_bytes(),
            require_client_auth=clients is not None,
        )

    def channel(self, identity: tuple[Path, Path] | None = None) -> grpc.ChannelCredentials:
        """Return the credentials of a client that trusts this authority."""
        chain, key = (None, None) if identity is None else (file.read_bytes() for file in identity)
        return grpc.ssl_channel_credentials(self.file.read_bytes(), key, chain)

    def tls(self, identity: tuple[Path, Path] | None = None, *, server_name: str | None = None) -> TlsConfig:
        """Return what an agent that trusts this authority is configured with."""
        chain, key = identity or (None, None)
        return TlsConfig(ca=self.file, certificate=chain, key=key, server_name=server_name)

    def _written(self, chain: bytes, key: bytes) -> tuple[Path, Path]:
        self._issued += 1
        files = self._folder / f"{self._issued}.pem", self._folder / f"{self._issued}.key"
        for file, pem in zip(files, (chain, key), strict=True):
            file.write_bytes(pem)
        return files
