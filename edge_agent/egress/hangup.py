"""Why an endpoint hung up while we were connecting: does it refuse who we are, or is it just not there?

A server that misses or rejects our certificate, and one that wants TLS where we speak plaintext, close the connection
without a word; gRPC reports both as it reports a server that is restarting. So the endpoint is asked once more, by a
bare handshake that holds nothing of any request. What cannot be told for sure is no refusal."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from edge_agent.config import TlsConfig

__all__ = ["client_context", "refuses_us"]

# How HTTP/2 begins: the fixed words, and a SETTINGS frame without settings. A server that takes us sends its own.
_HELLO: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


def client_context(tls: TlsConfig) -> ssl.SSLContext:
    """Return a context with the authorities, certificate and key of `tls`.

    Raises OSError, ssl.SSLError among them: for files that cannot be read, are no PEM, or do not go together."""
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.certificate is not None:
        # Without a password at hand an encrypted key would be asked for on the app's terminal.
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")
    context.set_alpn_protocols(["h2"])
    return context


def refuses_us(address: str, tls: TlsConfig | None, timeout_s: float) -> bool:
    """Tell whether the endpoint at HOST:PORT is there and wants another identity, or TLS, of us.

    Takes at most some `timeout_s` a step."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_connection((host, int(port)), timeout_s) as raw:
            return _speaks_tls(raw) if tls is None else _hangs_up_on_us(raw, tls, tls.server_name or host)
    except (OSError, ValueError):  # ssl.SSLError is an OSError; a name that cannot be looked up may be a ValueError
        return False


def _speaks_tls(raw: socket.socket) -> bool:
    context = ssl.create_default_context()
    # Whose certificate it is does not matter: nothing is sent after the handshake.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(raw):
        return True


def _hangs_up_on_us(raw: socket.socket, tls: TlsConfig, server_name: str) -> bool:
    with client_context(tls).wrap_socket(raw, server_hostname=server_name) as secured:
        # In TLS 1.3 our side is done before the server has looked at our certificate.
        try:
            secured.sendall(_HELLO)
            return not secured.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
