"""TLS on gRPC's port: each handshake gets the newest certificate, and says who the client is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import grpc

from cloud_service.auth.certificates import Material, ServerTls, client_names

__all__ = ["peer_names", "server_credentials"]


def server_credentials(tls: ServerTls) -> grpc.ServerCredentials:
    """Return credentials that follow `tls`. With client authorities every client needs a certificate of theirs."""
    served = tls.material()

    def newest() -> Any:  # Any: see _configuration
        # In gRPC's thread, for each handshake; None is "as before".
        nonlocal served
        material = tls.material()
        if material is served:
            return None
        served = material
        return _configuration(material)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(served), newest, require_client_authentication=served.client_ca is not None
    )


def peer_names(context: Any) -> list[str]:  # Any: a grpc.aio.ServicerContext, which is generic in what it carries
    """Return the names in the client's certificate, the most telling first; none without one that was verified."""
    told: Mapping[str, Iterable[bytes]] = context.auth_context()
    uris, dns, common = (
        [value.decode("utf-8", "replace") for value in told.get(kind, ())]
        for kind in ("peer_uri", "peer_dns", "x509_common_name")
    )
    return client_names(uris, dns, common)


def _configuration(material: Material) -> Any:  # Any: an opaque object of gRPC's
    return grpc.ssl_server_certificate_configuration(
        [(material.key, material.certificate)], root_certificates=material.client_ca
    )
