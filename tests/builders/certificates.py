"""Certificates for tests: authorities made on the spot, and what they issue, as files and as gRPC's credentials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import trustme

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
        self._issued += 1
        chain, key = self._folder / f"{self._issued}.pem", self._folder / f"{self._issued}.key"
        chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        return chain, key

    def server(self, *names: str, clients: Authority | None = None, expired: bool = False) -> grpc.ServerCredentials:
        """Return a server's credentials for `names`; with `clients` it wants a certificate of that authority."""
        chain, key = self.issue(*names, expired=expired)
        return grpc.ssl_server_credentials(
            [(key.read_bytes(), chain.read_bytes())],
            root_certificates=None if clients is None else clients.file.read_bytes(),
            require_client_auth=clients is not None,
        )

    def tls(self, identity: tuple[Path, Path] | None = None, *, server_name: str | None = None) -> TlsConfig:
        """Return what an agent that trusts this authority is configured with."""
        chain, key = identity or (None, None)
        return TlsConfig(ca=self.file, certificate=chain, key=key, server_name=server_name)
