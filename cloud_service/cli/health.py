"""`nearfar-cloud health`: ask a service how it is, as gRPC's own health service tells it.

For containers without a shell, whose health check is this command. Prints one word. A service of its own environment
that speaks TLS is asked on its operations port, which says the same: a container holds the certificate that is served,
and neither the authority that clients trust nor a client's own certificate."""

from __future__ import annotations

import http.client
import ipaddress
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cloud_service.config import Address, Settings
from cloud_service.errors import SettingsError
from cloud_service.sources import gather

__all__ = ["ask"]


def ask(given: Mapping[str, Any], environment: Mapping[str, str]) -> int:  # Any: each flag's own type
    """Ask, print what came back, and return the exit code: 0 for a service, or a model, that can answer, else 1.

    Raises SettingsError: where the question itself is wrong."""
    if given["target"] is not None:
        return _ask_grpc(_address("target", given["target"]), given)
    own = gather({}, environment).values
    if own.get("tls_certificate") is not None and given["ca"] is None:
        if given["model"]:
            raise SettingsError("model", "is asked for over TLS; add --ca")
        return _ask_operations(_here("http", own), given["timeout_s"])
    return _ask_grpc(_here("grpc", own), given)


def _ask_operations(target: Address, timeout_s: float) -> int:
    connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
    try:
        connection.request("GET", "/readyz")
        ready = connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        print(f"nearfar-cloud: the operations port {target} does not answer; check the address", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return _told(health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING)


def _ask_grpc(target: Address, given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    with _channel(target, given) as channel:
        request = health_pb2.HealthCheckRequest(service=given["model"])
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=given["timeout_s"])
        except grpc.RpcError as error:
            print(f"nearfar-cloud: {target} {_why(error.code(), given['model'])}", file=sys.stderr)
            return 1
    return _told(answer.status)


def _told(status: int) -> int:
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(status))
    return 0 if status == health_pb2.HealthCheckResponse.SERVING else 1


def _why(status: grpc.StatusCode, model: str) -> str:
    if status is grpc.StatusCode.NOT_FOUND:
        return f"knows no model {model!r}"
    advice = "; check the address, and on both sides whether TLS is spoken"
    return f"does not answer ({status.name}){advice if status is grpc.StatusCode.UNAVAILABLE else ''}"


def _here(setting: str, own: Mapping[str, object]) -> Address:
    address = _address(setting, str(own.get(setting) or Settings.model_fields[setting].default))
    # Who listens on every address is asked on this machine's own.
    try:
        everywhere = ipaddress.ip_address(address.host).is_unspecified
    except ValueError:
        everywhere = False
    return Address("::1" if ":" in address.host else "127.0.0.1", address.port) if everywhere else address


def _address(setting: str, text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise SettingsError(setting, str(error)) from error


def _channel(target: Address, given: Mapping[str, Any]) -> grpc.Channel:  # Any: each flag's own type
    if given["ca"] is None:
        for flag in ("cert", "key", "server_name"):
            if given[flag] is not None:
                raise SettingsError(flag, "is for TLS; add --ca")
        return grpc.insecure_channel(str(target))
    credentials = grpc.ssl_channel_credentials(_read("ca", given), _read("key", given), _read("cert", given))
    name = given["server_name"]
    return grpc.secure_channel(
        str(target), credentials, options=[("grpc.ssl_target_name_override", name)] if name else []
    )


def _read(flag: str, given: Mapping[str, Any]) -> bytes | None:  # Any: each flag's own type
    path: Path | None = given[flag]
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(flag, f"{path} cannot be read: {error.strerror}") from error
